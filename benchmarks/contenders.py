"""The bots that are measured, each as a process of its own between stand-ins of its own."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import psutil

from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.fake import FakeApi
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.standins import StandIns, build_settings

MIB = 2**20
# Each is measured on its own, so it is hidden from all other bots, also where it is installed.
_EXTRAS = frozenset({"orjson", "zstandard", "uvloop"})
# Further apart than the ids of a server's own roles and channels.
_GUILDS_APART = 1000
_PATIENCE = 120.0
_IDLE_SHARE = 0.02
_GLANCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Contender:
    """A bot to measure: the module that starts it, its arguments, and the extra packages that it may use."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
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
class Contest(StandIns):
    """A running contender, ready for commands."""

    contender: Contender
    bot: BotProcess = field(init=False)

    @property
    def process(self) -> psutil.Process:
        """Return its process."""
        return psutil.Process(self.bot.pid)

    def cpu_seconds(self) -> float:
        """Return the processor time it has used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """Return its resident memory in MiB."""
        return memory_of(self.bot)

    async def rest(self) -> None:
        """Wait until it is idle."""
        before = -1.0
        while (now := self.cpu_seconds()) - before > _IDLE_SHARE * _GLANCE_SECONDS:
            before = now
            await asyncio.sleep(_GLANCE_SECONDS)

    def single_calls(self) -> list[str]:
        """Return the API calls so far that read one account; the list is read at the start, and by every poll."""
        return [call for call in self.api.calls if call.startswith(f"{ACCOUNTS_PATH}/")]


def memory_of(bot: BotProcess) -> float:
    """Return a process's resident memory in MiB."""
    return float(psutil.Process(bot.pid).memory_info().rss) / MIB


def build_discord(servers: int = 1) -> DiscordStandIn:
    """Return a stand-in in which the bot has joined so many servers, the first of which is listed."""
    return DiscordStandIn(guild_ids=(GUILD_ID + number * _GUILDS_APART for number in range(servers)))


def without_extras(but: frozenset[str] = frozenset()) -> Launch:
    """Return the start of a process that can import none of the packages that are measured on their own, but these."""
    return Launch(missing=tuple(sorted(_EXTRAS - but)))


@asynccontextmanager
async def start(contender: Contender, discord_url: str, api_url: str, **changes: str) -> AsyncIterator[BotProcess]:
    """Start a contender, which may not be ready yet; ended at the end of the block."""
    settings = build_settings(api_url, WATCH_JOBS="yes", **changes)
    if contender == HIKARI:
        # An empty address for the others keeps discord.py out of its process.
        discord_url, settings["HIKARI_STANDIN"] = "", discord_url
    async with run_bot(
        discord_url,
        settings,
        *contender.arguments,
        launch=without_extras(but=contender.extras),
        module=contender.module,
    ) as bot:
        yield bot


@asynccontextmanager
async def open_contest(
    contender: Contender, *, servers: int = 1, accounts: int = 0, **changes: str
) -> AsyncIterator[Contest]:
    """Run a contender until the block ends; so many accounts exist from the start."""
    contest = Contest(build_discord(servers), FakeApi({}), contender)
    contest.add_accounts(accounts)
    async with (
        contest.discord.serve() as url,
        contest.api.serve() as api_url,
        start(contender, url, api_url, **changes) as contest.bot,
    ):
        await contest.bot.says("useapi.net answers" if contender.is_ours else "ready", within=_PATIENCE)
        await contest.discord.gateway.ready()
        yield contest


@asynccontextmanager
async def open_contests(contenders: Collection[Contender], *, accounts: int = 0) -> AsyncIterator[list[Contest]]:
    """Run several contenders side by side; they are idle while another one is measured."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_contest(one, accounts=accounts)) for one in contenders]
