"""Checks Discord's limits on embeds, which discord.py does not check, and that text has no live markup."""

import json
import re

import discord

from bot.chat.views.components import message_view
from bot.core.messages import OutgoingMessage

_LIVE_MARKDOWN = re.compile(r"[*_~|`]|\[[^\]]*\]\(")
_LIVE_MENTION = re.compile(r"@(everyone|here)|<(@[!&]?|#)\d{15,20}>|</[^>]+:\d+>|<a?:\w+:\d+>|<t:-?\d+|<id:\w+")
_LIVE_START = re.compile(r"#{1,3}\s|>(>>)?\s|-#?\s")


def assert_fits(embed: discord.Embed) -> None:
    """Fail unless Discord accepts the embed: every part is within its limit, and none is blank."""
    assert embed.title
    assert 1 <= len(embed.title.strip()) <= len(embed.title) <= 256
    assert embed.description or embed.fields
    if embed.description is not None:
        assert 1 <= len(embed.description.strip()) <= len(embed.description) <= 4096
    assert len(embed.fields) <= 25
    for field in embed.fields:
        assert field.name
        assert field.value
        assert 1 <= len(field.name.strip()) <= len(field.name) <= 256
        assert 1 <= len(field.value.strip()) <= len(field.value) <= 1024
    assert embed.footer.text
    assert len(embed.footer.text) <= 2048
    assert len(embed.thumbnail.url or "") <= 2048
    assert len(embed) <= 6000
    json.dumps(embed.to_dict(), ensure_ascii=False).encode()


def is_inert(text: str) -> bool:
    """Whether a text has no live markup: no Markdown, masked link, mention or line mark."""
    unescaped = re.sub(r"\\.", "", text)
    return not (_LIVE_MARKDOWN.search(unescaped) or _LIVE_MENTION.search(unescaped) or _LIVE_START.match(text))


def assert_message_fits(message: OutgoingMessage) -> None:
    """Fail unless Discord accepts the message as a whole: text, embeds, their sum, and the menu."""
    assert len(message.content) <= 2000
    assert message.content.strip() or message.embeds
    assert len(message.embeds) <= 10
    embeds = [discord.Embed.from_dict(embed) for embed in message.embeds]
    assert sum(map(len, embeds)) <= 6000
    for embed in embeds:
        assert len(embed.title or "") <= 256
        assert len(embed.description or "") <= 4096
        assert len(embed.footer.text or "") <= 2048
        assert len(embed.fields) <= 25
        assert all(len(field.name or "") <= 256 and len(field.value or "") <= 1024 for field in embed.fields)
    assert len(message.choices) <= 25
    for choice in message.choices:
        assert 1 <= len(choice.label) <= 100
        assert 1 <= len(choice.value) <= 100
        assert len(choice.description) <= 100
    view = message_view(message)
    rows = [] if view is None else view.to_components()
    for control in [child for row in rows for child in row["components"]]:
        assert len(control.get("label", "")) <= 80
        assert len(control.get("custom_id", "")) <= 100
    message.to_json().encode()
