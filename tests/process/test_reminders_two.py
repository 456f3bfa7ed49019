"""Reminders of two bots on one PostgreSQL database: one sends, and the other when that one is gone."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable

import pytest_asyncio
import sqlalchemy as sa

from bot.store.database import open_database
from bot.store.tables import leases
from tests.support.process.scene import Reminding, open_reminding
from tests.support.wire.channels import Moment

_FAST = {"REMINDER_TEST_LEASE": "2", "REMINDER_TEST_SCALE": "0.1"}


@pytest_asyncio.fixture
async def scene(new_database: Callable[[], str]) -> AsyncIterator[Reminding]:
    """Stand-ins and an empty PostgreSQL database."""
    async with open_reminding(new_database()) as opened:
        yield opened


async def test_two_start_at_once(scene: Reminding) -> None:
    """Two bots that start at once on an empty database both come up, and one reminder is sent."""
    account = scene.add_account()
    async with scene.run(**_FAST) as one, scene.run(**_FAST) as other:
        await asyncio.gather(one.says("useapi.net answers"), other.says("useapi.net answers"))
        channel = await scene.add_subscription()
        await scene.channels.message_in(channel)
        await scene.polls()
    assert scene.times_told(channel, account) == 1


async def test_leader_that_stops(scene: Reminding) -> None:
    """A leader that stops in good order gives the lease up, so that another bot need not wait for its end."""
    channel, account = await scene.add_subscription(), scene.add_account()
    async with scene.run():
        await scene.channels.message_in(channel)
    async with open_database(scene.database_url) as database, database.begin() as tx:
        assert (await tx.execute(sa.select(leases.c.until))).scalars().all() == [0]
    await scene.run_through()
    assert scene.times_told(channel, account) == 1


async def test_leader_killed_midway(scene: Reminding) -> None:
    """The leader is killed amid 40 messages to 40 channels: the other bot takes over, and each arrives once."""
    channels = [await scene.add_subscription() for _ in range(40)]
    left = 20

    def kill(_channel_id: int) -> bool:
        nonlocal left
        left -= 1
        if not left:
            leader.signal(signal.SIGKILL)
        return left != 0

    scene.channels.hooks[Moment.STORED] = kill
    async with scene.run(**_FAST) as leader:
        await scene.polls(1)
        async with scene.run(**_FAST) as other:
            await other.says("useapi.net answers")
            account = scene.add_account()
            assert await leader.ended(within=20) == -signal.SIGKILL
            for channel in channels:
                await scene.channels.message_in(channel)
            await scene.polls()
    assert [scene.times_told(channel, account) for channel in channels] == [1] * 40


async def test_leader_that_slept(scene: Reminding) -> None:
    """A leader suspended amid a post, which the other bot settles meanwhile, sends nothing more when it wakes."""
    channel = await scene.add_subscription()

    def suspend(_channel_id: int) -> bool:
        scene.channels.hooks.clear()
        leader.signal(signal.SIGSTOP)
        return False

    async with scene.run(**_FAST) as leader:
        await scene.polls(1)
        async with scene.run(**_FAST) as other:
            await other.says("useapi.net answers")
            scene.channels.hooks[Moment.ARRIVED] = suspend
            first = scene.add_account()
            await other.says("Sent a reminder")
            leader.signal(signal.SIGCONT)
            await leader.says("No reminders from here")
            second = scene.add_account()
            await scene.channels.message_in(channel, nth=2)
            await scene.polls()
    assert [scene.times_told(channel, one) for one in (first, second)] == [1, 1]
