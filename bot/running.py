"""`run`: builds the bot from its settings, keeps it going, and ends it in good order."""

import asyncio
import contextlib
import gc
import logging
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.chat import reminder_cards
from bot.chat.account_list import render_board
from bot.chat.board import BoardKeeper
from bot.chat.client import AccountBot, Commands
from bot.chat.connection import Connection
from bot.chat.followup import FollowUp
from bot.chat.lookup import LookUps
from bot.chat.outlook import Outlook
from bot.chat.overview import Overview
from bot.chat.replies import Responder
from bot.chat.sender import DiscordSender
from bot.chat.services import Services
from bot.chat.status import StatusReport
from bot.chat.watching import Watching
from bot.config import Settings, secrets_of
from bot.core.notes import NO_NOTES, Notes
from bot.core.secrets import Redactor
from bot.core.wording import say_count
from bot.errors import BotError, SubscriptionLapsed, UseapiTokenRefused
from bot.health import HEALTH_FILE, Presence, keep_reporting
from bot.monitoring.heartbeat import open_heartbeat
from bot.reminding.boards import Boards
from bot.reminding.passes import Passes
from bot.reminding.sending import Outbox
from bot.store.database import Database, open_database, sqlite_file
from bot.store.leader import Lease, lock_file
from bot.useapi.directory import AccountDirectory, open_directory
from bot.useapi.servers import Servers

if TYPE_CHECKING:
    from bot.monitoring.metrics import Metrics

_LOG = logging.getLogger(__name__)

# Together under ten seconds, which is what Docker and systemd leave a process before they kill it.
_DRAIN_SECONDS = 6.5
_LAST_ANSWERS_SECONDS = 1.5
_OPEN_FILES = 8192
# Python's 700 makes a crowd of look-ups wait for the collector half of the time.
_NEW_OBJECTS_A_COLLECTION = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say about reminders."""

    interval: timedelta
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told how the bot is doing: what happens, and that a pass was good."""

    notes: Notes = NO_NOTES
    beat: Callable[[], Awaitable[None]] | None = None


NOBODY = Watchers()


class Application:
    """The parts of a bot, built and connected with each other."""

    def __init__(
        self,
        directory: AccountDirectory,
        database: Database,
        *,
        guild_ids: tuple[int, ...],
        policy: Policy,
        now: Callable[[], datetime],
        watchers: Watchers = NOBODY,
    ) -> None:
        self.directory = directory
        notes = watchers.notes
        directory.tell(notes)
        self.responder = Responder(now=now, notes=notes)
        servers = Servers(guild_ids, directory)
        self.bot = AccountBot(servers=servers, responder=self.responder, jitter=random.random, notes=notes)
        self.presence = Presence(lambda: self.bot.is_connected, now)
        sender = DiscordSender(self.bot)
        outbox = Outbox(database, servers, sender, reminder_cards, now, notes)
        boards = Boards(outbox, render=render_board)
        self.passes = Passes(outbox, directory=directory, boards=boards, interval=policy.interval, beat=watchers.beat)
        services = Services(
            servers=servers,
            responder=self.responder,
            database=database,
            sender=sender,
            wake=self.passes.wake,
            default_days=policy.days,
            now=now,
        )
        look_ups = LookUps(servers=servers, responder=self.responder, now=now)
        self.bot.add_commands(
            Commands(
                look_ups=look_ups,
                watching=Watching(services),
                outlook=Outlook(services),
                followup=FollowUp(services),
                overview=Overview(services, look_ups),
                boards=BoardKeeper(services, boards),
                status=StatusReport(services, interval=policy.interval),
            )
        )

    async def drain(self) -> None:
        """Give the answers that are under way, take no new work; within eight seconds."""
        self.responder.close()
        await self.responder.drain(_DRAIN_SECONDS)
        self.directory.close()
        await self.responder.drain(_LAST_ANSWERS_SECONDS)


@contextlib.asynccontextmanager
async def open_application(
    settings: Settings, database: Database, now: Callable[[], datetime], notes: Notes = NO_NOTES
) -> AsyncIterator[Application]:
    """Build the application; closes its connections at the end."""
    async with contextlib.AsyncExitStack() as stack:
        directory = await stack.enter_async_context(
            open_directory(
                base_url=settings.base_url, token=settings.useapi_token, redact=Redactor(secrets_of(settings)), now=now
            )
        )
        beat = None
        if settings.heartbeat_url.get_secret_value():
            beat = (await stack.enter_async_context(open_heartbeat(settings.heartbeat_url))).beat
        application = Application(
            directory,
            database,
            guild_ids=settings.guild_ids,
            policy=Policy(timedelta(seconds=settings.check_interval), settings.reminder_days),
            now=now,
            watchers=Watchers(notes, beat),
        )
        await stack.enter_async_context(application.bot)
        yield application


