"""The bot stops on a signal within ten seconds at any moment, and gives the last answers."""

import asyncio
import itertools
import random
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import WSCloseCode, web

from bot.cli.ending import INTERRUPTED
from bot.store.database import open_database
from bot.store.tables import leases
from bot.useapi.fake import FakeApi
from tests.support.accounts import build_account, by_id
from tests.support.network import NOWHERE
from tests.support.paths import REPOSITORY
from tests.support.process.deployment import Deployment, shortened
from tests.support.process.world import ProcessWorld
from tests.support.wire.channels import Moment
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.journal import PATIENCE
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import PRIVATE
from tests.support.wire.process import STOP_SECONDS, run_bot
from tests.support.wire.standins import build_settings, owner_of

STOP_SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
_STOPS = 3


def _title(message: dict[str, list[dict[str, str]]]) -> str:
    return message["embeds"][0]["title"]


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_stop_during_a_command(own_world: ProcessWorld, number: signal.Signals) -> None:
    """On a signal the bot answers the current command, then ends with status 0 within ten seconds."""
    account, held = own_world.add_account(), own_world.hold_api()
    exchange = await own_world.discord.slash(account)
    await held.called.wait()
    own_world.bot.signal(number)
    await own_world.bot.says("Stopping")
    held.release()
    assert await own_world.bot.ended(within=STOP_SECONDS) == 0
    assert _title(await exchange.answer()) == owner_of(account)


async def test_stop_while_the_api_is_silent(own_world: ProcessWorld) -> None:
    """A bot that stops while the API is silent answers that it restarts, and ends within ten seconds."""
    account, held = own_world.add_account(), own_world.hold_api()
    early = await own_world.discord.slash(account)
    await held.called.wait()
    own_world.bot.signal(signal.SIGTERM)
    ending = asyncio.create_task(own_world.bot.ended(within=STOP_SECONDS))
    await own_world.bot.says("Stopping")
    late = await own_world.discord.slash(own_world.add_account())
    assert _title(await late.answer(within=1)) == "The bot is restarting"
    # Not only once the bot gives up on the first command.
    assert not early.shown.items
    assert await ending == 0
    shown = await early.answer()
    assert _title(shown) == "The bot is restarting"
    assert shown["flags"] & PRIVATE


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_stop_while_idle(own_world: ProcessWorld, number: signal.Signals) -> None:
    """A bot that stops while idle ends with status 0, and closes its session as Discord expects."""
    own_world.bot.signal(number)
    assert await own_world.bot.ended(within=5) == 0
    assert await own_world.discord.gateway.closes.nth(1) == WSCloseCode.OK


async def test_the_end_of_a_terminal_is_ignored_with_nohup() -> None:
    """A bot that was started with `nohup`, which ignores the signal of a closed terminal, goes on."""
    api, discord = FakeApi(by_id(build_account("123456"))), DiscordStandIn()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with (
            discord.serve() as url,
            api.serve() as api_url,
            run_bot(url, build_settings(api_url)) as bot,
        ):
            await bot.says("Ready")
            bot.signal(signal.SIGHUP)
            exchange = await discord.slash("123456")
            assert _title(await exchange.answer()) != "The bot is restarting"
            assert "Stopping" not in bot.output
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_stop_without_network() -> None:
    """A bot that stops while Discord can't be reached ends with status 0."""
    async with FakeApi({}).serve() as api_url, run_bot(NOWHERE, build_settings(api_url)) as bot:
        await bot.says("Discord can't be reached")
        bot.signal(signal.SIGTERM)
        assert await bot.ended(within=5) == 0


