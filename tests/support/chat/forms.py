"""Fills in the form of a note, and submits forms that no app of Discord would."""

from typing import Any

import discord
from simcord.backend import serializers
from simcord.interactions import base_payload
from simcord.results import InteractionResult, ResponseMessage

from tests.support.chat.answers import message_of
from tests.support.world import World

_SUBMIT, _LABEL, _TEXT_INPUT = 5, 18, 4


async def write_note(world: World, text: str, account_id: str = "123456") -> InteractionResult:
    """Let the manager look an account up and change its note."""
    card = message_of(await world.look_up(account_id))
    opened = await world.manager.click(card, label="Note")
    return await world.manager.submit_modal(opened, {"note": text})


def field_of(opened: InteractionResult) -> dict[str, Any]:
    """Return the one field of a form."""
    assert opened.modal is not None
    (label,) = opened.modal["components"]
    field: dict[str, Any] = label["component"]
    return field


async def forge_form(
    world: World, message: ResponseMessage | discord.Message, custom_id: str, text: Any, *, times: int = 1
) -> list[dict[str, Any]]:
    """Submit a form of the manager as Discord sends it, so many times; return the bodies of the bot's answers."""
    env = world.env
    data = {
        "custom_id": custom_id,
        "components": [
            {"type": _LABEL, "id": 1, "component": {"type": _TEXT_INPUT, "id": 2, "custom_id": "note", "value": text}}
        ],
    }
    record, payload = base_payload(
        env.backend,
        type=_SUBMIT,
        channel_id=world.channel.id,
        guild_id=env.guild.id,
        user_id=world.manager.id,
        data=data,
    )
    source = env.backend.get_message(world.channel.id, message.id)
    payload["message"] = dict(serializers.message_payload(env.backend, source))
    record.source_message_id = message.id
    before = len(env.http_requests)
    for _ in range(times):
        env.backend.emit("INTERACTION_CREATE", payload)
    await env.settle()
    return [one.json["data"] for one in env.http_requests[before:] if one.path.endswith("/callback") and one.json]
