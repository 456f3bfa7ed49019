"""Tests of the bot as a real process, between a stand-in of Discord and the fake API."""
