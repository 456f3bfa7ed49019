"""Prints: the commands that answer on a terminal instead of in Discord."""
