"""The bots that are measured, each as a process of its own between stand-ins of its own."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import psutil
from tests.support.process.stage import Stage, build_settings

from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.fake import FakeApi
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.process import BotProcess, run_bot

MIB = 2**20
# Each is measured on its own; without this they would serve whoever finds them installed.
_EXTRAS = frozenset({"orjson", "zstandard", "uvloop"})
# Apart by more than a server's own roles and channels.
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
class Contest(Stage):
    """A running contender, ready for commands."""

    contender: Contender = OURS

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
        return float(self.process.memory_info().rss) / MIB

    async def rest(self) -> None:
        """Wait until it has nothing more to do."""
        before = -1.0
        while (now := self.cpu_seconds()) - before > _IDLE_SHARE * _GLANCE_SECONDS:
            before = now
            await asyncio.sleep(_GLANCE_SECONDS)

    def single_calls(self) -> list[str]:
        """Return the API calls so far that read one account; the list is read at the start, and by every pass."""
        return [call for call in self.api.calls if call != ACCOUNTS_PATH]


def build_discord(servers: int = 1) -> DiscordStandIn:
    """Return a stand-in in which the bot has joined so many servers, the first of which is listed."""
    return DiscordStandIn(guild_ids=(GUILD_ID + number * _GUILDS_APART for number in range(servers)))


def build_settings_without_extras(extras: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the environment that hides all packages that are measured on their own but these."""
    hidden = _EXTRAS - extras
    return {"WITHOUT_PACKAGES": ",".join(sorted(hidden))} if hidden else {}


@asynccontextmanager
async def launch(contender: Contender, discord_url: str, api_url: str, **changes: str) -> AsyncIterator[BotProcess]:
    """Start a contender, which may not be ready yet; ended at the end of the block."""
    settings = build_settings(api_url) | build_settings_without_extras(contender.extras) | changes
    if contender == HIKARI:
        # An empty address for the others keeps discord.py out of its process.
        settings |= {"DISCORD_STANDIN": "", "HIKARI_STANDIN": discord_url}
    async with run_bot(discord_url, settings, module=contender.module) as bot:
        yield bot


@asynccontextmanager
async def open_contest(
    contender: Contender, *, servers: int = 1, accounts: int = 0, **changes: str
) -> AsyncIterator[Contest]:
    """Run a contender until the block ends; it knows so many accounts from the start."""
    discord, api = build_discord(servers), FakeApi({})
    async with discord.serve() as url, api.serve() as api_url:
        stage = Stage(discord, api, bot=None)  # type: ignore[arg-type]  # only to set up accounts
        stage.add_accounts(accounts)
        async with launch(contender, url, api_url, **changes) as bot:
            await bot.says("useapi.net answers" if contender.is_ours else "ready", within=_PATIENCE)
            await discord.gateway.ready()
            yield Contest(discord, api, bot, contender=contender)


@asynccontextmanager
async def open_contests(contenders: Collection[Contender], *, servers: int = 1) -> AsyncIterator[list[Contest]]:
    """Run several contenders side by side; those whose turn it is not do nothing."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_contest(one, servers=servers)) for one in contenders]
