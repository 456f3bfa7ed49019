"""Talks: everything that knows Discord."""
