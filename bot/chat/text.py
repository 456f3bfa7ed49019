"""What Discord takes of a text, which discord.py does not check, and inline code."""

from bot.core.text import plain

MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_FIELD = 1024
MAX_CHOICE = 100
MAX_CUSTOM_ID = 100


def code(text: str, limit: int) -> str:
    """Return one line as inline code."""
    shown = plain(text.replace("`", "'"), limit - 2)
    return f"`{shown or ' '}`"
