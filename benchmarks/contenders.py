"""The bots that are measured, each as a process of its own between stand-ins of its own."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import psutil

from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.fake import FakeApi
from tests.support.process.world import ProcessWorld
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.standins import StandIns, build_settings

MIB = 2**20
# Each is measured on its own; a bot would use them wherever they are installed.
_EXTRAS = frozenset({"orjson", "zstandard", "uvloop"})
# More than the roles and channels of a server.
_GUILDS_APART = 1000
_PATIENCE = 120.0
_IDLE_SHARE = 0.02
_GLANCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Contender:
    """A bot to measure."""

    name: str
    module: str
    extras: frozenset[str] = frozenset()

    @property
    def is_ours(self) -> bool:
        """Whether it is the bot of this repository."""
        return self.name.startswith("ours")


OURS = Contender("ours", "bot")
LEAN = Contender("lean", "benchmarks.rivals.lean")
TUTORIAL = Contender("tutorial", "benchmarks.rivals.tutorial")
HIKARI = Contender("hikari", "benchmarks.rivals.with_hikari")
ALL = (OURS, LEAN, TUTORIAL, HIKARI)


@dataclass
class Contest(ProcessWorld):
    """A running contender, ready for commands."""

    contender: Contender

    @property
    def process(self) -> psutil.Process:
        """Return its process."""
        return psutil.Process(self.bot.pid)

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """Return its resident memory in MiB."""
        return float(self.process.memory_info().rss) / MIB

    async def rest(self) -> None:
        """Wait until it is idle."""
        before = -1.0
        while (now := self.cpu_seconds()) - before > _IDLE_SHARE * _GLANCE_SECONDS:
            before = now
            await asyncio.sleep(_GLANCE_SECONDS)

    def single_calls(self) -> list[str]:
        """Return the API calls so far that read one account; the start and every poll read the list."""
        return [call for call in self.api.calls if call != ACCOUNTS_PATH]


def build_discord(servers: int = 1) -> DiscordStandIn:
    """Return a stand-in in which the bot has joined so many servers; the first one is listed."""
    return DiscordStandIn(guild_ids=(GUILD_ID + number * _GUILDS_APART for number in range(servers)))


def build_launch(extras: frozenset[str] = frozenset()) -> Launch:
    """Return a launch that hides all extra packages but these."""
    return Launch(missing=tuple(sorted(_EXTRAS - extras)))


@asynccontextmanager
async def launch(contender: Contender, discord_url: str, api_url: str, **changes: str) -> AsyncIterator[BotProcess]:
    """Start a contender, which may not be ready yet; it is stopped at the end of the block."""
    settings = build_settings(api_url, **changes)
    if contender == HIKARI:
        # Without an address discord.py is not loaded.
        settings, discord_url = settings | {"HIKARI_STANDIN": discord_url}, ""
    async with run_bot(
        discord_url, settings, launch=build_launch(contender.extras), module=contender.module
    ) as process:
        yield process


@asynccontextmanager
async def open_contest(
    contender: Contender, *, servers: int = 1, accounts: int = 0, **changes: str
) -> AsyncIterator[Contest]:
    """Run a contender until the block ends; so many accounts exist from its start."""
    discord, api = build_discord(servers), FakeApi({})
    async with discord.serve() as url, api.serve() as api_url:
        StandIns(discord, api).add_accounts(accounts)
        async with launch(contender, url, api_url, **changes) as bot:
            await bot.says("useapi.net answers" if contender.is_ours else "ready", within=_PATIENCE)
            await discord.gateway.ready()
            yield Contest(discord, api, bot, contender)


@asynccontextmanager
async def open_contests(contenders: Collection[Contender], *, servers: int = 1) -> AsyncIterator[list[Contest]]:
    """Run several contenders side by side; they are used in turn, so that the others are idle."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_contest(one, servers=servers)) for one in contenders]
