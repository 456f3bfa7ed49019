"""Reads what an answer, or a message with controls, shows."""

from collections.abc import Iterator
from typing import Any

import discord
from simcord.results import InteractionResult, ResponseMessage

Shown = ResponseMessage | discord.Message


def message_of(result: InteractionResult) -> ResponseMessage:
    """Return the message of an answer."""
    assert result.response is not None
    return result.response


def embed_of(result: InteractionResult) -> discord.Embed:
    """Return the one embed of an answer."""
    (embed,) = message_of(result).embeds
    return embed


def text_of(result: InteractionResult) -> str:
    """Return the title and the text of a private answer."""
    assert result.ephemeral
    embed = embed_of(result)
    return f"{embed.title}\n{embed.description}"


def fields_of(embed: discord.Embed) -> dict[str, str]:
    """Return an embed's fields by name."""
    return {str(field.name): str(field.value) for field in embed.fields}


def buttons_of(message: Shown) -> dict[str, dict[str, Any]]:
    """Return the buttons of a message, as Discord gets them, by label."""
    return {control["label"]: control for control in _controls_of(message) if "label" in control}


def menu_of(message: Shown) -> list[str]:
    """Return the values that the menu of a message offers; empty if it has no menu."""
    return [option["value"] for control in _controls_of(message) for option in control.get("options", ())]


def _controls_of(message: Shown) -> Iterator[dict[str, Any]]:
    for row in message.components:
        payload: Any = row if isinstance(row, dict) else row.to_dict()
        yield from payload["components"]
