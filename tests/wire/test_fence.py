"""A process that is not the active one any more, but does not know it yet: it has just been woken up."""

import asyncio
from pathlib import Path

import pytest

from bot.core.messages import OutgoingMessage, new_nonce
from bot.reminders.context import Uncertain
from tests.support.wire.inline import open_inline_world
from tests.support.wire.payloads import build_button_message
from tests.support.wire.standins import owner_of
from tests.support.wire.virtual_time import in_virtual_time

CHANNEL = 1_200_000_000_000_000_000


@in_virtual_time
async def test_interactions_are_left_to_the_active_process(tmp_path: Path) -> None:
    """Commands, buttons and completions that come then get no answer, and do nothing."""
    is_active = True
    async with open_inline_world(tmp_path, is_active=lambda: is_active) as world:
        account, pressed = world.add_account(), "minimax:check:no-such-account"
        is_active = False
        left = [
            await world.discord.slash(account),
            await world.discord.press(build_button_message(pressed), pressed),
            await world.discord.type_in("1"),
            await world.discord.manage("list"),
        ]
        # The clock goes on only once all events have arrived and nothing is left to do.
        await asyncio.sleep(5)
        is_active = True
        answer = await (await world.discord.slash(account)).answer()
        assert answer["embeds"][0]["title"] == owner_of(account)
        assert [len(exchange.calls) for exchange in left] == [0, 0, 0, 0]


@in_virtual_time
async def test_no_request_is_made(tmp_path: Path) -> None:
    """A message that such a process would post stays uncertain, so that the active process settles it."""
    is_active = True
    async with open_inline_world(tmp_path, is_active=lambda: is_active) as world:
        sender = world.application.context.sender
        is_active = False
        with pytest.raises(Uncertain):
            await sender.post(CHANNEL, OutgoingMessage("text"), new_nonce())
        with pytest.raises(Uncertain):
            await sender.edit(CHANNEL, 1, OutgoingMessage("text"))
        assert world.discord.rest.requests("POST", "^/channels/") == []
        assert world.discord.rest.requests("PATCH", "^/channels/") == []
        is_active = True
        assert await sender.post(CHANNEL, OutgoingMessage("text"), new_nonce()) is not None
