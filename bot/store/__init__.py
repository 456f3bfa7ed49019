"""Remembers: what is watched, what was read, what was said. SQLite by default, PostgreSQL."""
