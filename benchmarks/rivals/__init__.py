"""Small honest bots that answer the same command with the same fields."""
