"""The lease, when two processes share a PostgreSQL database."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.core.timing import DEFAULT_TIMING, Timing
from bot.errors import StoreError
from bot.store.database import LIMITS_MS, Database, open_database
from bot.store.leases import Lease, ensure_holds_lease, mark_polled
from bot.store.tables import leases
from tests.support.store.stepped_time import in_stepped_time, stepped_loop
from tests.support.store.waiting import until_blocked
from tests.support.wire.journal import PATIENCE

_CUT_BLOCKED = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
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
@in_stepped_time
async def test_a_holder_stops_in_time(url: str, caplog: pytest.LogCaptureFixture, *, is_cut_first: bool) -> None:
    """A holder whose renewal hangs, at once or after one that failed, stops before anybody could take the lease."""
    loop = stepped_loop()
    async with open_database(url) as database, open_database(url) as elsewhere:
        lease = Lease(database, Timing(lease_seconds=15), clock=loop.time)
        await lease.take()
        async with elsewhere.begin() as tx:
            await tx.execute(sa.select(leases).with_for_update())
            keeping = asyncio.create_task(lease.keep())
            await asyncio.sleep(0)
            loop.skip(5)
            await until_blocked(elsewhere, keeping)
            if is_cut_first:
                await tx.execute(sa.text(_CUT_BLOCKED))
                while "The lease can't be renewed" not in caplog.text:  # noqa: ASYNC110  (only the log tells)
                    await asyncio.sleep(0)
                loop.skip(1)
                await until_blocked(elsewhere, keeping)
            assert lease.is_held
            loop.skip(10 - loop.time())
            await keeping
        assert not lease.is_held
        # Five seconds are left for what has begun.
        assert loop.time() == 10


async def test_a_former_holder_is_fenced_by_its_own_clock(database: Database) -> None:
    """After its lease no transaction of a holder begins, and none that has begun is committed; nobody is asked."""
    now = 0.0
    lease = Lease(database, Timing(lease_seconds=15), clock=lambda: now)
    with pytest.raises(StoreError, match="not active"):
        await mark_poll(lease)
    await lease.take()
    now = 9.9
    await mark_poll(lease)

    async def be_suspended() -> None:
        nonlocal now
        async with lease.database.begin() as tx:
            await tx.execute(leases.update().values(owner="a suspended process"))
            now = 10.0

    with pytest.raises(StoreError, match="not active"):
        await be_suspended()
    with pytest.raises(StoreError, match="not active"):
        await mark_poll(lease)
    async with database.begin() as tx:
        assert (await tx.execute(sa.select(leases.c.owner))).scalar_one() != "a suspended process"


async def mark_poll(lease: Lease) -> None:
    """Change something in the database of the holder."""
    async with lease.database.begin() as tx:
        await mark_polled(tx, datetime(2026, 1, 1, tzinfo=UTC))


async def test_a_lease_that_was_given_up_is_not_held(database: Database) -> None:
    """A holder that has released the lease is fenced at once."""
    lease = Lease(database)
    assert not lease.is_held
    await lease.take()
    assert lease.is_held
    await lease.release()
    assert not lease.is_held


async def test_the_own_lease_is_taken_again(database: Database) -> None:
    """A process that could not renew its lease in time, for whatever reason, need not wait for the end of it."""
    lease = Lease(database)
    await lease.take()
    assert await take_within(lease, 10) == 2
    assert await take_within(Lease(database), 0.3) is None


def test_an_idle_transaction_ends_before_its_lease() -> None:
    """PostgreSQL cuts off what a suspended process has begun, before another process can take the lease."""
    margin = DEFAULT_TIMING.lease_seconds / 3
    assert LIMITS_MS["idle_in_transaction_session_timeout"] <= margin * 1000
