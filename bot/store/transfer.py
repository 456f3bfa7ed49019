"""Copies everything from one database to another, of either kind."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import CopyRefused, StoreError
from bot.store.backups import hold, is_file
from bot.store.database import (
    SCHEMA,
    Database,
    ensure_is_known,
    lift_limits,
    open_as_it_is,
    open_database,
    read_schema,
    sqlite_file,
)
from bot.store.files import give_to_owner_of
from bot.store.leases import is_lease_held
from bot.store.tables import leases, metadata

# The lease belongs to the processes on each database.
_TABLES = [table for table in metadata.sorted_tables if table is not leases]
_ROWS_AT_ONCE = 500


async def move(source_url: str, target_url: str) -> dict[str, int]:
    """Copy all tables but the leases to an empty database, in one transaction; the source is left as it is.

    Returns:
        The number of rows of each table.

    Raises:
        CopyRefused: a bot runs, there is nothing to copy, the target is not empty, or something failed on the way.
    """
    with _reporting_failures("the files"), ExitStack() as held:
        _check_files(source_url, target_url)
        for url in (source_url, target_url):
            if file := sqlite_file(url):
                held.enter_context(hold(file))
        await _check_source(source_url)
        await _check_target(target_url)
        async with _open(source_url, "source") as source, _open(target_url, "target") as target:
            with _reporting_failures("copying"):
                rows = await _copy(source, target)
        if file := sqlite_file(target_url):
            give_to_owner_of(file.parent, file)
    return rows


def _check_files(source_url: str, target_url: str) -> None:
    source, target = sqlite_file(source_url), sqlite_file(target_url)
    if source is not None and not is_file(source):
        raise CopyRefused(f"There is no database at {source} yet, so there is nothing to copy.", "Check DATABASE_URL.")
    if source is not None and target is not None and source.resolve() == target.resolve():
        raise CopyRefused("DATABASE_URL leads to this database already.", "Name another database.")


@contextmanager
def _reporting_failures(what: str) -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        raise CopyRefused(f"Nothing was copied, because {what} failed: {error}.", "Fix that, then try again.") from None


@asynccontextmanager
async def _open(url: str, what: str) -> AsyncIterator[Database]:
    with _reporting_failures(f"the {what}"):
        async with open_database(url) as database:
            yield database


async def _tables_of(tx: AsyncConnection) -> set[str]:
    return set(await tx.run_sync(lambda sync: sa.inspect(sync).get_table_names()))


async def _check_source(url: str) -> None:
    """Check the source before it is opened, which would migrate an old schema in place."""
    with _reporting_failures("the source"):
        async with open_as_it_is(url) as source, source.begin() as tx:
            if not await _tables_of(tx) >= {"alembic_version", "messages", "leases"}:
                raise CopyRefused(
                    "DATABASE_URL leads to a database that holds nothing of this bot.", "Check DATABASE_URL."
                )
            _check_schema(await read_schema(source.engine))
            await _check_rest(source, tx)


def _check_schema(schema: str | None) -> None:
    ensure_is_known(schema)
    if schema != SCHEMA:
        raise CopyRefused(
            f"The source is still as an older version of this bot left it (schema {schema}, this one has {SCHEMA}).",
            "Start this version on it once, which brings it up to date, then stop it and try again.",
        )


async def _check_rest(source: Database, tx: AsyncConnection) -> None:
    # A killed bot leaves a lease; on SQLite the file's lock proves that no bot runs.
    if not source.is_sqlite and await is_lease_held(tx):
        raise CopyRefused(
            "The bot is running on the source, or was seconds ago.", "Stop it first, and wait 15 seconds."
        )


async def _check_target(url: str) -> None:
    """Check the target before it is migrated."""
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return
    with _reporting_failures("the target"):
        async with open_as_it_is(url) as target, target.begin() as tx:
            present = await _tables_of(tx) - {"alembic_version"}
            for name in sorted(present):
                # A failed attempt leaves empty tables of this bot.
                if name not in metadata.tables or await _count(tx, metadata.tables[name]):
                    raise CopyRefused(f"The target is not empty: see its table {name}.", "Name an empty database.")


async def _count(tx: AsyncConnection, table: sa.Table) -> int:
    return (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()


async def _copy(source: Database, target: Database) -> dict[str, int]:
    async with source.begin() as read, target.begin() as write:
        await _lock(read)
        await _lock(write)
        await _check_rest(source, read)
        for table in _TABLES:
            await _copy_table(table, read, write)
            if not target.is_sqlite:
                await _reset_sequence(table, write)
        return {table.name: await _compare(table, read, write) for table in _TABLES}


async def _lock(tx: AsyncConnection) -> None:
    """Keep other connections from writing until the transaction ends, so that all tables belong together."""
    if tx.dialect.name == "sqlite":
        await tx.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        await lift_limits(tx)
        await tx.execute(sa.text(f"LOCK TABLE {', '.join(metadata.tables)} IN SHARE ROW EXCLUSIVE MODE"))


async def _copy_table(table: sa.Table, read: AsyncConnection, write: AsyncConnection) -> None:
    async with read.stream(sa.select(table)) as result:
        async for rows in result.mappings().partitions(_ROWS_AT_ONCE):
            await write.execute(table.insert(), [dict(row) for row in rows])


async def _reset_sequence(table: sa.Table, write: AsyncConnection) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    column = table.autoincrement_column
    if column is not None:
        last = sa.func.max(column)
        sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
        await write.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(last, 1), last.is_not(None))))


async def _compare(table: sa.Table, read: AsyncConnection, write: AsyncConnection) -> int:
    there, here = await _count(read, table), await _count(write, table)
    if there != here:
        raise CopyRefused(
            f"Nothing was copied: of {there} rows of {table.name}, {here} arrived.",
            "Stop every program that writes to the target, then try again.",
        )
    return here