def _build_metrics(settings: Settings) -> "Metrics | None":
    """Return what counts, None if there is no port to tell it on: loading it takes a while."""
    if settings.health_port is None:
        return None
    from bot.monitoring.metrics import Metrics

    return Metrics()


@contextlib.asynccontextmanager
async def _tell_health(
    settings: Settings,
    database: Database,
    application: Application,
    metrics: "Metrics | None",
    now: Callable[[], datetime],
) -> AsyncIterator[None]:
    """Tell over HTTP how the bot is doing, if there is a port for that."""
    if settings.health_port is None or metrics is None:
        yield
        return
    from bot.monitoring.server import serve_health
    from bot.monitoring.vitals import Vitals

    presence, passes = application.presence, application.passes
    vitals = Vitals(presence=presence, passes=passes, database=database, guild_ids=settings.guild_ids, now=now)
    redact = Redactor(secrets_of(settings))
    async with serve_health(settings.health_host, settings.health_port, vitals, metrics, redact):
        yield


async def _keep_passing(application: Application, lease: Lease) -> None:
    """Pass while this process holds the lease; over REST alone, so it takes a login but no gateway."""
    await application.bot.logged_in.wait()
    while True:
        epoch = await lease.take()
        passing = asyncio.create_task(application.passes.keep_passing(epoch), name="pass")
        try:
            await lease.keep()
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)
            await lease.release()


@contextlib.asynccontextmanager
async def _open_store(url: str) -> AsyncIterator[Database]:
    """Open the database, a SQLite file for this process alone."""
    file = sqlite_file(url)
    async with contextlib.AsyncExitStack() as stack:
        if file is not None:
            stack.enter_context(lock_file(file))
        yield await stack.enter_async_context(open_database(url))


async def _check_useapi_token(directory: AccountDirectory) -> None:
    """Read the accounts once.

    Raises:
        UseapiTokenRefused: the token is no good; other trouble is logged and may pass.
    """
    try:
        accounts = await directory.read_all()
    except UseapiTokenRefused:
        raise
    except SubscriptionLapsed:
        _LOG.error("The useapi.net subscription has lapsed: renew it at useapi.net")
    except BotError as error:
        _LOG.warning("The accounts can't be read yet: %s (%s)", type(error).__name__, error)
    else:
        _LOG.info("useapi.net answers: %s", say_count(len(accounts), "account"))


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C still ends asyncio.run
            return stop
    return stop


def _allow_many_connections() -> None:
    """Raise the soft limit of open files: a burst of answers opens a connection each, and some systems allow 256."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _spare_collections() -> None:
    """Keep what the start has built, which stays until the end, out of the collector's walks; and walk less often."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_A_COLLECTION)
    gc.enable()


async def run(settings: Settings, *, now: Callable[[], datetime]) -> None:
    """Run the bot until SIGINT or SIGTERM.

    Raises:
        OperatorError: a token was refused.
    """
    _allow_many_connections()
    stop = _stop_on_signals()
    metrics = _build_metrics(settings)
    async with (
        _open_store(settings.database_url) as database,
        open_application(settings, database, now, metrics or NO_NOTES) as application,
        _tell_health(settings, database, application, metrics, now),
    ):
        connection = Connection(application.bot, jitter=random.random)
        checking = asyncio.create_task(_check_useapi_token(application.directory), name="check-useapi-token")
        connected = asyncio.create_task(
            connection.keep(settings.discord_token.get_secret_value()), name="keep-connected"
        )
        stopping = asyncio.create_task(stop.wait(), name="wait-for-stop")
        reporting = asyncio.create_task(
            keep_reporting(HEALTH_FILE, application.presence.look, now), name="report-health"
        )
        passing = asyncio.create_task(_keep_passing(application, Lease(database)), name="keep-passing")
        tasks = {checking, connected, stopping, reporting, passing}
        _spare_collections()
        try:
            await _until_ended(tasks, passing=checking)
        finally:
            _LOG.info("Stopping: answering what is under way")
            await application.drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(OSError):
                HEALTH_FILE.unlink()


async def _until_ended(tasks: set[asyncio.Task[Any]], *, passing: asyncio.Task[Any]) -> None:
    """Wait until a task ends, other than `passing` ending well; raises what it ended with."""
    ended: set[asyncio.Task[Any]] = set()
    while not ended - {passing}:
        finished, _ = await asyncio.wait(tasks - ended, return_when=asyncio.FIRST_COMPLETED)
        ended |= finished
        for task in finished:
            task.result()
