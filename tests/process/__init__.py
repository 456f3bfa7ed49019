"""The bot as a real process, between a stand-in of Discord and one of useapi.net."""
