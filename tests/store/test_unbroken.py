"""A cancellation breaks no transaction on SQLite."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.database import Database, open_database, sqlite_file
from bot.store.tables import leases
from tests.support.databases import lay_sqlite


async def _insert(database: Database, name: str, begun: asyncio.Event) -> None:
    async with database.begin() as tx:
        await tx.execute(sa.select(leases))
        begun.set()
        await tx.execute(leases.insert().values(name=name, owner="", epoch=1, until=0))


async def test_cancelled_amid_a_statement(tmp_path: Path) -> None:
    """Work that is cancelled twice amid a statement waits for its end, is rolled back, and leaves no lock behind."""
    url, begun = await lay_sqlite(tmp_path), asyncio.Event()
    file = sqlite_file(url)
    assert file is not None
    async with open_database(url) as database:
        with closing(sqlite3.connect(file)) as other:
            other.execute("BEGIN IMMEDIATE")
            working = asyncio.create_task(_insert(database, "cancelled", begun))
            await begun.wait()
            for _ in range(2):
                working.cancel()
                await asyncio.wait({working}, timeout=0.05)
            assert not working.done()
            other.rollback()
            with pytest.raises(asyncio.CancelledError):
                await working
        await database.finish()
        # Without a wait for the lock.
        async with open_database(url, busy_seconds=0) as another:
            await _insert(another, "done", asyncio.Event())
        async with database.begin() as tx:
            assert (await tx.execute(sa.select(leases.c.name))).scalars().all() == ["done"]


async def test_failure_amid_a_cancellation(tmp_path: Path) -> None:
    """Of a statement that fails after its cancellation, only the cancellation is left."""
    url, begun = await lay_sqlite(tmp_path), asyncio.Event()
    file = sqlite_file(url)
    assert file is not None
    async with open_database(url, busy_seconds=0.2) as database:
        with closing(sqlite3.connect(file)) as other:
            other.execute("BEGIN IMMEDIATE")
            working = asyncio.create_task(_insert(database, "locked out", begun))
            await begun.wait()
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
