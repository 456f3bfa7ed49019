"""Small bots that answer the same command with the same fields."""
