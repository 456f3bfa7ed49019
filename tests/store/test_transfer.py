"""Moving everything from one database to another: SQLite, PostgreSQL, and both ways."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.errors import CopyRefused
from bot.store.database import SCHEMA, open_database, sqlite_file
from bot.store.files import lock_file
from bot.store.leases import Lease
from bot.store.subscriptions import put_subscription
from bot.store.tables import leases, metadata, subscriptions
from bot.store.transfer import move
from tests.support.store.samples import NOW, fill, new_subscription, put, rows_of
from tests.support.store.schemas import DUMPS, in_this_schema, lay_dump
from tests.support.store.waiting import until_blocked


@pytest.fixture
async def filled(database_url: str) -> str:
    """Fill a database of each kind, and return its address."""
    async with open_database(database_url) as database:
        await fill(database, 3)
        async with database.begin() as tx:
            await tx.execute(leases.delete())
    return database_url


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address to move to, of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/elsewhere/new.db"
    create: Callable[[], str] = request.getfixturevalue("new_database")
    return create()


async def all_rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of each table but the leases."""
    async with open_database(url) as database:
        return await rows_of(database)


async def test_everything_arrives(database_url: str, target_url: str) -> None:
    """Each row of each table is in the target as it was, in more than one portion, and still in the source."""
    async with open_database(database_url) as database:
        await fill(database, 501)
        async with database.begin() as tx:
            await tx.execute(leases.update().values(until=0))
    before = await all_rows(database_url)
    assert await move(database_url, target_url) == {name: 501 for name in metadata.tables if name != "leases"}
    assert await all_rows(target_url) == before
    assert await all_rows(database_url) == before


async def test_the_lease_stays_behind(filled: str, target_url: str) -> None:
    """The lease belongs to the processes on each database, and is not copied."""
    async with open_database(filled) as source, source.begin() as tx:
        await tx.execute(leases.insert().values(name="poll", owner="gone", epoch=7, until=0))
    await move(filled, target_url)
    async with open_database(target_url) as target, target.begin() as tx:
        assert (await tx.execute(sa.select(leases))).all() == []


async def test_new_rows_get_new_numbers(filled: str, target_url: str) -> None:
    """A row that is added after the move is numbered after those that came with it, also where a table came empty."""
    async with open_database(filled) as source, source.begin() as tx:
        await tx.execute(sa.text("DELETE FROM logins"))
    await move(filled, target_url)
    async with open_database(target_url) as target, target.begin() as tx:
        await put_subscription(tx, new_subscription())
        assert (await tx.execute(sa.select(sa.func.max(subscriptions.c.id)))).scalar_one() == 4
        login = metadata.tables["logins"].insert().values(account_id="1", expires_at=NOW)
        assert (await tx.execute(login)).inserted_primary_key == (1,)


async def test_a_new_file_is_private(filled: str, tmp_path: Path) -> None:
    """A SQLite target can be read by its owner alone."""
    await move(filled, f"sqlite+aiosqlite:///{tmp_path}/elsewhere/new.db")
    modes = {one.name: one.stat().st_mode & 0o777 for one in (tmp_path / "elsewhere").iterdir()}
    assert modes["new.db"] == 0o600


async def refusal(source_url: str, target_url: str) -> str:
    """Return the words with which a move is refused."""
    with pytest.raises(CopyRefused) as refused:
        await move(source_url, target_url)
    return str(refused.value)


async def test_a_target_that_is_in_use_is_refused(filled: str, target_url: str) -> None:
    """A single row in the target is enough, a lease too; it stays, and nothing is added."""
    async with open_database(target_url) as target:
        await put(target)
    before = await all_rows(target_url)
    assert "not empty: see its table subscriptions" in await refusal(filled, target_url)
    assert await all_rows(target_url) == before
    async with open_database(target_url) as target, target.begin() as tx:
        await tx.execute(subscriptions.delete())
        await tx.execute(leases.insert().values(name="poll", owner="gone", epoch=7, until=0))
    assert "not empty: see its table leases" in await refusal(filled, target_url)


