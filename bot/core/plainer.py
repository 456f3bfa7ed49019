"""The same message with less in it, for a channel that refuses its content."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bot.core.limits import MAX_CONTENT
from bot.core.messages import OutgoingMessage
from bot.core.text import cut

# What Discord calls the controls of a message.
_CONTROLS = "components"
_PICTURES = ("image", "thumbnail")
_MAX_FOOTER = 200


def make_plainer(message: OutgoingMessage, refused: Collection[str] = ()) -> OutgoingMessage | None:
    """Return the next plainer version of a message: without pictures, then as text alone, then without controls.

    The controls go first if they are among the `refused` parts, as Discord names them. None if nothing is left to omit;
    words, pings and the short id of the footer are kept in every version.
    """
    has_controls = bool(message.actions or message.choices)
    if has_controls and _CONTROLS in refused:
        return _without_controls(message)
    if any(_has_pictures(embed) for embed in message.embeds):
        return replace(message, embeds=tuple(map(_without_pictures, message.embeds)))
    if message.embeds and (text := _as_text(message)):
        return replace(message, content=text, embeds=())
    return _without_controls(message) if has_controls else None


def _without_controls(message: OutgoingMessage) -> OutgoingMessage:
    return replace(message, actions=(), choices=())


def _has_pictures(embed: Mapping[str, Any]) -> bool:
    icons = (embed.get(part, {}).get("icon_url") for part in ("author", "footer"))
    return any(name in embed for name in _PICTURES) or any(icons)


def _without_pictures(embed: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {name: part for name, part in embed.items() if name not in _PICTURES}
    for name in ("author", "footer"):
        if name in kept:
            kept[name] = {key: value for key, value in kept[name].items() if "icon_url" not in key}
    return kept


def _as_text(message: OutgoingMessage) -> str:
    """Return the words of a message as its content alone: what does not fit is cut, but never the last footer."""
    footers = [embed["footer"]["text"] for embed in message.embeds if embed.get("footer", {}).get("text")]
    # The short id is at the end.
    tail = f"-# {footers[-1][-_MAX_FOOTER:]}" if footers else ""
    content = cut(message.content, MAX_CONTENT - len(tail) - 1)
    room = MAX_CONTENT - len(content) - len(tail) - 2
    body = _fit([line for embed in message.embeds for line in _lines_of(embed)], room)
    return "\n".join(filter(None, [content, body, tail]))


def _fit(lines: list[str], room: int) -> str:
    """Return as many whole lines as there is room for: a cut one could break a link or a timestamp."""
    text = "\n".join(lines)
    if len(text) <= room:
        return text
    while lines and len("\n".join([*lines, "…"])) > room:
        lines = lines[:-1]
    return "\n".join([*lines, "…"]) if lines else ""


def _lines_of(embed: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of an embed without its footer."""
    for title in (embed.get("author", {}).get("name"), embed.get("title")):
        if title:
            yield f"**{title}**"
    yield from (embed.get("description") or "").splitlines()
    for field in embed.get("fields", ()):
        yield f"**{field['name']}**"
        yield from field["value"].splitlines()
