"""Connections to PostgreSQL that fall silent: forgotten by a NAT on the way, or the server hangs."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bot.core.timing import Timing
from bot.errors import CopyRefused, StoreAway, StoreError
from bot.store import database as waits
from bot.store.database import MIGRATION_LOCK, Database, open_database
from bot.store.leases import Lease
from bot.store.tables import leases
from bot.store.transfer import move
from tests.support.relay import Relay, open_relay
from tests.support.store.samples import count, put
from tests.support.store.stepped_time import in_stepped_time, stepped_loop
from tests.support.store.waiting import until_blocked

IN_POOL = 5
# A command ends in words within 15 seconds; one of them is left for everything but the database.
MOST_SECONDS = 14


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """Return the address of an empty database."""
    return new_database()


async def run_in_silence(relay: Relay, work: Coroutine[Any, Any, Any], *silences: float) -> asyncio.Task[Any]:
    """Run something that sends something into the void so many times, and each time gives up after so many seconds."""
    task = asyncio.create_task(work)
    seen = relay.lost
    for seconds in silences:
        seen = await lose_more(relay, than=seen)
        stepped_loop().skip(seconds)
    await asyncio.wait({task})
    return task


async def lose_more(relay: Relay, *, than: int) -> int:
    """Wait until more requests are lost than so many; returns how many are."""
    while relay.lost == than:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return relay.lost


async def fill_pool(database: Database) -> None:
    """Use several connections at once, all of which stay open."""
    is_full = asyncio.Barrier(IN_POOL)

    async def use() -> None:
        async with database.begin() as tx:
            await tx.execute(sa.text("SELECT 1"))
            await is_full.wait()

    await asyncio.gather(*(use() for _ in range(IN_POOL)))


def test_the_sum_of_waits() -> None:
    """A command that meets the worst waits ends in words in time, and so does a renewal of the lease."""
    opening = waits.POOL_SECONDS + waits.BEGIN_SECONDS + waits.CONNECT_SECONDS + waits.BEGIN_SECONDS
    assert opening <= MOST_SECONDS
    assert waits.POOL_SECONDS + waits.STATEMENT_SECONDS + waits.GOODBYE_SECONDS <= MOST_SECONDS
    lease = Timing().lease_seconds
    # Between two renewals are 5 seconds; the next 5 are for a new connection.
    assert lease / 3 + waits.BEGIN_SECONDS + waits.GOODBYE_SECONDS < 2 * lease / 3
    assert waits.LIMITS_MS["lock_timeout"] < waits.STATEMENT_SECONDS * 1000


@in_stepped_time
async def test_forgotten_connections_are_replaced(url: str) -> None:
    """The first one costs two seconds, all others nothing; every transaction is committed, once."""
    async with open_relay(url) as relay, open_database(relay.url, is_limited=True) as database:
        await fill_pool(database)
        relay.forget()
        await (await run_in_silence(relay, put(database, 0), waits.BEGIN_SECONDS))
        for number in range(1, 2 * IN_POOL):
            await put(database, number)
        assert stepped_loop().time() == waits.BEGIN_SECONDS
        assert await count(database) == 2 * IN_POOL


@in_stepped_time
async def test_a_server_that_hangs(url: str) -> None:
    """A transaction ends in words after the wait for an answer and for another connection; later ones work again."""
    async with open_relay(url) as relay, open_database(relay.url, is_limited=True) as database:
        await put(database, 1)
        relay.hang()
        for silences in ((waits.BEGIN_SECONDS, waits.CONNECT_SECONDS), (waits.CONNECT_SECONDS,)):
            with pytest.raises(StoreError, match="no answer in time"):
                await (await run_in_silence(relay, put(database, 2), *silences))
        relay.resume()
        await put(database, 3)
        assert await count(database) == 2


@in_stepped_time
async def test_a_silence_amid_a_transaction(url: str) -> None:
    """A statement or a commit without an answer ends in words; the next transaction gets another connection at once."""
    async with open_relay(url) as relay, open_database(relay.url, is_limited=True) as database:
        await fill_pool(database)

        async def change(*, is_silent_at_end: bool) -> None:
            async with database.begin() as tx:
                relay.forget()
                if not is_silent_at_end:
                    await tx.execute(sa.text("SELECT 1"))

        for is_silent_at_end in (False, True):
            with pytest.raises(StoreError, match="no answer in time"):
                await (await run_in_silence(relay, change(is_silent_at_end=is_silent_at_end), waits.STATEMENT_SECONDS))
            await put(database, int(is_silent_at_end))
        assert stepped_loop().time() == 2 * waits.STATEMENT_SECONDS


@in_stepped_time
async def test_the_lease_survives_a_forgotten_connection(url: str) -> None:
    """The renewal that meets it is repeated on another connection, before the lease ends."""
    loop = stepped_loop()
    async with open_relay(url) as relay, open_database(relay.url, is_limited=True) as database:
        lease = Lease(database, Timing(lease_seconds=15), clock=loop.time)
        await lease.take()
        async with database.begin() as tx:
            await tx.execute(leases.update().values(until=0))
        relay.forget()
        keeping = asyncio.create_task(lease.keep())
        await asyncio.sleep(0)
        lost = relay.lost
        loop.skip(5)
        await lose_more(relay, than=lost)
        loop.skip(waits.BEGIN_SECONDS)
        while not await is_lease_marked(url):  # noqa: ASYNC110  (only the database tells)
            await asyncio.sleep(0)
        # A further round trip: by then the renewal has got its answer.
        await put(database)
        loop.skip(4)
        assert loop.time() > 10
        assert lease.is_held
        keeping.cancel()


async def is_lease_marked(url: str) -> bool:
    """Return whether the row of the lease has an end, by a connection that is healthy."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        is_marked = (await connection.execute(sa.select(leases.c.until > 0))).scalar_one()
    await engine.dispose()
    return bool(is_marked)


