"""The lease: one process per database is active. A SQLite file has a lock instead (`bot.store.files`)."""

import asyncio
import logging
import math
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.timing import DEFAULT_TIMING, Timing
from bot.errors import StoreError
from bot.store.database import RELEASE_SECONDS, Database, open_database
from bot.store.tables import leases

_LOG = logging.getLogger(__name__)

_NAME = "poll"
# The epoch of the first holder of a new database's lease.
FIRST_EPOCH = 1
# The weakest row lock that keeps out another holder, and not the lease's own renewal.
_LOCK_EPOCH = sa.select(leases.c.epoch).where(leases.c.name == _NAME).with_for_update(read=True, key_share=True)
_POLLED_AT = sa.select(leases.c.polled_at).where(leases.c.name == _NAME)
_CHANNELS_CHECKED_AT = sa.select(leases.c.channels_checked_at).where(leases.c.name == _NAME)
_MARK_POLLED = leases.update().where(leases.c.name == _NAME).values(polled_at=sa.bindparam("now"))

_MARK_CHANNELS_CHECKED = leases.update().where(leases.c.name == _NAME).values(channels_checked_at=sa.bindparam("now"))


async def ensure_holds_lease(tx: AsyncConnection, epoch: int) -> None:
    """Keep other processes from taking the lease until this transaction ends.

    Raises:
        StoreError: another process has taken it since this epoch began.
    """
    present = (await tx.execute(_LOCK_EPOCH)).scalar()
    if present is not None and present != epoch:
        raise StoreError("another process is active now")


async def mark_polled(tx: AsyncConnection, now: datetime) -> None:
    """Save that a poll is complete."""
    await tx.execute(_MARK_POLLED, {"now": now})


async def get_polled_at(tx: AsyncConnection) -> datetime | None:
    """Return when the last poll was complete, None if none was."""
    return (await tx.execute(_POLLED_AT)).scalar()


async def get_channels_checked_at(tx: AsyncConnection) -> datetime | None:
    """Return when the channels were last checked, None if they never were."""
    return (await tx.execute(_CHANNELS_CHECKED_AT)).scalar()


async def mark_channels_checked(tx: AsyncConnection, now: datetime) -> None:
    """Save that the channels were checked."""
    await tx.execute(_MARK_CHANNELS_CHECKED, {"now": now})


async def is_lease_held(tx: AsyncConnection) -> bool:
    """Whether a process holds the lease, or held it when it was killed less than 15 seconds ago."""
    query = sa.select(sa.func.count()).where(leases.c.name == _NAME, leases.c.until > await _clock(tx))
    return (await tx.execute(query)).scalar_one() > 0


