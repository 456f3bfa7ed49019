"""The lease, when two processes share a PostgreSQL database."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.core.timing import Timing
from bot.errors import StoreError
from bot.store.database import Database, open_database
from bot.store.leases import Lease, ensure_holds_lease
from bot.store.tables import leases
from tests.support.store.waiting import until_blocked
from tests.support.wire.journal import PATIENCE

_CUT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """Return the address of an empty database."""
    return new_database()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Open it for one process."""
    async with open_database(url) as opened:
        yield opened


@pytest.fixture
async def elsewhere(url: str) -> AsyncIterator[Database]:
    """Open it for another process."""
    async with open_database(url) as opened:
        yield opened


async def set_end(database: Database, seconds: int) -> None:
    """Let the lease end in so many seconds."""
    async with database.begin() as tx:
        await tx.execute(leases.update().values(until=sa.text(f"extract(epoch FROM clock_timestamp()) + {seconds}")))


async def is_held(database: Database) -> bool:
    """Whether the lease ends in the future."""
    async with database.begin() as tx:
        query = sa.select(leases.c.until > sa.text("extract(epoch FROM clock_timestamp())"))
        return bool((await tx.execute(query)).scalar_one())


async def take_within(lease: Lease, seconds: float) -> int | None:
    """Take the lease; return None if another process still holds it by then."""
    try:
        async with asyncio.timeout(seconds):
            return await lease.take()
    except TimeoutError:
        return None


async def test_the_former_holder_is_refused(database: Database, elsewhere: Database) -> None:
    """Once another process has taken the lease, the former holder is refused, and the new one is not."""
    stale = await Lease(database).take()
    await set_end(elsewhere, -5)
    present = await Lease(elsewhere).take()
    with pytest.raises(StoreError, match="another process"):
        async with database.begin() as tx:
            await ensure_holds_lease(tx, stale)
    async with elsewhere.begin() as tx:
        await ensure_holds_lease(tx, present)


async def test_nobody_takes_the_lease_amid_a_transaction(database: Database, elsewhere: Database) -> None:
    """A holder that was found to hold the lease does so until its transaction ends, even if the lease has run out."""
    epoch = await Lease(database).take()
    await set_end(elsewhere, -5)
    async with database.begin() as tx:
        await ensure_holds_lease(tx, epoch)
        taking = asyncio.create_task(Lease(elsewhere).take())
        await until_blocked(database, taking)
        assert not taking.done()
    assert await taking == epoch + 1


async def test_a_long_transaction_does_not_hold_up_the_renewal(database: Database, elsewhere: Database) -> None:
    """While a holder's own transaction lasts, perhaps longer than a lease, its lease is renewed."""
    lease = Lease(database, Timing(lease_seconds=3))
    epoch = await lease.take()
    await set_end(elsewhere, -5)
    async with database.begin() as tx:
        await ensure_holds_lease(tx, epoch)
        keeping = asyncio.create_task(lease.keep())
        async with asyncio.timeout(PATIENCE):
            while not await is_held(elsewhere):
                assert not keeping.done()
        keeping.cancel()


async def test_a_file_needs_no_renewal(file: Path, file_url: str) -> None:
    """On SQLite the lease is kept without any write, which might have to wait too long."""
    async with open_database(file_url, busy_seconds=0.01) as database:
        lease = Lease(database, Timing(lease_seconds=0.3))
        await lease.take()
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(lease.keep(), 0.6)


async def test_a_held_lease_is_waited_for(database: Database, elsewhere: Database) -> None:
    """A held lease is not taken; one whose end is further away than any belongs to a dead process, and is."""
    await Lease(database).take()
    assert await take_within(Lease(elsewhere), 0.3) is None
    await set_end(elsewhere, 5 * 3600)
    assert await take_within(Lease(elsewhere), 10) == 2


async def test_a_released_lease_is_free_at_once(database: Database, elsewhere: Database) -> None:
    """A lease that one process releases another takes without waiting, and the first one learns that it lost it."""
    first = Lease(database, Timing(lease_seconds=1.5))
    await first.take()
    await first.release()
    assert await take_within(Lease(elsewhere), 10) == 2
    await first.keep()
    await first.release()
    assert await take_within(Lease(database), 0.3) is None


@pytest.mark.parametrize("is_cut_first", [False, True])
async def test_a_holder_stops_in_time(database: Database, elsewhere: Database, *, is_cut_first: bool) -> None:
    """A holder whose renewal hangs, at once or after one that failed, stops before anybody could take the lease."""
    lease = Lease(database, Timing(lease_seconds=3))
    await lease.take()
    async with elsewhere.begin() as tx:
        row = (await tx.execute(sa.select(leases).with_for_update())).one()
        if is_cut_first:
            await tx.execute(sa.text(_CUT_OTHERS))
        await lease.keep()
        now = (await tx.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())"))).scalar_one()
        assert now < row.until
    assert await take_within(Lease(elsewhere), 0.1) is None
