"""Reads what an answer, or a message with controls, shows."""

import json
import re
from collections.abc import Iterator
from typing import Any

import discord
from simcord.results import InteractionResult, ResponseMessage

from tests.support.chat.links import as_written

Shown = ResponseMessage | discord.Message


def message_of(result: InteractionResult) -> ResponseMessage:
    """Return the message of an answer."""
    assert result.response is not None
    return result.response


def embed_of(result: InteractionResult) -> discord.Embed:
    """Return the one embed of an answer, with commands as code in place of links."""
    (embed,) = message_of(result).embeds
    return discord.Embed.from_dict(json.loads(as_written(json.dumps(embed.to_dict(), ensure_ascii=False))))


def text_of(result: InteractionResult) -> str:
    """Return the title and the text of a private answer."""
    assert result.ephemeral
    embed = embed_of(result)
    return f"{embed.title}\n{embed.description}"


def lines_of(message: Shown) -> list[str]:
    """Return the lines of the one card of a message, with commands as code in place of links."""
    (card,) = message.embeds
    return as_written(card.description or "").splitlines()


def entries_of(message: Shown) -> list[str]:
    """Return what the one card of a message says of each account: its name, and below it the smaller line."""
    return re.split(r"\n(?!-# )", "\n".join(lines_of(message)))


def fields_of(embed: discord.Embed) -> dict[str, str]:
    """Return an embed's fields by name."""
    return {str(field.name): str(field.value) for field in embed.fields}


def buttons_of(message: Shown) -> dict[str, dict[str, Any]]:
    """Return the buttons of a message, as Discord gets them, by label."""
    return {control["label"]: control for control in _controls_of(message) if "label" in control}


def menu_of(message: Shown) -> list[str]:
    """Return the values that the menu of a message offers; empty if it has no menu."""
    return [option["value"] for option in options_of(message)]


def options_of(message: Shown) -> list[dict[str, Any]]:
    """Return the options of the menu of a message, as Discord gets them; empty if it has no menu."""
    return [option for control in _controls_of(message) for option in control.get("options", ())]


def _controls_of(message: Shown) -> Iterator[dict[str, Any]]:
    for row in message.components:
        payload: Any = row if isinstance(row, dict) else row.to_dict()
        yield from payload["components"]