class Lease:
    """A row that one process holds for some seconds at a time, by the database's own clock.

    `database` is for the holder: a transaction there begins and commits only while the lease is held. It has the
    connections of the database `guarded`, or else those that renew the lease. `clock` returns seconds that nobody sets
    (default: the event loop's). `was_waited_for` is whether this process has ever been a standby.
    """

    def __init__(
        self,
        database: Database,
        timing: Timing = DEFAULT_TIMING,
        *,
        guarded: Database | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._database = database
        self._seconds = timing.lease_seconds
        # A third of the lease is left for what has begun: commits and requests on their way.
        self._renew_seconds = timing.lease_seconds / 3
        self._owner = secrets.token_hex(8)
        self._clock = clock or asyncio.get_running_loop().time
        self._ends_at = -math.inf
        self.database = Database((guarded or database).engine, ensure_allowed=self._ensure_held)
        self.epoch = 0
        self.was_waited_for = False

    @property
    def is_held(self) -> bool:
        """Whether no other process can hold the lease, by this process's own clock and without asking the database.

        Also right at once in a process that was suspended and goes on.
        """
        return self._clock() < self._ends_at

    async def take(self) -> int:
        """Wait until the lease is free, take it, and return its new epoch."""
        logged = ""
        while True:
            asked_at = self._clock()
            try:
                async with asyncio.timeout(self._renew_seconds), self._database.begin() as tx:
                    is_taken = await self._take_if_free(tx)
                if is_taken:
                    self._extend(asked_at)
                    _LOG.info("This process is active")
                    return self.epoch
                level, news = logging.INFO, "This process is a standby: another one is active"
            except (StoreError, TimeoutError) as error:
                level, news = logging.WARNING, f"The lease can't be taken: {str(error) or 'no answer'}"
            self.was_waited_for = True
            # Once a second would fill the log.
            if logged != (logged := news):
                _LOG.log(level, "%s", news)
            await asyncio.sleep(self._renew_seconds / 5)

    async def keep(self) -> None:
        """Renew the lease until it is lost or can't be renewed; returns before another process could take it."""
        if self._database.is_sqlite:
            # The file's lock is enough; a renewal would have to wait for every longer transaction.
            await asyncio.Event().wait()
        pause = self._renew_seconds
        while self.is_held:
            await asyncio.sleep(pause)
            asked_at = self._clock()
            try:
                async with asyncio.timeout(self._ends_at - asked_at), self._database.begin() as tx:
                    is_held = await self._renew(tx)
            except (StoreError, TimeoutError) as error:
                _LOG.warning("The lease can't be renewed: %s", str(error) or "no answer")
                pause = self._renew_seconds / 5
                continue
            if not is_held:
                self._ends_at = -math.inf
                _LOG.warning("This process is active no more: another one has taken the lease")
                return
            self._extend(asked_at)
            pause = self._renew_seconds
        _LOG.warning("This process is active no more: the lease was not renewed in time")

    async def release(self) -> None:
        """Finish what has begun, and give the lease up, so that another process need not wait for its end."""
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                # Such as the mark of a message that has just arrived.
                await self.database.finish()
                self._ends_at = -math.inf
                # On SQLite the file's lock, which ends with the process, is all that counts.
                if self.epoch and not self._database.is_sqlite:
                    await self._give_up()
        except (StoreError, TimeoutError) as error:
            _LOG.warning("The lease can't be given up: %s", str(error) or "no answer")
        finally:
            self._ends_at = -math.inf

    async def _take_if_free(self, tx: AsyncConnection) -> bool:
        row = (await tx.execute(sa.select(leases).where(leases.c.name == _NAME).with_for_update())).first()
        now = await _clock(tx)
        values = {"owner": self._owner, "until": now + math.ceil(self._seconds)}
        if row is None:
            self.epoch = FIRST_EPOCH
            await tx.execute(leases.insert().values(name=_NAME, epoch=FIRST_EPOCH, **values))
            return True
        # A SQLite file has one process, by its lock: the process that held the lease before is gone. On PostgreSQL
        # nobody takes the lease for longer than this: a later end was saved before the clock was set back.
        is_running = now <= row.until <= now + math.ceil(self._seconds) and not self._database.is_sqlite
        if is_running and row.owner != self._owner:
            return False
        self.epoch = row.epoch + 1
        await tx.execute(leases.update().where(leases.c.name == _NAME).values(epoch=self.epoch, **values))
        return True

    async def _give_up(self) -> None:
        async with self._database.begin() as tx:
            await tx.execute(leases.update().where(self._is_mine()).values(until=0))

    def _extend(self, asked_at: float) -> None:
        is_endless = self._database.is_sqlite
        self._ends_at = math.inf if is_endless else asked_at + self._seconds - self._renew_seconds

    def _ensure_held(self) -> None:
        if not self.is_held:
            raise StoreError("this process is not active any more")

    async def _renew(self, tx: AsyncConnection) -> bool:
        until = await _clock(tx) + math.ceil(self._seconds)
        return (await tx.execute(leases.update().where(self._is_mine()).values(until=until))).rowcount == 1

    def _is_mine(self) -> sa.ColumnElement[bool]:
        return (leases.c.name == _NAME) & (leases.c.owner == self._owner) & (leases.c.epoch == self.epoch)


@asynccontextmanager
async def open_lease(url: str, database: Database, timing: Timing, clock: Callable[[], float]) -> AsyncIterator[Lease]:
    """Build the lease of an open database; closed at the end.

    `clock` returns seconds that nobody sets, and that go on while the process or the machine is suspended.

    Raises:
        StoreError: the database can't be opened once more.
    """
    if database.is_sqlite:
        yield Lease(database, timing, clock=clock)
        return
    # With a connection of its own: a renewal must not wait for those that polls and commands use.
    async with open_database(url, is_limited=True) as own:
        yield Lease(own, timing, guarded=database, clock=clock)


async def _clock(tx: AsyncConnection) -> int:
    """Return the database's time in seconds since 1970."""
    spelling = "strftime('%s', 'now')" if tx.dialect.name == "sqlite" else "extract(epoch FROM clock_timestamp())"
    return int(float((await tx.execute(sa.text(f"SELECT {spelling}"))).scalar_one()))
