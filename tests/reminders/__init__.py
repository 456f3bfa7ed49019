"""Tests of the reminders' engine with its store."""
