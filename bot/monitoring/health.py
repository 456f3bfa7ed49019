"""Judges the running bot: the database is writable; an active one is connected, and polls on time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.clock import ClockGuard
from bot.core.secrets import Redactor
from bot.core.tls import TlsFailure
from bot.core.wording import say_wrong_clock
from bot.errors import DiscordTokenRefused, StoreError
from bot.monitoring.health_file import Verdict, write_report
from bot.reminders.poller import Poller
from bot.store.database import LOOK_SECONDS, Database
from bot.store.statistics import Statistics, check_writable, get_statistics

_LOG = logging.getLogger(__name__)

# Long enough for an ordinary reconnect.
_DISCONNECTED_FOR = timedelta(minutes=2)
_POLLS_MISSED = 3
_POLL_TAKES = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class BotState:
    """The state of the bot at one moment; `statistics` is None if the database can't be read."""

    is_connected: bool
    is_active: bool
    interval: timedelta
    polled_at: datetime | None
    read_at: datetime | None
    clock_skew: timedelta
    statistics: Statistics | None


@dataclass(frozen=True, slots=True)
class ActiveParts:
    """The parts that only the active process has."""

    poller: Poller
    is_connected: Callable[[], bool]
    is_token_refused: Callable[[], bool]
    find_obstacle: Callable[[], TlsFailure | None]


class Health:
    """Looks at a running bot; one look at the database at a time, so that looks don't pile up.

    Without its active parts it is a standby, and only the database is judged. `connected_at` is when the active
    process was last seen to be connected; `turned` is set when a standby becomes active.
    """

    def __init__(
        self,
        database: Database,
        *,
        guild_ids: tuple[int, ...],
        interval: timedelta,
        clock: ClockGuard,
        redact: Redactor,
    ) -> None:
        self._database = database
        self._guild_ids = guild_ids
        self._interval = interval
        self._clock, self._now = clock, clock.now
        self._redact = redact
        self._turn = asyncio.Lock()
        self._active: ActiveParts | None = None
        self.turned = asyncio.Event()
        self.connected_at: datetime | None = None

    @contextmanager
    def watching(self, parts: ActiveParts) -> Iterator[None]:
        """Judge this process as the active one until the block ends."""
        self._active, self.connected_at = parts, None
        self.turned.set()
        try:
            yield
        finally:
            self._active, self.connected_at = None, None

    async def judge(self, *, is_public: bool = False) -> Verdict:
        """Return the verdict of now; a public one leaves out the database's own words, which name users and hosts."""
        found = [await self._judge_database(is_public=is_public)]
        active = self._active
        if active is not None:
            polls = self._judge_clock() or self._judge_polls(active.poller)
            found = [self._judge_connection(active), polls, *found]
        problems = tuple(self._redact(problem) for problem in found if problem)
        # `healthcheck` compares it with the clock of the same machine.
        return Verdict(self._clock.machine_now(), problems, is_standby=active is None)

    async def take_state(self) -> BotState:
        """Return the state of now."""
        statistics, active = await self._get_statistics(), self._active
        return BotState(
            is_connected=active is not None and self._look_for_connection(active),
            is_active=active is not None,
            interval=self._interval,
            polled_at=None if active is None else active.poller.polled_at,
            read_at=None if active is None else active.poller.read_at,
            clock_skew=self._clock.skew,
            statistics=statistics,
        )

    def _look_for_connection(self, active: ActiveParts) -> bool:
        """Return whether the bot is connected now, and remember it."""
        is_connected = active.is_connected()
        if is_connected:
            self.connected_at = self._now()
        return is_connected

    def _judge_connection(self, active: ActiveParts) -> str | None:
        self._look_for_connection(active)
        if active.is_token_refused():
            return f"{DiscordTokenRefused.title}. {DiscordTokenRefused.advice}"
        if obstacle := active.find_obstacle():
            return f"{obstacle.say('Discord')}. {obstacle.advice}"
        if self.connected_at is None:
            return "The bot has not connected to Discord yet."
        disconnected = self._now() - self.connected_at
        if disconnected <= _DISCONNECTED_FOR:
            return None
        return f"The bot has not been connected to Discord for {disconnected.total_seconds():.0f} seconds."

    def _judge_clock(self) -> str | None:
        """Judge the clock of an active process: a standby gets no answers to compare it with."""
        return None if self._clock.is_trusted else say_wrong_clock(self._clock.skew)

    def _judge_polls(self, poller: Poller) -> str | None:
        """Judge the polls, which begin once the bot has logged in; the first one has as much time as any other."""
        active_since, polled_at = poller.active_since, poller.polled_at
        if active_since is None:
            return None
        age = self._now() - max(active_since, polled_at or active_since)
        if age <= _POLLS_MISSED * self._interval + _POLL_TAKES:
            return None
        return f"No poll was completed for {age.total_seconds():.0f} seconds."

    async def _judge_database(self, *, is_public: bool) -> str | None:
        try:
            async with self._look_at_database() as tx:
                await check_writable(tx)
        except StoreError as error:
            detail = "the log names the cause" if is_public else error.detail
            return f"The database can't be written: {detail}."
        except TimeoutError:
            return f"The database can't be written: no answer within {LOOK_SECONDS:.0f} seconds."
        return None

    async def _get_statistics(self) -> Statistics | None:
        try:
            async with self._look_at_database() as tx:
                return await get_statistics(tx, self._guild_ids, self._now())
        except (StoreError, TimeoutError):
            return None

    @asynccontextmanager
    async def _look_at_database(self) -> AsyncIterator[AsyncConnection]:
        async with asyncio.timeout(LOOK_SECONDS), self._turn, self._database.begin() as tx:
            yield tx


async def keep_reporting(health: Health, file: Path, seconds: float) -> None:
    """Write a report every so many seconds until cancelled; a file that can't be written is a warning, not the end."""
    was_written, was_connected = True, False
    while True:
        health.turned.clear()
        verdict = await health.judge()
        try:
            write_report(file, verdict)
            was_written = True
        except OSError as error:
            if was_written:
                _LOG.warning("%s can't be written (%s), so healthcheck will fail", file, error.strerror)
            was_written = False
        is_connected = health.connected_at is not None
        if is_connected and not was_connected:
            _LOG.info("Connected to Discord")
        was_connected = is_connected
        # Somebody may be waiting for the first connection.
        pause = seconds if is_connected or verdict.is_standby else min(seconds, 1.0)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await health.turned.wait()
