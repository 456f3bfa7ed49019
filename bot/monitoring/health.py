"""Judges the running bot: connected to Discord, clock right, polls on time, database writable."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.secrets import Redactor
from bot.core.wording import say_wrong_clock
from bot.errors import StoreError
from bot.monitoring.health_file import Verdict, write_report
from bot.reminders.context import Context
from bot.reminders.poller import Poller
from bot.store.statistics import Statistics, check_writable, get_statistics

_LOG = logging.getLogger(__name__)

# Long enough for an ordinary reconnect.
_DISCONNECTED_FOR = timedelta(minutes=2)
_POLLS_MISSED = 3
_POLL_TAKES = timedelta(minutes=5)
# A little longer than SQLite waits for a lock, so that it reports by itself what is wrong.
_STORE_SECONDS = 6.0


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


class Health:
    """Looks at the parts of a running bot; one look at the database at a time, so that looks don't pile up."""

    def __init__(self, context: Context, poller: Poller, *, is_connected: Callable[[], bool], redact: Redactor) -> None:
        self._context = context
        self._poller = poller
        self._is_connected = is_connected
        self._redact = redact
        self._turn = asyncio.Lock()
        self.connected_at: datetime | None = None

    async def judge(self) -> Verdict:
        """Return the verdict of now."""
        found = (
            self._judge_connection(),
            self._judge_clock() or self._judge_polls(),
            await self._judge_database(),
        )
        # `healthcheck` compares it with the clock of the same machine.
        return Verdict(self._context.clock.machine_now(), tuple(self._redact(problem) for problem in found if problem))

    async def take_state(self) -> BotState:
        """Return the state of now."""
        return BotState(
            is_connected=self._look_for_connection(),
            is_active=self._poller.active_since is not None,
            interval=self._context.interval,
            polled_at=self._poller.polled_at,
            read_at=self._poller.read_at,
            clock_skew=self._context.clock.skew,
            statistics=await self._get_statistics(),
        )

    def _look_for_connection(self) -> bool:
        """Return whether the bot is connected now, and remember it."""
        is_connected = self._is_connected()
        if is_connected:
            self.connected_at = self._context.now()
        return is_connected

    def _judge_connection(self) -> str | None:
        self._look_for_connection()
        if self.connected_at is None:
            return "The bot has not connected to Discord yet."
        disconnected = self._context.now() - self.connected_at
        if disconnected <= _DISCONNECTED_FOR:
            return None
        return f"The bot has not been connected to Discord for {disconnected.total_seconds():.0f} seconds."

    def _judge_clock(self) -> str | None:
        """Judge the active process alone: a standby gets no answers that could tell it the time."""
        clock, is_active = self._context.clock, self._poller.active_since is not None
        return say_wrong_clock(clock.skew) if is_active and not clock.is_trusted else None

    def _judge_polls(self) -> str | None:
        """Judge the active process alone; its first poll has as much time as any other."""
        active_since, polled_at = self._poller.active_since, self._poller.polled_at
        if active_since is None:
            return None
        age = self._context.now() - max(active_since, polled_at or active_since)
        if age <= _POLLS_MISSED * self._context.interval + _POLL_TAKES:
            return None
        return f"No poll was completed for {age.total_seconds():.0f} seconds."

    async def _judge_database(self) -> str | None:
        try:
            async with self._look_at_database() as tx:
                await check_writable(tx)
        except StoreError as error:
            return f"The database can't be written: {error.detail}."
        except TimeoutError:
            return f"The database can't be written: no answer within {_STORE_SECONDS:.0f} seconds."
        return None

    async def _get_statistics(self) -> Statistics | None:
        try:
            async with self._look_at_database() as tx:
                return await get_statistics(tx, self._context.access.listed, self._context.now())
        except (StoreError, TimeoutError):
            return None

    @asynccontextmanager
    async def _look_at_database(self) -> AsyncIterator[AsyncConnection]:
        async with asyncio.timeout(_STORE_SECONDS), self._turn, self._context.database.begin() as tx:
            yield tx


async def keep_reporting(health: Health, file: Path, seconds: float) -> None:
    """Write a report every so many seconds until cancelled; a file that can't be written is a warning, not the end."""
    was_written, was_connected = True, False
    while True:
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
        await asyncio.sleep(seconds if is_connected else min(seconds, 1.0))
