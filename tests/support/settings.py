"""Good settings, to be changed by a test."""

from pathlib import Path

from bot.config import Settings, read_settings

GOOD = {"DISCORD_TOKEN": "d1scord.t0ken", "USEAPI_TOKEN": "user:1-useapi", "GUILD_IDS": "123"}
NO_FILE = Path("no-such-file")


def read(**changed: str) -> Settings:
    """Read good settings with some changed, without a file."""
    return read_settings(Settings, GOOD | changed, NO_FILE)
