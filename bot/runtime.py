"""Runs the bot: signals, the lease, the connection, and a shutdown in order."""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from bot.app import Application, open_application
from bot.chat.gateway.connection import Connection, monitor_token
from bot.config import Settings, secrets_of
from bot.core.clock import ClockGuard
from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.core.wording import say_count
from bot.errors import BotError, SubscriptionLapsed, UseapiTokenRefused
from bot.monitoring.health import Health, keep_reporting
from bot.monitoring.health_file import HEALTH_FILE
from bot.store.database import Database, open_database, sqlite_file
from bot.store.leases import Lease, lock_file
from bot.useapi.directory import AccountDirectory

if TYPE_CHECKING:
    from bot.monitoring.metrics import Metrics

_LOG = logging.getLogger(__name__)

# The rest of ten seconds after the last answers; longer than the release of the lease takes.
_CANCEL_SECONDS = 1.2


async def run(settings: Settings, *, clock: ClockGuard, timing: Timing = DEFAULT_TIMING) -> None:
    """Run the bot until SIGINT or SIGTERM.

    Raises:
        OperatorError: a token was refused.
    """
    stop = _stop_on_signals()
    metrics = _build_metrics(settings)
    async with (
        _open_database(settings.database_url) as database,
        open_application(settings, database, clock, timing=timing, telemetry=metrics or NO_TELEMETRY) as application,
        _open_health(settings, application, metrics) as health,
    ):
        token = settings.discord_token.get_secret_value()
        connection = Connection(application.bot, jitter=random.random, timing=timing)
        checking = asyncio.create_task(_check_useapi_token(application.directory), name="check-useapi-token")
        tasks = {
            checking,
            asyncio.create_task(connection.keep(token), name="keep-connected"),
            asyncio.create_task(monitor_token(application.bot), name="monitor-token"),
            asyncio.create_task(stop.wait(), name="wait-for-stop"),
            asyncio.create_task(keep_reporting(health, HEALTH_FILE, timing.health_report), name="report-health"),
            asyncio.create_task(_keep_polling(application, Lease(database, timing)), name="keep-polling"),
        }
        try:
            await _until_ended(tasks, finite=checking)
        finally:
            _LOG.info("Stopping: giving the last answers")
            await application.drain()
            await _cancel(tasks)
            with contextlib.suppress(OSError):
                HEALTH_FILE.unlink()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C still ends asyncio.run
            return stop
    return stop


def _build_metrics(settings: Settings) -> "Metrics | None":
    """Return the counters, None if there is no port to serve them on: loading them takes a while."""
    if settings.health_port is None:
        return None
    from bot.monitoring.metrics import Metrics

    return Metrics()


@contextlib.asynccontextmanager
async def _open_database(url: str) -> AsyncIterator[Database]:
    """Open the database, a SQLite file for this process alone."""
    file = sqlite_file(url)
    async with contextlib.AsyncExitStack() as stack:
        if file is not None:
            stack.enter_context(lock_file(file))
        yield await stack.enter_async_context(open_database(url))


@contextlib.asynccontextmanager
async def _open_health(
    settings: Settings, application: Application, metrics: "Metrics | None"
) -> AsyncIterator[Health]:
    """Build the health check; serve it and the metrics over HTTP until the block ends, if there is a port for that."""
    health = Health(
        application.context,
        application.poller,
        is_connected=lambda: application.bot.is_connected,
        redact=Redactor(secrets_of(settings)),
    )
    if settings.health_port is None or metrics is None:
        yield health
        return
    from bot.monitoring.server import serve_health

    async with serve_health(settings.health_host, settings.health_port, health, metrics):
        yield health


async def _check_useapi_token(directory: AccountDirectory) -> None:
    """Read the accounts once.

    Raises:
        UseapiTokenRefused: the token is not valid; other failures are logged and may pass.
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


async def _keep_polling(application: Application, lease: Lease) -> None:
    """Poll while this process holds the lease; over REST alone, so it needs a login but no gateway."""
    await application.bot.logged_in.wait()
    while True:
        epoch = await lease.take()
        tasks = [
            asyncio.create_task(application.poller.keep_polling(epoch), name="poll"),
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


async def _until_ended(tasks: set[asyncio.Task[Any]], *, finite: asyncio.Task[Any]) -> None:
    """Wait until a task ends, other than the finite one ending well; raises its error."""
    ended: set[asyncio.Task[Any]] = set()
    while not ended - {finite}:
        finished, _ = await asyncio.wait(tasks - ended, return_when=asyncio.FIRST_COMPLETED)
        ended |= finished
        for task in finished:
            task.result()


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """End all tasks; discord.py loses a cancellation that comes just as a connection fails, and tries the next."""
    pending = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
