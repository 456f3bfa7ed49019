"""The verdict on a bot of real parts with a real database, and the report of it."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.app import Application
from bot.core.clock import ClockGuard
from bot.core.secrets import HIDDEN, Redactor
from bot.core.tls import UNTRUSTED, TlsFailure
from bot.monitoring.health import ActiveParts, Health, keep_reporting
from bot.monitoring.health_file import HEALTH_FILE, read_verdict, write_report
from bot.store.database import open_database
from bot.store.leases import Lease
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DATABASE = Path("bot.db")
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
# Three intervals of half an hour, and five minutes.
LATE = timedelta(minutes=20)


@dataclass
class World:
    """The clock, the connection and the API of a bot; what the bot does with them can be waited for."""

    now: datetime = START
    is_connected: bool = True
    is_token_refused: bool = False
    obstacle: TlsFailure | None = None
    api: FakeApi = field(default_factory=lambda: FakeApi({}))
    uptime: float = 0.0
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    looks: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    def live(self, passed: timedelta) -> None:
        """Let time pass."""
        self.now += passed
        self.uptime += passed.total_seconds()

    def look(self) -> bool:
        """Return whether the bot is connected."""
        self.looks.put_nowait(None)
        return self.is_connected

    def parts_of(self, application: Application) -> ActiveParts:
        """Return what the health check looks at."""
        return ActiveParts(application.poller, self.look, lambda: self.is_token_refused, lambda: self.obstacle)

    async def note_poll(self) -> None:
        """Take the heartbeat of the poller."""
        self.polled.set()


@asynccontextmanager
async def open_bot(world: World) -> AsyncIterator[tuple[Application, Health]]:
    """Open an active bot that has not logged in yet, and its health check."""
    async with open_process(world) as (application, health):
        with health.watching(world.parts_of(application)):
            yield application, health


@asynccontextmanager
async def open_process(world: World) -> AsyncIterator[tuple[Application, Health]]:
    """Open the parts of a process that is not active, and its health check."""
    async with (
        world.api.serve() as base_url,
        open_directory(
            base_url=base_url, token=SecretStr(TOKEN), redact=Redactor([TOKEN]), now=lambda: world.now
        ) as directory,
        open_database(f"sqlite+aiosqlite:///{DATABASE}") as database,
    ):
        clock = ClockGuard(lambda: world.now, lambda: world.uptime)
        application = Application(directory, database, guild_ids=(1,), clock=clock, beat=world.note_poll)
        health = Health(
            database,
            guild_ids=(1,),
            interval=application.context.interval,
            clock=clock,
            redact=Redactor(["OperationalError"]),
        )
        yield application, health


@asynccontextmanager
async def polling(application: Application) -> AsyncIterator[None]:
    """Let a bot poll until the block ends."""
    epoch = await Lease(application.context.database).take()
    task = asyncio.create_task(application.poller.keep_polling(epoch))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_bot_that_never_connected() -> None:
    """Before the first connection to Discord the bot is not healthy."""
    async with open_bot(world := World(is_connected=False)) as (_, health):
        assert (await health.judge()).problems == ("The bot has not connected to Discord yet.",)
        world.is_connected = True
        assert (await health.judge()).problems == ()


async def test_a_certificate_that_is_not_trusted() -> None:
    """What keeps requests to Discord from being made is a problem at once, even while the gateway is connected."""
    async with open_bot(world := World(obstacle=UNTRUSTED)) as (_, health):
        (problem,) = (await health.judge()).problems
        assert problem.startswith("Discord's certificate isn't trusted. If a company proxy")
        world.obstacle = None
        assert (await health.judge()).problems == ()


async def test_a_connection_may_be_lost_for_two_minutes() -> None:
    """A reconnect within two minutes is no problem, also after the connection was looked at."""
    async with open_bot(world := World()) as (_, health):
        assert (await health.take_state()).is_connected
        world.is_connected = False
        world.live(120 * SECOND)
        assert (await health.judge()).problems == ()
        world.live(SECOND)
        verdict = await health.judge()
        assert verdict.problems == ("The bot has not been connected to Discord for 121 seconds.",)
        assert verdict.at == world.now
        world.is_connected = True
        assert (await health.judge()).problems == ()


async def test_polls_that_end() -> None:
    """An active bot must complete a poll within three intervals and five minutes; an API out of order is no problem."""
    async with open_bot(world := World()) as (application, health), polling(application):
        await world.polled.wait()
        world.live(LATE)
        assert (await health.judge()).problems == ()
        world.live(SECOND)
        assert (await health.judge()).problems == ("No poll was completed for 1201 seconds.",)


async def test_a_first_poll_that_hangs() -> None:
    """The first poll has as much time as any other, counted from when the bot became active."""
    called = asyncio.Event()

    async def hang(_request: web.Request) -> web.StreamResponse:
        called.set()
        await asyncio.Event().wait()
        raise AssertionError

    world = World()
    world.api.behave = hang
    async with open_bot(world) as (application, health), polling(application):
        await called.wait()
        world.live(LATE)
        assert (await health.judge()).problems == ()
        world.live(SECOND)
        assert (await health.judge()).problems == ("No poll was completed for 1201 seconds.",)


async def test_a_standby_is_healthy() -> None:
    """A standby is healthy without a connection and polls, and its verdict says what it is."""
    async with open_process(world := World(is_connected=False)) as (application, health):
        world.live(timedelta(days=365))
        verdict, state = await health.judge(), await health.take_state()
        assert (verdict.problems, verdict.is_standby) == ((), True)
        assert not state.is_active
        assert not state.is_connected
        with health.watching(world.parts_of(application)):
            assert not (await health.judge()).is_standby
        assert (await health.judge()).is_standby


async def test_a_standby_without_a_database() -> None:
    """A standby that can't use the database could not take over, and is not healthy."""
    async with open_process(World()) as (_, health):
        with closing(sqlite3.connect(DATABASE)) as opened:
            opened.execute("ALTER TABLE leases RENAME TO elsewhere")
        (problem,) = (await health.judge()).problems
    assert problem.startswith("The database can't be written")


