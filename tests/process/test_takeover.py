"""Two bots on one PostgreSQL database: one is active, and the other takes over when it is gone."""

import json
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest_asyncio
import sqlalchemy as sa
from aiohttp import web

from bot.store.database import open_database
from bot.store.tables import leases
from tests.support.network import closed_port
from tests.support.process.deployment import (
    ACTIVE,
    LOST,
    STANDBY,
    Deployment,
    find_active,
    open_deployment,
    shortened,
)
from tests.support.process.monitor import View
from tests.support.wire.channels import Moment
from tests.support.wire.launch import Launch
from tests.support.wire.process import STOP_SECONDS

_FAST = replace(shortened(0.1), lease_seconds=3.0)


@pytest_asyncio.fixture
async def deployment(new_database: Callable[[], str]) -> AsyncIterator[Deployment]:
    """Stand-ins and an empty PostgreSQL database."""
    async with open_deployment(new_database()) as opened:
        yield opened


async def test_two_start_at_once(deployment: Deployment) -> None:
    """Two bots that start at once on an empty database both start, and one reminder is sent."""
    account = deployment.add_account()
    async with deployment.run() as one, deployment.run() as other:
        active, standby = await find_active(one, other)
        await active.says("useapi.net answers")
        await standby.says(STANDBY)
        channel = await deployment.add_subscription()
        await deployment.channels.message_in(channel)
        await deployment.discord.gateway.ready()
        await deployment.polls()
        assert deployment.discord.gateway.identifies == 1
        assert "useapi.net answers" not in standby.output
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
            await other.says(STANDBY)
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
            await other.says(STANDBY)
            deployment.channels.hooks[Moment.ARRIVED] = suspend
            first = deployment.add_account()
            await other.says("Sent a message")
            active.signal(signal.SIGCONT)
            await active.says(LOST)
            await active.says(STANDBY)
            second = deployment.add_account()
            await deployment.channels.message_in(channel, nth=2)
            await deployment.polls()
    assert [deployment.count_mentions(channel, one) for one in (first, second)] == [1, 1]


async def test_active_process_is_suspended_amid_planning(deployment: Deployment) -> None:
    """An active process that is suspended in the transaction of its plan blocks nobody, and goes on as a standby."""
    channel = await deployment.add_subscription()
    launch = Launch(suspend_after="INSERT INTO notifications")
    async with deployment.run(_FAST, launch=launch) as suspended:
        await deployment.polls(1)
        async with deployment.run(_FAST) as other:
            await other.says(STANDBY)
            account = deployment.add_account()
            await other.says(ACTIVE)
            await deployment.channels.message_in(channel)
            suspended.signal(signal.SIGCONT)
            await suspended.says(LOST)
            await suspended.says(STANDBY)
            await deployment.polls()
            assert await other.stop() == 0
            await suspended.says(ACTIVE, nth=2)
            second = deployment.add_account()
            await deployment.channels.message_in(channel, nth=2)
    assert [deployment.count_mentions(channel, one) for one in (account, second)] == [1, 1]


async def test_a_clean_stop_hands_over(deployment: Deployment) -> None:
    """A process that stops ends its session with Discord, then releases the lease; the standby connects at once."""
    gateway = deployment.discord.gateway
    async with deployment.run() as active:
        await gateway.ready()
        async with deployment.run() as other:
            await other.says(STANDBY)
            active.signal(signal.SIGTERM)
            # The lease would last longer.
            await other.says(ACTIVE, within=STOP_SECONDS)
            assert gateway.open_sessions == 0
            await gateway.ready(nth=2)
            assert gateway.open_sessions == 1
            assert await active.ended() == 0


async def test_a_takeover_while_the_token_is_refused(deployment: Deployment) -> None:
    """A standby that takes over while useapi.net refuses the token goes on; only at the start that is an error."""

    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    async with deployment.run() as active:
        await active.says("useapi.net answers")
        async with deployment.run() as other:
            await other.says(STANDBY)
            deployment.api.behave = refuse
            assert await active.stop() == 0
            await other.says("useapi.net refuses USEAPI_TOKEN")
            deployment.api.behave = None
            channel, account = await deployment.add_subscription(), deployment.add_account()
            await deployment.channels.message_in(channel)
    assert deployment.count_mentions(channel, account) == 1


async def test_a_standby_reports_what_it_is(deployment: Deployment) -> None:
    """A standby is healthy, says that it is a standby, and turns into an active process in its report and metrics."""
    first, second = View(closed_port()), View(closed_port())
    async with deployment.run(_FAST, settings=first.settings) as active:
        await deployment.discord.gateway.ready()
        async with deployment.run(_FAST, settings=second.settings) as other:
            await other.says(STANDBY)
            assert await judge(first) == (200, {"healthy": True, "standby": False, "problems": []})
            assert await judge(second) == (200, {"healthy": True, "standby": True, "problems": []})
            for name in ("active", "gateway_connected"):
                assert await first.read(f"minimax_bot_{name}") == 1
                assert await second.read(f"minimax_bot_{name}") == 0
            words = "The bot is healthy. It is a standby: another process is active."
            assert await other.run_beside("healthcheck") == (0, words)
            assert await active.stop() == 0
            await deployment.discord.gateway.ready(nth=2)
            assert await judge(second) == (200, {"healthy": True, "standby": False, "problems": []})
            assert await second.read("minimax_bot_active") == 1


async def judge(view: View) -> tuple[int, dict[str, Any]]:
    """Return the status of `/healthz` and its verdict, without the time of it."""
    status, body = await view.get("/healthz")
    verdict = json.loads(body)
    del verdict["at"]
    return status, verdict
