"""Lets operators see how the bot is doing."""
