"""A day of trouble with the gateway, on the wire, with the bot's own loop and limits; a day takes seconds."""

import asyncio
import gc
import itertools
import logging
import threading
import warnings
from datetime import UTC, datetime

import discord.gateway
import discord.http
import pytest
import yarl
from pydantic import SecretStr

from bot.chat.gateway.client import AccountBot
from bot.chat.gateway.connection import Connection
from bot.chat.gateway.responder import Responder
from bot.core.secrets import Redactor
from bot.useapi.directory import open_directory
from bot.useapi.guild_access import GuildAccess
from tests.support.wire.discord_standin import DiscordStandIn
from tests.support.wire.gateway import Op
from tests.support.wire.hurry import HurriedLoop
from tests.support.wire.rest import TOKEN

DAY = 86_400.0
# Discord's, for a day.
MOST_IDENTIFIES = 1_000
# Invalid sessions, close codes that allow a resume and that don't, refused connections.
ENDINGS = (Op.INVALID_SESSION, 4000, None, 1000, 4014)


def _now() -> datetime:
    return datetime.now(UTC)


async def live_through_a_day(discord_: DiscordStandIn, bot: AccountBot) -> None:
    """Let no session last for a day; then all is well, and the bot must be connected within minutes."""
    gateway = discord_.gateway
    gateway.endings = itertools.cycle(ENDINGS)
    # The hastiest that the pauses may become.
    keeping = asyncio.create_task(Connection(bot, jitter=lambda: 0.0).keep(TOKEN))
    await asyncio.sleep(DAY)
    gateway.endings, sessions = None, len(gateway.started)
    # Discord.py's own pauses grow to a quarter of an hour.
    await gateway.started.nth(sessions + 1, within=2_000)
    await asyncio.sleep(60)
    assert bot.is_connected
    keeping.cancel()
    await asyncio.wait({keeping})


async def run_day(discord_: DiscordStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect the bot to the stand-in for that day."""
    nobody = open_directory(base_url="http://127.0.0.1:9", token=SecretStr("x"), redact=Redactor(), now=_now)
    async with discord_.serve() as url, nobody as directory:
        monkeypatch.setattr(discord.http.Route, "BASE", f"{url}/api/v10")
        gateway = yarl.URL(url).with_scheme("ws").with_path("/gateway/")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        bot = AccountBot(guild_access=GuildAccess((), directory), responder=Responder(now=_now), jitter=lambda: 0.0)
        async with bot:
            await live_through_a_day(discord_, bot)
    # Discord.py leaves the heart of some connections beating until it notices, which would be in another test.
    for thread in threading.enumerate():
        if isinstance(thread, discord.gateway.KeepAliveHandler):
            thread.stop()
            thread.join()


def test_a_day_without_a_session_that_lasts(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """However its connections end, the bot identifies itself less often than Discord allows, and comes back."""
    for noisy in ("discord", "bot.chat.gateway.connection"):
        caplog.set_level(logging.CRITICAL, logger=noisy)
    caplog.set_level(logging.WARNING, logger="bot.chat.rest.rate_limit")
    stand_in = DiscordStandIn(guild_ids=())
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        runner.run(run_day(stand_in, monkeypatch))
    # Nor does it close each connection that came to nothing.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    # Whatever a connection is for, it may end in an identify: Discord may not know the session any more.
    assert 100 < stand_in.gateway.identifies <= len(stand_in.gateway.upgrades) < MOST_IDENTIFIES
    assert "Connected to Discord very often of late" in caplog.text
