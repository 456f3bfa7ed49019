"""Discord's limits on a message, which discord.py does not check, and texts made to fit."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.core.text import cut

MAX_CONTENT = 2_000
MAX_EMBEDS = 10
# Over all embeds of a message.
MAX_CHARACTERS = 6_000
MAX_TITLE = 256
MAX_DESCRIPTION = 4_096
MAX_FIELDS = 25
MAX_FIELD_NAME = 256
MAX_FIELD = 1_024
MAX_FOOTER = 2_048
# What a menu or completion offers, and what it says and returns for each.
MAX_OPTIONS = 25
MAX_LABEL = 100
MAX_CUSTOM_ID = 100

_TEXTS = {"title": MAX_TITLE, "description": MAX_DESCRIPTION}
_FIELD = {"name": MAX_FIELD_NAME, "value": MAX_FIELD}


def fill(lines: Iterable[str], limit: int, *, most: int, more: str) -> str:
    """Return as many lines as fit, up to `most`, then one that says how many are left: "and 4 more" before `more`."""
    lines = list(lines)
    for shown in range(min(most, len(lines)), -1, -1):
        rest = len(lines) - shown
        text = "\n".join([*lines[:shown], *([f"and {rest} more{more}"] if rest else [])])
        if len(text) <= limit:
            return text
    return ""


def fit_embeds(embeds: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the embeds within the limits of each part and of their sum; footers and earlier parts are kept first."""
    chosen = list(embeds)[:MAX_EMBEDS]
    footers = [cut(embed.get("footer", {}).get("text", ""), MAX_FOOTER) for embed in chosen]
    room = MAX_CHARACTERS - sum(map(len, footers))
    fitted = []
    for embed, footer in zip(chosen, footers, strict=True):
        new = dict(embed)
        for name, limit in _TEXTS.items():
            if name in new:
                new[name] = cut(new[name], min(limit, max(room, 0))) if room > 0 else ""
                room -= len(new[name])
        fields = []
        for field in new.get("fields", ())[:MAX_FIELDS]:
            short = field | {name: cut(field[name], limit) for name, limit in _FIELD.items()}
            size = len(short["name"]) + len(short["value"])
            if size > room:
                break
            room -= size
            fields.append(short)
        if "fields" in new:
            new["fields"] = fields
        if footer:
            new["footer"] = {**new["footer"], "text": footer}
        fitted.append(new)
    return tuple(fitted)
