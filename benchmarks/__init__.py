"""What we claim about the bot, to be run by whoever doubts it."""
