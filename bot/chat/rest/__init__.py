"""Sending, permissions and the rate limit, over REST."""