async def test_each_turn_is_judged_anew() -> None:
    """A process that becomes active again has not connected yet, however well it was connected before."""
    async with open_process(world := World()) as (application, health):
        with health.watching(world.parts_of(application)):
            assert (await health.judge()).problems == ()
        world.is_connected = False
        with health.watching(world.parts_of(application)):
            assert (await health.judge()).problems == ("The bot has not connected to Discord yet.",)


async def test_a_refused_token() -> None:
    """A token that Discord has refused for long is the problem, not the connection that it costs."""
    async with open_bot(world := World(is_connected=False, is_token_refused=True)) as (_, health):
        (problem,) = (await health.judge()).problems
        assert problem.startswith("Discord refused DISCORD_TOKEN. Copy the whole token again")
        world.is_token_refused, world.is_connected = False, True
        assert (await health.judge()).problems == ()


@pytest.mark.parametrize(("days", "way"), [(20, "ahead"), (-20, "behind")])
async def test_a_wrong_clock(days: int, way: str) -> None:
    """A clock that is wrong is a problem, and the one reason for polls that are late; `healthcheck` says the same."""
    said = f"The clock of this machine is 20 days {way}, so no reminder is sent. "
    async with open_process(world := World()) as (application, health):
        async with polling(application):
            await world.polled.wait()
        with health.watching(world.parts_of(application)):
            world.now += timedelta(days=days)
            world.live(LATE + HOUR)
            verdict = await health.judge()
            write_report(HEALTH_FILE, verdict)
            assert verdict == read_verdict(HEALTH_FILE, world.now)
            assert verdict.problems == (f"{said}Set it, and turn on time synchronisation (NTP).",)
            assert (await health.take_state()).clock_skew == timedelta(days=days)
        # A standby gets no answers that could tell it the time.
        assert (await health.judge()).problems == ()


async def test_a_database_that_accepts_no_writes() -> None:
    """The reason stands in the verdict, redacted; the statistics are left out."""
    async with open_bot(World()) as (_, health):
        assert (await health.take_state()).statistics is not None
        with closing(sqlite3.connect(DATABASE)) as opened:
            opened.execute("ALTER TABLE leases RENAME TO elsewhere")
            opened.execute("ALTER TABLE notifications RENAME TO elsewhere_too")
        (problem,) = (await health.judge()).problems
        assert problem == f"The database can't be written: {HIDDEN}: no such table: leases."
        assert (await health.take_state()).statistics is None


async def test_every_problem_is_named() -> None:
    """A verdict names all that is wrong, not only the first problem."""
    async with open_bot(World(is_connected=False)) as (_, health):
        with closing(sqlite3.connect(DATABASE)) as opened:
            opened.execute("ALTER TABLE leases RENAME TO elsewhere")
        connection, database = (await health.judge()).problems
    assert connection.startswith("The bot has not connected")
    assert database.startswith("The database can't be written")


@asynccontextmanager
async def reporting(world: World, health: Health) -> AsyncIterator[None]:
    """Report until the block ends, which begins when two reports are done."""
    task = asyncio.create_task(keep_reporting(health, HEALTH_FILE, 0.001))
    try:
        # Each report begins with a look.
        for _ in range(3):
            await world.looks.get()
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_verdict_is_written_to_the_file() -> None:
    """Other processes read the same problems, and see them end."""
    async with open_bot(world := World(is_connected=False)) as (_, health):
        async with reporting(world, health):
            assert read_verdict(HEALTH_FILE, world.now).problems == ("The bot has not connected to Discord yet.",)
        world.is_connected = True
        async with reporting(world, health):
            assert read_verdict(HEALTH_FILE, world.now).problems == ()
        assert read_verdict(HEALTH_FILE, world.now + timedelta(minutes=2)).problems != ()


async def test_the_first_connection_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the moment of the first connection."""
    with caplog.at_level(logging.INFO, "bot.monitoring"):
        async with open_bot(world := World()) as (_, health), reporting(world, health):
            pass
    assert [record.getMessage() for record in caplog.records if "bot.monitoring" in record.name] == [
        "Connected to Discord"
    ]


async def test_a_file_that_cannot_be_written_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A folder that can't be written is a warning, and the bot goes on."""
    await asyncio.to_thread(HEALTH_FILE.parent.write_text, "a file where the folder should be", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        async with open_bot(world := World()) as (_, health), reporting(world, health):
            pass
    (record,) = (record for record in caplog.records if record.name == "bot.monitoring.health")
    assert record.levelname == "WARNING"
    assert "data/health.json can't be written" in record.getMessage()