@asynccontextmanager
async def bare(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a database without the bot's tables."""
    if file := sqlite_file(url):
        file.parent.mkdir(exist_ok=True)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        yield connection
    await engine.dispose()


async def test_a_target_of_another_program_is_refused(filled: str, target_url: str) -> None:
    """A table of another program is not used, and no table is added to it."""
    async with bare(target_url) as connection:
        await connection.execute(sa.text("CREATE TABLE theirs (id INTEGER)"))
    assert "not empty: see its table theirs" in await refusal(filled, target_url)
    async with bare(target_url) as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == ["theirs"]


async def test_a_move_to_itself_is_refused(filled: str) -> None:
    """The database in DATABASE_URL is no target, however it is spelled."""
    file = sqlite_file(filled)
    again = f"sqlite+aiosqlite:///{file.parent}/../{file.parent.name}/{file.name}" if file else filled
    words = await refusal(filled, again)
    assert "leads to this database already" in words or "not empty" in words


async def test_an_unused_source_is_refused(database_url: str, target_url: str) -> None:
    """A source that no bot has used is refused; neither side is made or changed."""
    words = await refusal(database_url, target_url)
    assert "nothing to copy" in words or "holds nothing of this bot" in words
    for url in (database_url, target_url):
        file = sqlite_file(url)
        if file is not None:
            assert not file.exists()
            continue
        async with bare(url) as connection:
            assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == []


async def test_a_source_with_an_unknown_schema(database_url: str, target_url: str) -> None:
    """A source that this version can't bring up to date is refused without the advice to do so."""
    async with open_database(database_url) as database, database.begin() as tx:
        await tx.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    words = await refusal(database_url, target_url)
    assert "a version that is not known (schema 0000)" in words
    assert "up to date" not in words


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_a_source_of_an_old_version_is_left_as_it_is(
    dump: Path, database_url: str, target_url: str, tmp_path: Path
) -> None:
    """A source that would have to be upgraded is refused and stays as it was; once it is upgraded, it is copied."""
    written = await lay_dump(dump, database_url, tmp_path)
    words = await refusal(database_url, target_url)
    assert f"older version of this bot left it (schema {dump.stem}, this one has {SCHEMA})" in words
    assert "Start this version on it once" in words
    async with bare(database_url) as connection:
        for table, rows in written.items():
            kept = (await connection.execute(sa.text(f"SELECT * FROM {table}"))).mappings().all()  # noqa: S608
            assert len(kept) == len(rows), table
            assert set(kept[0] if kept else ()) == set(rows[0] if rows else ()), table
    async with open_database(database_url) as upgraded, upgraded.begin() as tx:
        await tx.execute(leases.update().values(until=0))
    expected = in_this_schema(written, dump.stem)["subscriptions"]
    assert (await move(database_url, target_url))["subscriptions"] == len(expected)


async def test_a_bot_that_runs_on_the_source(filled: str, target_url: str) -> None:
    """While a bot runs on the source nothing is copied; when it has stopped, everything is."""
    file = sqlite_file(filled)
    if file is not None:
        with lock_file(file):
            assert "The bot is running on" in await refusal(filled, target_url)
    else:
        async with open_database(filled) as source:
            lease = Lease(source)
            await lease.take()
            assert "The bot is running on the source" in await refusal(filled, target_url)
            await lease.release()
    assert (await move(filled, target_url))["subscriptions"] == 3


async def test_a_bot_that_runs_on_a_file_to_be(filled: str, tmp_path: Path) -> None:
    """A SQLite target that a bot has just locked is refused."""
    new = tmp_path / "elsewhere" / "new.db"
    with lock_file(new):
        assert "The bot is running on" in await refusal(filled, f"sqlite+aiosqlite:///{new}")


async def test_a_move_that_fails_leaves_nothing(filled: str, target_url: str) -> None:
    """A row that the target can't take undoes the whole copy, and the next try succeeds."""
    async with open_database(target_url):
        pass
    guard = "CREATE UNIQUE INDEX guard ON channel_failures ((1))"
    async with bare(target_url) as connection:
        await connection.execute(sa.text(guard))
    words = await refusal(filled, target_url)
    assert "Nothing was copied, because copying failed" in words
    assert "unique" in words.lower()
    assert set(map(len, (await all_rows(target_url)).values())) == {0}
    async with bare(target_url) as connection:
        await connection.execute(sa.text("DROP INDEX guard"))
    assert (await move(filled, target_url))["subscriptions"] == 3


async def test_missing_rows_are_noticed(filled: str, target_url: str) -> None:
    """A target that silently drops rows is found out by counting, and keeps nothing."""
    async with open_database(target_url):
        pass
    async with bare(target_url) as connection:
        for statement in dropping(connection.dialect.name):
            await connection.execute(sa.text(statement))
    assert "of 3 rows of channel_failures, 0 arrived" in await refusal(filled, target_url)
    assert set(map(len, (await all_rows(target_url)).values())) == {0}


def dropping(dialect: str) -> list[str]:
    """Return the statements that let a database drop each new row of a table."""
    if dialect == "sqlite":
        return ["CREATE TRIGGER drop_it BEFORE INSERT ON channel_failures BEGIN SELECT RAISE(IGNORE); END"]
    return ["CREATE RULE drop_it AS ON INSERT TO channel_failures DO INSTEAD NOTHING"]


async def test_a_server_out_of_reach(filled: str) -> None:
    """A target that does not answer is reported with the reason, and without the password."""
    words = await refusal(filled, "postgresql+asyncpg://bot:s3cret@127.0.0.1:9/bot")
    assert "the target failed" in words
    assert "Nothing was copied" in words
    assert "s3cret" not in words


async def test_no_limit_of_the_server_cuts_a_move_off(filled: str, new_database: Callable[[], str]) -> None:
    """A move takes as long as it needs, also on a server that limits waits for locks."""
    target_url = new_database()
    async with open_database(target_url) as target:
        async with target.begin() as tx:
            name = (await tx.execute(sa.text("SELECT current_database()"))).scalar_one()
            await tx.execute(sa.text(f"ALTER DATABASE {name} SET lock_timeout = 1"))
        async with target.begin() as tx:
            await tx.execute(sa.text("LOCK TABLE messages IN ROW EXCLUSIVE MODE"))
            moving = asyncio.create_task(move(filled, target_url))
            await until_blocked(target, moving)
            # By now the limit would have passed.
            await tx.execute(sa.text("SELECT pg_sleep(0.05)"))
        assert (await moving)["subscriptions"] == 3
