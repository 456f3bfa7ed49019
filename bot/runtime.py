"""Runs the bot: signals, a turn as the active process after the other, and a shutdown in order."""

import asyncio
import contextlib
import functools
import logging
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from bot.app import Application, interval_of, open_application
from bot.chat.gateway.connection import Connection, monitor_token
from bot.chat.rest.rate_limit import DiscordLimits
from bot.config import Settings, secrets_of
from bot.core.clock import ClockGuard
from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.core.wording import say_count
from bot.errors import BotError, SubscriptionLapsed, UseapiTokenRefused
from bot.monitoring.health import ActiveParts, Health, keep_reporting
from bot.monitoring.health_file import HEALTH_FILE
from bot.store.database import Database, open_database, sqlite_file
from bot.store.files import lock_file
from bot.store.leases import Lease, open_lease
from bot.store.subscriptions import get_all_subscriptions
from bot.useapi.directory import AccountDirectory

if TYPE_CHECKING:
    from bot.monitoring.metrics import Metrics

_LOG = logging.getLogger(__name__)

Result = TypeVar("Result")

# With the last answers, the end of the session and the release of the lease at most ten seconds.
_CANCEL_SECONDS = 1.0
_CANCEL_TIMES = 2


def _ignore() -> None:
    """Do nothing on a stop."""


async def run(
    settings: Settings, *, clock: ClockGuard, timing: Timing = DEFAULT_TIMING, on_stop: Callable[[], None] = _ignore
) -> None:
    """Run the bot until SIGINT or SIGTERM, as a standby while another process is active; each calls `on_stop` too.

    Raises:
        OperatorError: a token was refused.
    """
    stop = _stop_on_signals(on_stop)
    async with contextlib.AsyncExitStack() as stack:
        opened = await _unless_stopped(stop, _open_stores(stack, settings, clock, timing))
        if opened is None:
            return
        lease, health, metrics = opened
        open_parts = functools.partial(
            open_application,
            settings,
            lease.database,
            clock,
            timing=timing,
            telemetry=metrics or NO_TELEMETRY,
            limits=DiscordLimits(timing),
            is_active=lambda: lease.is_held,
        )
        token = settings.discord_token.get_secret_value()
        turns = _Turns(lease, open_parts, health, token=token, timing=timing, stop=stop)
        serving = _start("serve", turns.serve())
        reporting = _start("report-health", keep_reporting(health, HEALTH_FILE, timing.health_report))
        try:
            await _until_ended({serving, reporting})
        finally:
            stop.set()
            await asyncio.wait({serving})
            await _cancel({reporting}, stop)
            with contextlib.suppress(OSError):
                HEALTH_FILE.unlink()


class _Turns:
    """Serves Discord whenever this process holds the lease, with new parts each time."""

    def __init__(
        self,
        lease: Lease,
        open_parts: Callable[[], contextlib.AbstractAsyncContextManager[Application]],
        health: Health,
        *,
        token: str,
        timing: Timing,
        stop: asyncio.Event,
    ) -> None:
        self._lease = lease
        self._open_parts = open_parts
        self._health = health
        self._token = token
        self._timing = timing
        self._stop = stop
        self._has_reported = False

    async def serve(self) -> None:
        """Wait for the lease, serve while it is held, and begin again, until the process stops."""
        while not self._stop.is_set():
            try:
                if not await self._take_lease():
                    return
                async with self._open_parts() as application:
                    with self._health.watching(_parts_of(application)):
                        await self._be_active(application)
            finally:
                # The session with Discord has ended: the next process gets every command alone.
                await self._lease.release()

    async def _take_lease(self) -> bool:
        """Return whether the lease is taken; False if the process stops first."""
        return await _unless_stopped(self._stop, self._lease.take()) is not None

    async def _be_active(self, application: Application) -> None:
        """Serve until the lease is lost or the process stops, then give the last answers and hang up."""
        connection = Connection(application.bot, jitter=random.random, timing=self._timing)
        checking = _start("check-start", self._check_start(application))
        # A standby must not end as it takes over: it would leave nobody.
        is_start = not self._lease.was_waited_for
        tasks = {
            checking,
            _start("keep-connected", connection.keep(self._token, is_start=is_start)),
            _start("monitor-token", monitor_token(application.bot, timing=self._timing)),
            _start("poll", _poll(application, self._lease.epoch)),
            _start("keep-lease", self._lease.keep()),
            _start("wait-for-stop", self._stop.wait()),
        }
        try:
            await _until_ended(tasks, finite=checking)
        finally:
            is_lost = not self._lease.is_held
            if not is_lost:
                _LOG.info("Stopping: giving the last answers")
                await application.drain()
            await _cancel(tasks, self._stop)
            await application.bot.hang_up()
            if is_lost:
                # Commands that began in time still get their answers.
                await application.drain()

    async def _check_start(self, application: Application) -> None:
        """Read the accounts once, and log once a process that the bot is ready, and what to do next."""
        accounts = await _check_useapi_token(application.directory)
        await application.bot.registrar.has_compared.wait()
        if self._has_reported:
            return
        self._has_reported = True
        guild_ids = application.bot.registrar.registered
        try:
            async with application.context.database.begin() as tx:
                reminders = len(await get_all_subscriptions(tx, guild_ids))
        except BotError as error:
            _LOG.warning("The reminders can't be read yet (%s)", error)
            return
        _LOG.info("%s", say_ready(len(guild_ids), accounts, reminders))