@dataclass
class SilentDatabase:
    """A PostgreSQL server that takes connections and never answers; `url` is its address."""

    url: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say nothing until the other end leaves."""
        self.asked.set()
        await reader.read()
        self.left.set()
        writer.close()


@pytest.fixture
async def silent_database() -> AsyncIterator[SilentDatabase]:
    """Run such a server."""
    database = SilentDatabase()
    async with await asyncio.start_server(database.take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        database.url = f"postgresql+asyncpg://bot@127.0.0.1:{port}/bot"
        yield database


# If SIGINT arrives while `exec` runs source text, as in `dataclasses`, `python -m` ends by the signal itself. Shells
# report that as INTERRUPTED too.
@pytest.mark.parametrize(
    ("number", "statuses"), [(signal.SIGTERM, {0}), (signal.SIGINT, {0, INTERRUPTED, -signal.SIGINT})]
)
@pytest.mark.parametrize("imported", ["bot.cli.command", "sqlalchemy.ext.asyncio", "discord.gateway"])
async def test_stop_in_the_first_moments(
    imported: str, number: signal.Signals, statuses: set[int], silent_database: SilentDatabase
) -> None:
    """A bot that is stopped while its modules are loaded ends without a traceback."""
    # Python names each module as it is loaded. The bot does not end by itself, for want of a database.
    settings = build_settings(NOWHERE, DATABASE_URL=silent_database.url, PYTHONPROFILEIMPORTTIME="1")
    async with run_bot("", settings, module="bot.__main__") as bot:
        await bot.says(f" {imported}")
        bot.signal(number)
        assert await bot.ended(within=STOP_SECONDS) in statuses
        assert "Traceback" not in bot.output


async def test_stop_while_the_database_is_silent(silent_database: SilentDatabase) -> None:
    """A bot that stops while its database does not answer ends with status 0, long before it would give up."""
    settings = build_settings(NOWHERE, DATABASE_URL=silent_database.url)
    async with run_bot(NOWHERE, settings, is_forked=True) as bot:
        await silent_database.asked.wait()
        bot.signal(signal.SIGTERM)
        assert await bot.ended(within=3) == 0
    await silent_database.left.wait()


async def test_stop_amid_a_busy_poll(deployment: Deployment) -> None:
    """Bots that stop at random amid 40 messages end in time, and each message arrives once."""
    channels = [await deployment.add_subscription() for _ in range(40)]
    accounts = []
    for _ in range(_STOPS):
        accounts.append(deployment.add_account())
        await _stop_amid(deployment, random.choice([*Moment]), post=random.randint(1, 30))
    await deployment.run_through(shortened(0.05))
    counts = {deployment.count_mentions(channel, account) for channel in channels for account in accounts}
    assert counts == {1}


async def _stop_amid(deployment: Deployment, moment: Moment, post: int) -> None:
    """Run a bot, and stop it at this moment of its n-th post."""
    posts, stopped = itertools.count(1), asyncio.Event()

    def stop(_channel_id: int) -> bool:
        if next(posts) == post:
            deployment.bots[-1].signal(signal.SIGTERM)
            stopped.set()
        return True

    deployment.channels.hooks = {moment: stop}
    async with deployment.run() as bot:
        await asyncio.wait_for(stopped.wait(), PATIENCE)
        assert await bot.ended(within=STOP_SECONDS) == 0, f"{moment} of post {post}"
    deployment.channels.hooks.clear()
    async with open_database(deployment.database_url) as database, database.begin() as tx:
        assert database.is_sqlite or (await tx.execute(sa.select(leases.c.until))).scalars().all() == [0]


async def test_crash(tmp_path: Path) -> None:
    """An unexpected error ends the bot with status 1 and an indented traceback in the log."""
    clock = tmp_path / "clock"
    clock.write_text("broken")
    async with (
        FakeApi({}).serve() as api_url,
        run_bot(NOWHERE, build_settings(api_url), launch=Launch(clock=clock)) as bot,
    ):
        assert await bot.ended() == 1
        assert "CRITICAL bot: Crashed" in bot.output
        assert "  Traceback" in bot.output


async def test_refused_token_during_a_command() -> None:
    """A command that waits as useapi.net refuses its token at the start is answered, and the bot goes on."""
    discord, api = DiscordStandIn(), FakeApi({})
    asked = asyncio.Event()
    released = asyncio.Event()

    async def refuse_late(_request: web.Request) -> web.StreamResponse:
        asked.set()
        await released.wait()
        return web.Response(status=401)

    api.behave = refuse_late
    async with discord.serve() as url, api.serve() as api_url, run_bot(url, build_settings(api_url)) as bot:
        await discord.gateway.ready()
        await asked.wait()
        exchange = await discord.slash("123456")
        await exchange.acknowledgement()
        released.set()
        assert _title(await exchange.answer()) == "useapi.net rejected the bot's token"
        await bot.says("useapi.net refuses USEAPI_TOKEN")
        assert await bot.stop() == 0


@pytest.mark.parametrize(("option", "text"), [("--help", "exit status:"), ("--version", "minimax-bot 0.")])
async def test_help_and_version(option: str, text: str) -> None:
    """Help and version need no settings and end with status 0."""
    async with run_bot(NOWHERE, {}, option) as bot:
        assert await bot.ended() == 0
        assert text in bot.output


async def test_further_interrupts_of_the_demo() -> None:
    """Further presses of Ctrl-C do not break the orderly end of the demo off."""
    async with run_bot(NOWHERE, {}, "demo", "--no-open") as bot:
        await bot.says("Ctrl-C ends the demo")
        for _ in range(20):
            bot.signal(signal.SIGINT)
        assert await bot.ended(within=STOP_SECONDS) == 0
        assert "Traceback" not in bot.output


async def test_demo_without_its_packages() -> None:
    """Without its packages the demo says how to install them, and ends with status 2."""
    async with run_bot(NOWHERE, {}, "demo", launch=Launch(missing=("simcord",))) as bot:
        assert await bot.ended() == 2
        assert f"pip install -r {REPOSITORY}/requirements/demo.txt`" in bot.output
