"""Tests of a day without a lasting gateway session, against a real gateway in virtual time."""

import asyncio
import gc
import itertools
import logging
import threading
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import discord.gateway
import pytest
from pydantic import SecretStr

from bot.chat.gateway.client import AccountBot
from bot.chat.gateway.connection import Connection
from bot.chat.gateway.responder import Responder
from bot.core.secrets import Redactor
from bot.useapi.directory import open_directory
from bot.useapi.guild_access import GuildAccess
from tests.support.network import NOWHERE
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.gateway import Op
from tests.support.wire.redirect import discord_connected_to
from tests.support.wire.rest import TOKEN
from tests.support.wire.virtual_time import in_virtual_time

DAY = 86_400.0
# Discord's limit for a day.
MOST_IDENTIFIES = 1_000
# A smaller one takes less time to use up.
FEW_IDENTIFIES = 40
# Invalid sessions, close codes that allow a resume and that don't, refused connections.
ENDINGS = (Op.INVALID_SESSION, 4000, None, 1000, 4014)


def _now() -> datetime:
    return datetime.now(UTC)


async def live_through_a_day(discord_: DiscordStandIn, bot: AccountBot) -> None:
    """Let no session last for a day; then let all work, so that the bot is connected within minutes."""
    gateway = discord_.gateway
    gateway.endings = itertools.cycle(ENDINGS)
    # The shortest pauses.
    keeping = asyncio.create_task(Connection(bot, jitter=lambda: 0.0).keep(TOKEN))
    await asyncio.sleep(DAY)
    gateway.endings, sessions = None, len(gateway.started)
    # discord.py's own pauses grow to a quarter of an hour.
    await gateway.started.nth(sessions + 1, within=2_000)
    await asyncio.sleep(60)
    assert bot.is_connected
    keeping.cancel()
    await asyncio.wait({keeping})


async def crash_for_a_day(discord_: DiscordStandIn, bot: AccountBot) -> None:
    """Start the bot again and again, 5 seconds after each start, as if it crashed right after it had connected."""
    clock = asyncio.get_running_loop().time
    began, gateway = clock(), discord_.gateway
    discord_.rest.start_limit = lambda: {
        "total": FEW_IDENTIFIES,
        "remaining": FEW_IDENTIFIES - gateway.identifies,
        "reset_after": (began + DAY - clock()) * 1000,
    }
    while clock() < began + DAY:
        keeping = asyncio.create_task(Connection(bot, jitter=lambda: 0.0).keep(TOKEN))
        await gateway.started.nth(len(gateway.started) + 1, within=DAY)
        keeping.cancel()
        await asyncio.wait({keeping})
        bot.clear()
        await bot.http.close()
        await asyncio.sleep(5)


async def run_day(discord_: DiscordStandIn, live: Callable[[DiscordStandIn, AccountBot], Awaitable[None]]) -> None:
    """Connect the bot to the simulated gateway for that day."""
    nobody = open_directory(base_url=NOWHERE, token=SecretStr("x"), redact=Redactor(), now=_now)
    async with discord_.serve() as url, nobody as directory:
        bot = AccountBot(access=GuildAccess((), directory), responder=Responder(now=_now), jitter=lambda: 0.0)
        with discord_connected_to(url):
            async with bot:
                await live(discord_, bot)
    # discord.py leaves the heartbeat threads of some connections running, into another test.
    for thread in threading.enumerate():
        if isinstance(thread, discord.gateway.KeepAliveHandler):
            thread.stop()
            thread.join()
    # Nor does it close each connection that failed.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_a_day_without_a_session_that_lasts(caplog: pytest.LogCaptureFixture) -> None:
    """After connections that end in every way, the bot has identified less often than Discord allows, and is back."""
    for noisy in ("discord", "bot.chat.gateway.connection"):
        caplog.set_level(logging.CRITICAL, logger=noisy)
    caplog.set_level(logging.WARNING, logger="bot.chat.rest.rate_limit")
    stand_in = DiscordStandIn(guild_ids=())
    in_virtual_time(run_day)(stand_in, live_through_a_day)
    # Each connection may end in an identify: Discord may not know the session any more.
    assert 100 < stand_in.gateway.identifies <= len(stand_in.gateway.upgrades) < MOST_IDENTIFIES
    assert "Connected to Discord very often lately" in caplog.text


def test_a_crash_loop_costs_no_more_identifies_than_there_are(caplog: pytest.LogCaptureFixture) -> None:
    """A bot that a supervisor starts again in a loop spreads its connections over the day, and can still connect."""
    caplog.set_level(logging.CRITICAL, logger="discord")
    caplog.set_level(logging.WARNING, logger="bot.chat.gateway.connection")
    stand_in = DiscordStandIn(guild_ids=())
    in_virtual_time(run_day)(stand_in, crash_for_a_day)
    assert FEW_IDENTIFIES / 2 < stand_in.gateway.identifies <= FEW_IDENTIFIES
    assert "more connections today" in caplog.text
