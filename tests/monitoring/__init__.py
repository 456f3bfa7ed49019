"""Tests of what lets operators see how the bot is doing."""
