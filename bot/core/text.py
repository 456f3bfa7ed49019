"""Untrusted text, made fit to be shown on one line."""

import re
import unicodedata
from urllib.parse import urlsplit

MAX_URL = 2048
# Characters that end a line, control a terminal, or turn the reading direction; JSON escapes the first 32 by itself.
_STEERING_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_STEERING = re.compile(rf"[\x00-\x1f]|{_STEERING_IN_JSON.pattern}")
_BREAK = "\N{ZERO WIDTH SPACE}"
# Discord's marks that count anywhere, and those at the start of a line; a backslash disables them.
_SPECIAL = re.compile(r"[\\*_~|`\[\]<>]|^[#+-]|(?<=^\d)\.")
# Names of the machine or network that one is in (RFC 6761, RFC 6762, ICANN's reserved "internal").
_LOCAL = ("localhost", "local", "internal")


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, the last one an ellipsis if the text was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int) -> str:
    """Return one line of at most `limit` characters, without control, direction, zero-width or surrogate ones."""
    # Characters that will be dropped count for less than four.
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text[: 4 * limit])
    kept = "".join(c for c in visible if unicodedata.category(c) not in ("Cf", "Cs"))
    return cut(" ".join(kept.split()), limit)


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
    """Return one line as inline code, within the limit; a command stays text, where the bot's own become links."""
    shown = plain(text.replace("`", "'"), limit - 2)
    if shown.startswith("/"):
        shown = f"{_BREAK}{cut(shown, limit - 3)}"
    return f"`{shown or ' '}`"


def defused(text: str) -> str:
    """Return the text with escapes in place of line breaks and other characters that control a terminal."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def defused_json(document: str) -> str:
    """Return the same JSON without characters that control a terminal or end a line inside a string."""
    return _STEERING_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def is_web_url(url: str) -> bool:
    """Whether Discord may fetch the address: http or https, well-formed, not too long, with a public-looking host."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_clean = len(url) <= MAX_URL and url.isprintable() and not set(" []\\") & set(url)
    return is_clean and parts.scheme in ("http", "https") and _is_public_name(host)


def _is_public_name(host: str) -> bool:
    """Whether a host is a name with a public ending; numbers, in all their spellings, may be of the local network."""
    *name, ending = host.removesuffix(".").split(".")
    return bool(name) and not ending[:1].isnumeric() and ending not in _LOCAL