@in_stepped_time
async def test_a_start_while_the_server_hangs(url: str) -> None:
    """The bot's start ends after the wait for a connection, as it does when there is no server."""

    async def start(address: str) -> None:
        async with open_database(address, is_limited=True):
            pass

    async with open_relay(url) as relay:
        relay.hang()
        with pytest.raises(StoreAway, match="no answer in time"):
            await (await run_in_silence(relay, start(relay.url), waits.CONNECT_SECONDS))


@in_stepped_time
async def test_moving_while_the_server_hangs(url: str) -> None:
    """`migrate-to` says that the server does not answer."""
    async with open_relay(url) as relay:
        relay.hang()
        with pytest.raises(CopyRefused, match="no answer in time"):
            await (await run_in_silence(relay, move(relay.url, url), waits.CONNECT_SECONDS))


@in_stepped_time
async def test_a_migration_has_no_limit(url: str) -> None:
    """A bot waits for the migration of another one, even if that takes minutes."""
    engine = create_async_engine(url)
    async with engine.begin() as other:
        await other.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        opened = open_database(url, is_limited=True)
        opening = asyncio.create_task(opened.__aenter__())
        await until_blocked(Database(engine), opening)
        stepped_loop().skip(600)
        await other.execute(sa.text("SELECT 1"))
        assert not opening.done()
    await put(await opening)
    await opened.__aexit__(None, None, None)
    await engine.dispose()


async def test_a_healthy_transaction_costs_no_further_round_trip(url: str) -> None:
    """Begin, limits and the test of the connection are one request; so is a statement that was used before."""
    async with open_relay(url) as relay, open_database(relay.url, is_limited=True) as database:
        for statements in (1, 1, 5):
            before = relay.requests
            async with database.begin() as tx:
                for _ in range(statements):
                    await tx.execute(sa.text("SELECT 1"))
        assert relay.requests - before == 1 + 5 + 1


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has all of these options")
async def test_the_system_watches_connections(url: str) -> None:
    """The system probes idle connections, so that a NAT does not forget them, and a copy without limits ends."""
    async with open_relay(url) as relay, open_database(relay.url) as database, database.begin() as tx:
        raw = await tx.get_raw_connection()
        assert raw.driver_connection is not None
        connection = raw.driver_connection._transport.get_extra_info("socket")  # noqa: SLF001
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
