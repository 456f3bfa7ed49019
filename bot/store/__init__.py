"""Saves and loads domain objects, and decides nothing. SQLite by default, PostgreSQL."""
