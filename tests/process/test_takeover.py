"""Two bots on one PostgreSQL database: one sends reminders, and the other takes over when it is gone."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest_asyncio
import sqlalchemy as sa

from bot.store.database import open_database
from bot.store.tables import leases
from tests.support.process.deployment import Deployment, open_deployment, shortened
from tests.support.wire.channels import Moment

_FAST = replace(shortened(0.1), lease_seconds=2.0)


@pytest_asyncio.fixture
async def deployment(new_database: Callable[[], str]) -> AsyncIterator[Deployment]:
    """Stand-ins and an empty PostgreSQL database."""
    async with open_deployment(new_database()) as opened:
        yield opened


async def test_two_start_at_once(deployment: Deployment) -> None:
    """Two bots that start at once on an empty database both start, and one reminder is sent."""
    account = deployment.add_account()
    async with deployment.run(_FAST) as one, deployment.run(_FAST) as other:
        await asyncio.gather(one.says("useapi.net answers"), other.says("useapi.net answers"))
        channel = await deployment.add_subscription()
        await deployment.channels.message_in(channel)
        await deployment.polls()
    assert deployment.count_mentions(channel, account) == 1


async def test_active_process_stops(deployment: Deployment) -> None:
    """An active process that stops releases the lease, so that the next one need not wait for its end."""
    channel, account = await deployment.add_subscription(), deployment.add_account()
    async with deployment.run():
        await deployment.channels.message_in(channel)
    async with open_database(deployment.database_url) as database, database.begin() as tx:
        assert (await tx.execute(sa.select(leases.c.until))).scalars().all() == [0]
    await deployment.run_through()
    assert deployment.count_mentions(channel, account) == 1


async def test_active_process_is_killed(deployment: Deployment) -> None:
    """When the active process is killed amid 40 messages, the other one takes over, and each arrives once."""
    channels = [await deployment.add_subscription() for _ in range(40)]
    left = 20

    def kill(_channel_id: int) -> bool:
        nonlocal left
        left -= 1
        if not left:
            active.signal(signal.SIGKILL)
        return left != 0

    deployment.channels.hooks[Moment.STORED] = kill
    async with deployment.run(_FAST) as active:
        await deployment.polls(1)
        async with deployment.run(_FAST) as other:
            await other.says("useapi.net answers")
            account = deployment.add_account()
            assert await active.ended() == -signal.SIGKILL
            for channel in channels:
                await deployment.channels.message_in(channel)
            await deployment.polls()
    assert [deployment.count_mentions(channel, account) for channel in channels] == [1] * 40


async def test_active_process_is_suspended(deployment: Deployment) -> None:
    """An active process that is suspended during a post, which the other settles, sends nothing when it resumes."""
    channel = await deployment.add_subscription()

    def suspend(_channel_id: int) -> bool:
        deployment.channels.hooks.clear()
        active.signal(signal.SIGSTOP)
        return False

    async with deployment.run(_FAST) as active:
        await deployment.polls(1)
        async with deployment.run(_FAST) as other:
            await other.says("useapi.net answers")
            deployment.channels.hooks[Moment.ARRIVED] = suspend
            first = deployment.add_account()
            await other.says("Sent a message")
            active.signal(signal.SIGCONT)
            await active.says("No reminders from here")
            second = deployment.add_account()
            await deployment.channels.message_in(channel, nth=2)
            await deployment.polls()
    assert [deployment.count_mentions(channel, one) for one in (first, second)] == [1, 1]
