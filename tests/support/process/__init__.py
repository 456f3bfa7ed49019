"""A real process of the bot between its stand-ins."""
