"""Links that people get."""

SETUP_GUIDE = "https://useapi.net/docs/start-here/setup-minimax"
