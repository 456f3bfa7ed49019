"""The database behind a real PgBouncer, in transaction and in session mode, without any setting for it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.core.notifications import Kind
from bot.core.timing import Timing
from bot.store.database import LIMITS_MS, SCHEMA, Database, open_database
from bot.store.leases import Lease
from bot.store.subscriptions import put_subscription
from bot.store.tables import subscriptions
from bot.store.transfer import move
from tests.support.engine.polls import open_polls
from tests.support.pgbouncer import MODES, needs_pgbouncer, serve_pgbouncer
from tests.support.store.samples import DAY, GUILD, NOW, account, count, new_subscription, put
from tests.support.store.schemas import DUMPS, lay_dump

pytestmark = needs_pgbouncer

TRANSACTIONS = 200
CHANNELS = (1_001, 1_002, 1_003)


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """Return the address of an empty database, not through PgBouncer."""
    return new_database()


@pytest.fixture(params=MODES)
def pooled_url(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> Iterator[str]:
    """Return the address of the same database through PgBouncer; in transaction mode two connections are shared."""
    connections = 2 if request.param == "transaction" else 40
    with serve_pgbouncer(url, tmp_path, request.param, connections=connections) as pooled:
        yield pooled


async def read_limits(database: Database) -> list[str]:
    """Return the limits that hold in a transaction, in milliseconds."""
    query = sa.text("SELECT setting FROM pg_settings WHERE name = :name")
    async with database.begin() as tx:
        return [(await tx.execute(query, {"name": name})).scalar_one() for name in LIMITS_MS]


async def test_many_transactions_at_once(pooled_url: str) -> None:
    """Two hundred transactions of several statements each, of two processes, all succeed and see their own data."""
    async with open_database(pooled_url, is_limited=True) as one, open_database(pooled_url, is_limited=True) as other:

        async def add(database: Database, number: int) -> None:
            async with database.begin() as tx:
                await put_subscription(tx, new_subscription(channel_id=number))
                found = await tx.execute(sa.text("SELECT :number + 1"), {"number": number})
                assert found.scalar_one() == number + 1

        await asyncio.gather(*(add((one, other)[number % 2], number) for number in range(TRANSACTIONS)))
        assert await count(one) == TRANSACTIONS


async def test_limits_end_with_their_transaction(url: str, tmp_path: Path) -> None:
    """The limits hold in each transaction of the bot, and stick to no connection that another program gets next."""
    with serve_pgbouncer(url, tmp_path, "transaction", connections=1) as pooled:
        async with open_database(pooled, is_limited=True) as limited, open_database(pooled) as other:
            for _ in range(2):
                assert await read_limits(limited) == [str(milliseconds) for milliseconds in LIMITS_MS.values()]
                assert await read_limits(other) == ["0"] * len(LIMITS_MS)


async def test_nothing_stays_prepared(pooled_url: str) -> None:
    """The server keeps no statement after its transaction, however often it was used."""
    async with open_database(pooled_url, is_limited=True) as database:
        for number in range(3):
            await put(database, channel_id=number)
        async with database.begin() as tx:
            assert (await tx.execute(sa.text("SELECT count(*) FROM pg_prepared_statements"))).scalar_one() == 0


async def test_reminders_are_planned_and_sent(pooled_url: str) -> None:
    """Each channel hears once of an account that expires soon, over several polls."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(pooled_url, is_limited=True))
        for channel_id in CHANNELS:
            await put(database, channel_id=channel_id)
        polls = await stack.enter_async_context(open_polls(database, GUILD, CHANNELS, NOW))
        polls.show([account(expires_at=NOW + 6 * DAY)])
        await polls.run(3)
        assert [(channel, kind, stage) for channel, _, kind, stage in polls.said] == [
            (channel_id, Kind.STAGE, 7) for channel_id in CHANNELS
        ]


async def test_the_lease_is_kept_and_handed_over(pooled_url: str) -> None:
    """One process takes and renews the lease, another one waits, and gets it once it is released."""
    timing = Timing(lease_seconds=1.5)
    async with open_database(pooled_url, is_limited=True) as one, open_database(pooled_url, is_limited=True) as other:
        first, second = Lease(one, timing), Lease(other, timing)
        await first.take()
        keeping, taking = asyncio.create_task(first.keep()), asyncio.create_task(second.take())
        with pytest.raises(TimeoutError):
            # Longer than a lease that nobody renews.
            await asyncio.wait_for(asyncio.shield(taking), 2.5)
        assert first.is_held
        await first.release()
        assert await taking == 2
        keeping.cancel()


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_an_older_database_is_migrated(url: str, pooled_url: str, dump: Path, tmp_path: Path) -> None:
    """A database that an earlier version left is migrated through PgBouncer as it is directly."""
    written = await lay_dump(dump, url, tmp_path)
    async with open_database(pooled_url, is_limited=True) as database, database.begin() as tx:
        kept = (await tx.execute(sa.select(sa.func.count()).select_from(subscriptions))).scalar_one()
        assert kept == len(written.get("subscriptions", written.get("watches", [])))
        assert (await tx.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar_one() == SCHEMA


async def test_everything_is_moved(pooled_url: str, tmp_path: Path) -> None:
    """`migrate-to` copies through PgBouncer to an empty database, and back to a file."""
    files = [f"sqlite+aiosqlite:///{tmp_path}/{name}.db" for name in ("source", "back")]
    async with open_database(files[0]) as source:
        for number in range(3):
            await put(source, channel_id=number)
    assert (await move(files[0], pooled_url))["subscriptions"] == 3
    assert (await move(pooled_url, files[1]))["subscriptions"] == 3
