"""Texts from outside, made safe and short enough for Discord; discord.py checks neither."""

import re

from bot.core.text import plain

MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_FIELD = 1024
MAX_CHOICE = 100
MAX_CUSTOM_ID = 100

_BREAK = "\N{ZERO WIDTH SPACE}"
# Marks that count anywhere, and those that count at the start of a line; a backslash takes their meaning away.
_SPECIAL = re.compile(r"[\\*_~|`\[\]<>]|^[#+-]|(?<=^\d)\.")


def escaped(text: str, limit: int) -> str:
    """Return one line with Markdown, mentions, links, commands and timestamps switched off, within the limit."""
    # Escaping at most doubles a text.
    for length in (limit, limit // 2):
        safe = _SPECIAL.sub(r"\\\g<0>", plain(text, length))
        safe = safe.replace("@", f"@{_BREAK}").replace("://", f":{_BREAK}//")
        if len(safe) <= limit:
            break
    return safe


def code(text: str, limit: int) -> str:
    """Return one line as inline code."""
    shown = plain(text.replace("`", "'"), limit - 2)
    return f"`{shown or ' '}`"
