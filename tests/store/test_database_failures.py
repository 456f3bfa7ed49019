"""A database that fails, at the start or later."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import StoreAway, StoreError
from bot.store.database import LIMITS_MS, LONG_LIMITS_MS, MIGRATION_LOCK, Database, open_database
from bot.store.subscriptions import put_subscription
from tests.support.store.samples import count, new_subscription, put, refusal
from tests.support.store.waiting import until_blocked


@pytest.fixture(params=[b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def foreign_file(request: pytest.FixtureRequest, file: Path) -> Iterator[Path]:
    """Put a file with other content where the database should be; it must not change."""
    file.parent.mkdir()
    file.write_bytes(request.param)
    yield file
    assert file.read_bytes() == request.param


@pytest.mark.usefixtures("foreign_file")
async def test_refuses_a_file_that_is_no_database(file_url: str) -> None:
    """A file with other content is refused with SQLite's words, and kept."""
    assert "it can't be opened" in await refusal(file_url)


async def test_refuses_a_folder_that_can_not_be(file: Path, file_url: str) -> None:
    """A path through a file is refused with the system's words."""
    file.parent.write_text("in the way")
    assert "it can't be opened" in await refusal(file_url)


async def test_a_server_that_is_not_there_is_a_store_error(new_database: Callable[[], str], tmp_path: Path) -> None:
    """No server, no such database, and no such user are refused with the server's words, without the password."""
    there = sa.make_url(new_database()).set(password="s3cret")
    urls = [there.set(database="nowhere"), there.set(username="nobody"), there.set(query={"host": str(tmp_path)})]
    for url in urls:
        words = await refusal(url.render_as_string(hide_password=False))
        assert "it can't be opened" in words
        assert "s3cret" not in words


async def test_a_read_only_database_is_a_store_error(database: Database) -> None:
    """A refused write is one kind of error, with the reason; when it passes, the same database works on."""
    pragma = "PRAGMA query_only={}" if database.is_sqlite else "SET SESSION default_transaction_read_only={}"
    async with database.begin() as tx:
        await tx.execute(sa.text(pragma.format("on")))
    with pytest.raises(StoreError, match=r"read-?only"):
        await put(database)
    assert await count(database) == 0
    async with database.begin() as tx:
        await tx.execute(sa.text(pragma.format("off")))
    await put(database)
    assert await count(database) == 1


async def test_a_full_disk_is_a_store_error(file_url: str) -> None:
    """A full disk is reported, saved rows stay, and the bot recovers when there is room."""
    async with open_database(file_url) as database:
        async with database.begin() as tx:
            await tx.execute(sa.text("PRAGMA max_page_count = 1"))
        with pytest.raises(StoreError, match="full"):
            await _fill(database)
        assert await count(database) == 0
        async with database.begin() as tx:
            await tx.execute(sa.text("PRAGMA max_page_count = 100000"))
        await _fill(database)
        assert await count(database) == 1000


async def _fill(database: Database) -> None:
    async with database.begin() as tx:
        for channel_id in range(1000):
            await put_subscription(tx, new_subscription(channel_id=channel_id))


async def test_a_locked_database_is_a_store_error(file: Path, file_url: str) -> None:
    """A file that another program holds is waited for, then reported; reading goes on, and later writing too."""
    async with open_database(file_url, busy_seconds=0.05) as database:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked"):
                await put(database)
            assert await count(database) == 0
            other.execute("ROLLBACK")
        await put(database)
        assert await count(database) == 1


async def test_a_server_that_goes_away_is_a_store_error(new_database: Callable[[], str]) -> None:
    """A database that vanishes under the bot is reported at each use, and works again once it is back."""
    url = sa.make_url(new_database())
    elsewhere = create_async_engine(new_database(), isolation_level="AUTOCOMMIT")
    async with open_database(url.render_as_string(hide_password=False)) as database, elsewhere.connect() as admin:
        await admin.execute(sa.text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
        await admin.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": url.database},
        )
        for _ in range(2):
            with pytest.raises(StoreError):
                await put(database)
        await admin.execute(sa.text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true"))
        await put(database)
        assert await count(database) == 1
    await elsewhere.dispose()


async def test_postgresql_cuts_off_what_takes_too_long(new_database: Callable[[], str]) -> None:
    """The running bot has limits, which also hold after a rollback; a program that copies the database has none."""
    url = new_database()
    for is_limited in (True, False):
        async with open_database(url, is_limited=is_limited) as database:
            with pytest.raises(StoreError):
                async with database.begin() as tx:
                    raise StoreError("rolled back")
            async with database.begin() as tx:
                for name, milliseconds in LIMITS_MS.items():
                    query = sa.text("SELECT setting FROM pg_settings WHERE name = :name")
                    setting = (await tx.execute(query, {"name": name})).scalar_one()
                    assert setting == str(milliseconds if is_limited else 0)


async def test_an_idle_transaction_is_cut_off(new_database: Callable[[], str]) -> None:
    """A transaction in which nothing happens any more gives its locks back, and is not committed."""
    url = new_database()
    async with open_database(url) as elsewhere, open_database(url, is_limited=True) as database:

        async def idle() -> None:
            async with database.begin() as tx:
                await tx.execute(sa.text("LOCK TABLE subscriptions"))
                await tx.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 1"))
                await put(elsewhere)
                await tx.execute(sa.text("SELECT 1"))

        with pytest.raises(StoreError):
            await idle()
        assert await count(elsewhere) == 1


async def test_no_limit_cuts_a_migration_off(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot that finds another one migrating waits for it, longer than for any other lock."""
    monkeypatch.setitem(LIMITS_MS, "lock_timeout", 1)
    url = new_database()
    engine = create_async_engine(url)
    async with engine.begin() as other:
        await other.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        opened = open_database(url, is_limited=True)
        opening = asyncio.create_task(opened.__aenter__())
        await until_blocked(Database(engine), opening)
        # By now the limit would have passed.
        await other.execute(sa.text("SELECT pg_sleep(0.05)"))
        assert not opening.done()
    await put(await opening)
    await opened.__aexit__(None, None, None)
    await engine.dispose()


async def test_a_newer_bot_migrates_meanwhile(new_database: Callable[[], str]) -> None:
    """A bot that waits while a newer version migrates the database refuses it in words."""
    url = new_database()
    engine = create_async_engine(url)
    async with engine.begin() as other:
        await other.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        opening = asyncio.create_task(open_database(url).__aenter__())
        await until_blocked(Database(engine), opening)
        await other.execute(sa.text("CREATE TABLE alembic_version AS SELECT '9999' AS version_num"))
    with pytest.raises(StoreError, match="a version that is not known"):
        await opening
    await engine.dispose()


async def test_a_migration_that_never_ends(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot that another one keeps from migrating for too long ends, for a service manager to start it again."""
    monkeypatch.setitem(LONG_LIMITS_MS, "lock_timeout", 1)
    url = new_database()
    engine = create_async_engine(url)
    async with engine.begin() as other:
        await other.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        with pytest.raises(StoreAway, match="lock timeout"):
            await open_database(url).__aenter__()
    await engine.dispose()
