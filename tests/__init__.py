"""The suite: real discord.py, real HTTP, real processes, a real browser."""