def say_ready(servers: int, accounts: int | None, reminders: int) -> str:
    """Return what a start has found, and the next step of the set-up; `accounts` is None if they can't be read."""
    counted = "no accounts read yet" if accounts is None else say_count(accounts, "account")
    found = f"Ready: {say_count(servers, 'server')}, {counted}, {say_count(reminders, 'reminder')}."
    if not servers:
        return f"{found} Next: invite the bot; the command `check` prints the link."
    if accounts == 0:
        return f"{found} Next: add your MiniMax accounts at useapi.net."
    if not reminders:
        return f"{found} Next: run /minimax-reminders add in Discord."
    return found


def _parts_of(application: Application) -> ActiveParts:
    """Return what the health check looks at."""
    bot = application.bot
    return ActiveParts(
        application.poller,
        lambda: bot.is_connected,
        lambda: bot.refusals.is_token_refused,
        lambda: bot.obstacles.current,
    )


def _start(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)


def _find_stop_signals() -> list[signal.Signals]:
    """Return the signals that stop the bot: also the end of its terminal, unless `nohup` keeps that from it."""
    found = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


def _stop_on_signals(on_stop: Callable[[], None]) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin_to_stop() -> None:
        stop.set()
        on_stop()

    for number in _find_stop_signals():
        try:
            loop.add_signal_handler(number, begin_to_stop)
        except NotImplementedError:  # Windows: Ctrl-C still ends asyncio.run
            return stop
    return stop


def _build_metrics(settings: Settings) -> "Metrics | None":
    """Return the counters, None if there is no port to serve them on: loading them takes a while."""
    if settings.health_port is None:
        return None
    from bot.monitoring.metrics import Metrics

    return Metrics()


async def _open_stores(
    stack: contextlib.AsyncExitStack, settings: Settings, clock: ClockGuard, timing: Timing
) -> "tuple[Lease, Health, Metrics | None]":
    """Open what outlives the turns, until the stack ends."""
    metrics, url = _build_metrics(settings), settings.database_url
    database = await stack.enter_async_context(_open_database(url))
    lease = await stack.enter_async_context(open_lease(url, database, timing, clock.monotonic))
    health = await stack.enter_async_context(_open_health(settings, database, clock, timing, metrics))
    return lease, health, metrics


@contextlib.asynccontextmanager
async def _open_database(url: str) -> AsyncIterator[Database]:
    """Open the database, a SQLite file for this process alone."""
    file = sqlite_file(url)
    async with contextlib.AsyncExitStack() as stack:
        if file is not None:
            stack.enter_context(lock_file(file))
        yield await stack.enter_async_context(open_database(url, is_limited=True))


@contextlib.asynccontextmanager
async def _open_health(
    settings: Settings, database: Database, clock: ClockGuard, timing: Timing, metrics: "Metrics | None"
) -> AsyncIterator[Health]:
    """Build the health check; serve it and the metrics over HTTP until the block ends, if there is a port for that."""
    health = Health(
        database,
        guild_ids=settings.guild_ids,
        interval=interval_of(settings, timing),
        clock=clock,
        redact=Redactor(secrets_of(settings)),
    )
    if settings.health_port is None or metrics is None:
        yield health
        return
    from bot.monitoring.server import serve_health

    async with serve_health(settings.health_host, settings.health_port, health, metrics):
        yield health


async def _check_useapi_token(directory: AccountDirectory) -> int | None:
    """Read the accounts once; return how many there are, None if they can't be read, which may pass."""
    try:
        accounts = await directory.read_all()
    except UseapiTokenRefused:
        _LOG.error("useapi.net refuses USEAPI_TOKEN; reminders go on from the last known dates")
    except SubscriptionLapsed:
        _LOG.error("The useapi.net subscription has ended: renew it at useapi.net")
    except BotError as error:
        _LOG.warning("The accounts can't be read yet: %s (%s)", type(error).__name__, error)
    else:
        _LOG.info("useapi.net answers: %s", say_count(len(accounts), "account"))
        return len(accounts)
    return None


async def _poll(application: Application, epoch: int) -> None:
    """Poll over REST alone: it needs a login but no gateway."""
    await application.bot.logged_in.wait()
    await application.poller.keep_polling(epoch)


async def _until_ended(tasks: set[asyncio.Task[Any]], *, finite: asyncio.Task[Any] | None = None) -> None:
    """Wait until a task ends, other than the finite one ending well; raises its error."""
    ended: set[asyncio.Task[Any]] = set()
    while not ended - {finite}:
        finished, _ = await asyncio.wait(tasks - ended, return_when=asyncio.FIRST_COMPLETED)
        ended |= finished
        for task in finished:
            task.result()


async def _unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Return the result of the work; None if the process stops first."""
    working, stopping = _start("work-until-stop", work), _start("wait-for-stop", stop.wait())
    try:
        await _until_ended({working, stopping})
        return working.result() if working.done() else None
    finally:
        await _cancel({working, stopping}, stop)


async def _cancel(tasks: set[asyncio.Task[Any]], stop: asyncio.Event) -> None:
    """End all tasks; a process that stops goes on without those that don't end.

    discord.py loses a cancellation that comes just as a connection fails, and tries the next.
    """
    pending, times = tasks, 0
    while pending and not (stop.is_set() and times >= _CANCEL_TIMES):
        for task in pending:
            task.cancel()
        times += 1
        ended, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
        await asyncio.gather(*ended, return_exceptions=True)
    if pending:
        _LOG.warning("Not ended in time: %s", ", ".join(sorted(task.get_name() for task in pending)))
