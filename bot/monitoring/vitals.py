"""Judges whether the running bot is well: connected, passing, and able to write."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.monitoring.health_file import Presence
from bot.monitoring.metrics import Snapshot
from bot.reminders.poller import Poller
from bot.store.database import Database
from bot.store.statistics import Figures, get_figures, try_writing

# A little longer than SQLite waits for a lock, so that it says by itself what is wrong.
_STORE_SECONDS = 6.0
_PASSES_MISSED = 3
_PASS_TAKES = timedelta(minutes=5)


class Vitals:
    """Looks at the parts of a running bot; at most one look at the database at a time, so that none is crowded out."""

    def __init__(
        self,
        *,
        presence: Presence,
        poller: Poller,
        database: Database,
        guild_ids: Iterable[int],
        now: Callable[[], datetime],
    ) -> None:
        self._presence = presence
        self._passes = poller
        self._database = database
        self._guild_ids = tuple(guild_ids)
        self._now = now
        self._turn = asyncio.Lock()

    async def find_troubles(self) -> list[str]:
        """Return what is wrong, in words; empty if the bot is well."""
        found = [self._presence.find_trouble(), self._find_stale_poll(), await self._find_store_trouble()]
        return [trouble for trouble in found if trouble]

    async def take_snapshot(self) -> Snapshot:
        """Return how things are now."""
        return Snapshot(
            is_connected=self._presence.look(),
            is_leading=self._passes.leading_since is not None,
            interval=self._passes.interval,
            polled_at=self._passes.polled_at,
            read_at=self._passes.read_at,
            figures=await self._get_figures(),
        )

    def _find_stale_poll(self) -> str | None:
        """Only whoever leads is asked; a new leader has as much time for its first pass as for any other."""
        if self._passes.leading_since is None:
            return None
        since = max(self._passes.leading_since, self._passes.polled_at or self._passes.leading_since)
        age = self._now() - since
        if age <= _PASSES_MISSED * self._passes.interval + _PASS_TAKES:
            return None
        return f"No pass over the reminders was completed for {age.total_seconds():.0f} seconds."

    async def _find_store_trouble(self) -> str | None:
        try:
            async with self._look_at_store() as tx:
                await try_writing(tx)
        except StoreError as error:
            return f"The database can't be written: {error}."
        except TimeoutError:
            return f"The database can't be written: no answer within {_STORE_SECONDS:.0f} seconds."
        return None

    async def _get_figures(self) -> Figures | None:
        try:
            async with self._look_at_store() as tx:
                return await get_figures(tx, self._guild_ids, self._now())
        except (StoreError, TimeoutError):
            return None

    @asynccontextmanager
    async def _look_at_store(self) -> AsyncIterator[AsyncConnection]:
        async with asyncio.timeout(_STORE_SECONDS), self._turn, self._database.begin() as tx:
            yield tx
