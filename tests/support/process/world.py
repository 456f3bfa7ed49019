"""A process of the bot between its two stand-ins, ready for commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.useapi.fake import FakeApi
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.journal import PATIENCE
from tests.support.wire.launch import Launch
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.standins import StandIns, build_settings

# asyncio logs one of these for an error that nobody handled.
LOST_ERRORS = ("never retrieved", "never awaited", "exception in callback")


@dataclass
class ProcessWorld(StandIns):
    """The stand-ins, and a bot that is connected and has read the accounts once, when there were none."""

    bot: BotProcess


@asynccontextmanager
async def open_process_world(
    discord: DiscordStandIn | None = None, *, launch: Launch | None = None, **changes: str
) -> AsyncIterator[ProcessWorld]:
    """Run the bot until the block ends; it must then stop with status 0, without lost errors or unknown requests."""
    discord, api = discord or DiscordStandIn(), FakeApi({})
    # How fast two processes are depends on the machine; deadlines are tested in virtual time.
    discord.interactions.deadline = PATIENCE
    async with discord.serve() as url, api.serve() as api_url:
        async with run_bot(url, build_settings(api_url, **changes), launch=launch or Launch(), is_forked=True) as bot:
            await bot.says("useapi.net answers")
            await discord.gateway.ready()
            world = ProcessWorld(discord, api, bot)
            try:
                yield world
            finally:
                world.reset()
            assert await bot.stop() == 0
        assert discord.rest.unknown.items == []
        assert not [line for line in bot.lines if any(text in line.lower() for text in LOST_ERRORS)]
