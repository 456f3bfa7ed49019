"""A stand-in of Discord on this machine, and the real process of the bot connected to it."""
