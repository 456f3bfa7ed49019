"""The bot's requests to Discord: how many a second, and what happens when Discord refuses too many."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from bot.core.messages import OutgoingMessage, new_nonce
from bot.core.timing import DEFAULT_TIMING
from bot.reminders.context import Refused, Sender
from tests.support.wire.inline import InlineWorld, open_inline_world
from tests.support.wire.virtual_time import in_virtual_time

MOST_A_SECOND = 50
FEW_REFUSALS = replace(DEFAULT_TIMING, max_refusals=10, refusals_within=10.0)
CHANNELS = range(1_200_000_000_000_000_000, 1_200_000_000_000_000_040)


async def post_until_accepted(sender: Sender, channel_id: int) -> None:
    """Post a message, and again every second while it is refused."""
    while True:
        try:
            await sender.post(channel_id, OutgoingMessage("text"), new_nonce())
        except Refused:
            await asyncio.sleep(1)
        else:
            return


def arrivals_of(world: InlineWorld) -> list[float]:
    """Return the times at which posts arrived at Discord."""
    return [call.at for call in world.discord.rest.requests("POST", "^/channels/")]


def most_within(moments: Sequence[float], seconds: float) -> int:
    """Return the largest number of moments within any span of so many seconds."""
    return max(sum(0 <= other - moment < seconds for other in moments) for moment in moments)


@in_virtual_time
async def test_at_most_fifty_requests_a_second(tmp_path: Path) -> None:
    """However many messages are ready, Discord gets fewer than its 50 requests in any second, and nearly as many."""
    async with open_inline_world(tmp_path) as world:
        sender = world.application.context.sender
        for _ in range(3):
            await asyncio.gather(*(post_until_accepted(sender, channel_id) for channel_id in CHANNELS))
        arrivals = arrivals_of(world)
        assert 42 <= most_within(arrivals, 1.0) <= MOST_A_SECOND
        assert len(arrivals) == 3 * len(CHANNELS)


@in_virtual_time
async def test_many_refusals(tmp_path: Path) -> None:
    """After too many refusals the bot makes no requests for a while; at last every message is sent."""
    async with open_inline_world(tmp_path, timing=FEW_REFUSALS) as world:
        sender, rest = world.application.context.sender, world.discord.rest
        rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=50001)
        posting = [asyncio.create_task(post_until_accepted(sender, channel_id)) for channel_id in CHANNELS]
        await rest.request("POST", "/channels/", nth=4 * FEW_REFUSALS.max_refusals)
        refused = arrivals_of(world)
        rest.faults.clear()
        await asyncio.gather(*posting)
        # One may be on its way while the last refusal that counts arrives.
        assert most_within(refused, FEW_REFUSALS.refusals_within) <= FEW_REFUSALS.max_refusals + 1
        assert len(world.discord.channels.messages) == len(CHANNELS)


@in_virtual_time
async def test_answers_go_on_longer_than_other_requests(tmp_path: Path) -> None:
    """When refusals stop the bot's other requests, commands are still answered."""
    async with open_inline_world(tmp_path, timing=FEW_REFUSALS) as world:
        sender, rest = world.application.context.sender, world.discord.rest
        rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=50001)
        posting = [asyncio.create_task(post_until_accepted(sender, channel_id)) for channel_id in CHANNELS]
        await rest.request("POST", "/channels/", nth=FEW_REFUSALS.max_refusals)
        assert (await (await world.discord.slash(world.add_account())).answer())["embeds"]
        rest.faults.clear()
        await asyncio.gather(*posting)
