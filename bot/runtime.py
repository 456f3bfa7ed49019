"""`run`: builds the bot from its settings, keeps it going, and ends it in good order."""

import asyncio
import contextlib
import gc
import logging
import random
import signal
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.app import Application, open_application
from bot.chat.gateway.connection import Connection, watch_token
from bot.config import Settings, secrets_of
from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY
from bot.core.wording import say_count
from bot.errors import BotError, SubscriptionLapsed, UseapiTokenRefused
from bot.monitoring.health_file import HEALTH_FILE, keep_reporting
from bot.store.database import Database, open_database, sqlite_file
from bot.store.leases import Lease, lock_file
from bot.useapi.directory import AccountDirectory

if TYPE_CHECKING:
    from bot.monitoring.metrics import Metrics

_LOG = logging.getLogger(__name__)

# What is left of ten seconds after the last answers; longer than the lease takes to be given up.
_CANCEL_SECONDS = 1.2
_OPEN_FILES = 8192
# Python's 700 makes a crowd of look-ups wait for the collector half of the time.
_NEW_OBJECTS_A_COLLECTION = 10_000


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

    presence, poller = application.presence, application.poller
    vitals = Vitals(presence=presence, poller=poller, database=database, guild_ids=settings.guild_ids, now=now)
    redact = Redactor(secrets_of(settings))
    async with serve_health(settings.health_host, settings.health_port, vitals, metrics, redact):
        yield


async def _keep_polling(application: Application, lease: Lease) -> None:
    """Pass while this process holds the lease; over REST alone, so it takes a login but no gateway."""
    await application.bot.logged_in.wait()
    while True:
        epoch = await lease.take()
        tasks = [
            asyncio.create_task(application.poller.keep_polling(epoch), name="pass"),
            asyncio.create_task(lease.keep(), name="keep-lease"),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
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
        open_application(settings, database, now, metrics or NO_TELEMETRY) as application,
        _tell_health(settings, database, application, metrics, now),
    ):
        connection = Connection(application.bot, jitter=random.random)
        checking = asyncio.create_task(_check_useapi_token(application.directory), name="check-useapi-token")
        connected = asyncio.create_task(
            connection.keep(settings.discord_token.get_secret_value()), name="keep-connected"
        )
        doubting = asyncio.create_task(watch_token(application.bot), name="watch-token")
        stopping = asyncio.create_task(stop.wait(), name="wait-for-stop")
        reporting = asyncio.create_task(
            keep_reporting(HEALTH_FILE, application.presence.look, now), name="report-health"
        )
        passing = asyncio.create_task(_keep_polling(application, Lease(database)), name="keep-passing")
        tasks = {checking, connected, doubting, stopping, reporting, passing}
        _spare_collections()
        try:
            await _until_ended(tasks, passing=checking)
        finally:
            _LOG.info("Stopping: answering what is under way")
            await application.drain()
            await _cancel(tasks)
            with contextlib.suppress(OSError):
                HEALTH_FILE.unlink()


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """End all tasks; discord.py loses a cancellation that comes just as a connection fails, and tries the next."""
    pending = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _until_ended(tasks: set[asyncio.Task[Any]], *, passing: asyncio.Task[Any]) -> None:
    """Wait until a task ends, other than `passing` ending well; raises what it ended with."""
    ended: set[asyncio.Task[Any]] = set()
    while not ended - {passing}:
        finished, _ = await asyncio.wait(tasks - ended, return_when=asyncio.FIRST_COMPLETED)
        ended |= finished
        for task in finished:
            task.result()
