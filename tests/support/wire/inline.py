"""The bot in the process of the test, connected to the stand-ins: for tests in virtual time."""

import asyncio
import gc
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from discord.gateway import KeepAliveHandler

from bot.app import Application, open_application
from bot.chat.gateway.connection import Connection
from bot.config import Settings, read_settings
from bot.core.clock import ClockGuard
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.store.database import open_database
from bot.useapi.fake import FakeApi
from tests.support.databases import lay_sqlite
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.redirect import discord_connected_to
from tests.support.wire.rest import TOKEN
from tests.support.wire.standins import StandIns, build_settings
from tests.support.wire.virtual_time import read_clock


@dataclass
class InlineWorld(StandIns):
    """The stand-ins and the bot's parts."""

    application: Application


@asynccontextmanager
async def open_inline_world(
    folder: Path,
    discord: DiscordStandIn | None = None,
    *,
    timing: Timing = DEFAULT_TIMING,
    is_active: Callable[[], bool] = lambda: True,
    **changes: str,
) -> AsyncIterator[InlineWorld]:
    """Run the bot until the block ends, connected and ready for commands; it does not poll."""
    discord, api, url = discord or DiscordStandIn(), FakeApi({}, now=read_clock), await lay_sqlite(folder)
    async with discord.serve() as discord_url, api.serve() as api_url, open_database(url) as database:
        settings = read_settings(Settings, build_settings(api_url, DATABASE_URL=url, **changes), folder / ".env")
        with discord_connected_to(discord_url):
            async with open_application(
                settings, database, ClockGuard(read_clock), timing=timing, is_active=is_active
            ) as application:
                connection = Connection(application.bot, jitter=lambda: 0.0, timing=timing)
                connecting = asyncio.create_task(connection.keep(TOKEN))
                await discord.gateway.ready()
                world = InlineWorld(discord, api, application)
                try:
                    yield world
                finally:
                    world.reset()
                    connecting.cancel()
                    await asyncio.wait({connecting})
    _clean_up_after_discord()
    assert discord.rest.unknown.items == []


def _clean_up_after_discord() -> None:
    """End the heartbeats and sockets of lost connections, which discord.py would leave to the next test."""
    for thread in threading.enumerate():
        if isinstance(thread, KeepAliveHandler):
            thread.stop()
            thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
