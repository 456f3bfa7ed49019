"""MiniMax Account Bot: a useapi.net MiniMax account's state, where the team is: Discord."""

__version__ = "0.2.0"
