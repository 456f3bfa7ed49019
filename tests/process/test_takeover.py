"""Reminders of two bots on one PostgreSQL database: one sends, and the other when that one is gone."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable

import pytest_asyncio
import sqlalchemy as sa

from bot.store.database import open_database
from bot.store.tables import leases
from tests.support.process.deployment import Deployment, open_deployment
from tests.support.wire.channels import Moment

_FAST = {"REMINDER_TEST_LEASE": "2", "REMINDER_TEST_SCALE": "0.1"}


@pytest_asyncio.fixture
async def deployment(new_database: Callable[[], str]) -> AsyncIterator[Deployment]:
    """Stand-ins and an empty PostgreSQL database."""
    async with open_deployment(new_database()) as opened:
        yield opened


async def test_two_start_at_once(deployment: Deployment) -> None:
    """Two bots that start at once on an empty database both come up, and one reminder is sent."""
    account = deployment.add_account()
    async with deployment.run(**_FAST) as one, deployment.run(**_FAST) as other:
        await asyncio.gather(one.says("useapi.net answers"), other.says("useapi.net answers"))
        channel = await deployment.add_subscription()
        await deployment.channels.message_in(channel)
        await deployment.polls()
    assert deployment.count_mentions(channel, account) == 1


async def test_leader_that_stops(deployment: Deployment) -> None:
    """A leader that stops in good order gives the lease up, so that another bot need not wait for its end."""
    channel, account = await deployment.add_subscription(), deployment.add_account()
    async with deployment.run():
        await deployment.channels.message_in(channel)
    async with open_database(deployment.database_url) as database, database.begin() as tx:
        assert (await tx.execute(sa.select(leases.c.until))).scalars().all() == [0]
    await deployment.run_through()
    assert deployment.count_mentions(channel, account) == 1


async def test_leader_killed_midway(deployment: Deployment) -> None:
    """The leader is killed amid 40 messages to 40 channels: the other bot takes over, and each arrives once."""
    channels = [await deployment.add_subscription() for _ in range(40)]
    left = 20

    def kill(_channel_id: int) -> bool:
        nonlocal left
        left -= 1
        if not left:
            leader.signal(signal.SIGKILL)
        return left != 0

    deployment.channels.hooks[Moment.STORED] = kill
    async with deployment.run(**_FAST) as leader:
        await deployment.polls(1)
        async with deployment.run(**_FAST) as other:
            await other.says("useapi.net answers")
            account = deployment.add_account()
            assert await leader.ended(within=20) == -signal.SIGKILL
            for channel in channels:
                await deployment.channels.message_in(channel)
            await deployment.polls()
    assert [deployment.count_mentions(channel, account) for channel in channels] == [1] * 40


async def test_leader_that_slept(deployment: Deployment) -> None:
    """A leader suspended amid a post, which the other bot settles meanwhile, sends nothing more when it wakes."""
    channel = await deployment.add_subscription()

    def suspend(_channel_id: int) -> bool:
        deployment.channels.hooks.clear()
        leader.signal(signal.SIGSTOP)
        return False

    async with deployment.run(**_FAST) as leader:
        await deployment.polls(1)
        async with deployment.run(**_FAST) as other:
            await other.says("useapi.net answers")
            deployment.channels.hooks[Moment.ARRIVED] = suspend
            first = deployment.add_account()
            await other.says("Sent a reminder")
            leader.signal(signal.SIGCONT)
            await leader.says("No reminders from here")
            second = deployment.add_account()
            await deployment.channels.message_in(channel, nth=2)
            await deployment.polls()
    assert [deployment.count_mentions(channel, one) for one in (first, second)] == [1, 1]
