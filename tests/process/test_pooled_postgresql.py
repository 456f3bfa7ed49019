"""Bots whose PostgreSQL is behind PgBouncer, or behind a network that forgets connections."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pgbouncer import MODES, needs_pgbouncer, serve_pgbouncer
from tests.support.process.deployment import ACTIVE, STANDBY, Deployment, open_deployment, shortened
from tests.support.relay import open_relay
from tests.support.wire.process import STOP_SECONDS

_FAST = shortened(0.1)
_IN_WORDS = 15.0


async def use_list(deployment: Deployment) -> str:
    """Use a command that needs the database; returns the title of its answer."""
    answer = await (await deployment.discord.manage("list")).answer(within=_IN_WORDS)
    return str(answer["embeds"][0]["title"])


@needs_pgbouncer
@pytest.mark.parametrize("mode", MODES)
async def test_behind_pgbouncer(new_database: Callable[[], str], tmp_path: Path, mode: str) -> None:
    """Two bots take turns behind PgBouncer, and each account is mentioned once."""
    with serve_pgbouncer(new_database(), tmp_path, mode) as url:
        async with open_deployment(url) as deployment, deployment.run(_FAST) as active:
            channel, first = await deployment.add_subscription(), deployment.add_account()
            await deployment.channels.message_in(channel)
            async with deployment.run(_FAST) as other:
                await other.says(STANDBY)
                active.signal(signal.SIGTERM)
                await other.says(ACTIVE, within=STOP_SECONDS)
                second = deployment.add_account()
                await deployment.channels.message_in(channel, nth=2)
                await deployment.polls()
            assert [deployment.count_mentions(channel, account) for account in (first, second)] == [1, 1]
            for bot in (active, other):
                assert "prepared statement" not in bot.output
                assert "can't be" not in bot.output


async def test_forgotten_connections(new_database: Callable[[], str]) -> None:
    """When all connections are forgotten at once, commands and polls go on, and the lease is kept."""
    async with open_relay(new_database()) as relay, open_deployment(relay.url) as deployment:
        channel = await deployment.add_subscription()
        async with deployment.run(_FAST) as bot:
            await deployment.discord.gateway.ready()
            await deployment.polls(1)
            relay.forget()
            assert "reminder" in (await use_list(deployment)).lower()
            account = deployment.add_account()
            await deployment.channels.message_in(channel)
            await deployment.polls()
        assert deployment.count_mentions(channel, account) == 1
        assert "no more" not in bot.output


async def test_a_server_that_hangs(new_database: Callable[[], str]) -> None:
    """While PostgreSQL hangs a command is answered in words in time; afterwards the bot goes on by itself."""
    async with open_relay(new_database()) as relay, open_deployment(relay.url) as deployment:
        channel = await deployment.add_subscription()
        async with deployment.run(_FAST) as bot:
            await deployment.discord.gateway.ready()
            await deployment.polls(1)
            relay.hang()
            titles = await asyncio.gather(*(use_list(deployment) for _ in range(20)))
            relay.resume()
            assert set(titles) == {"The bot couldn't load or save that"}
            account = deployment.add_account()
            await deployment.channels.message_in(channel)
            await deployment.polls()
        assert deployment.count_mentions(channel, account) == 1
        assert "Traceback" not in bot.output
