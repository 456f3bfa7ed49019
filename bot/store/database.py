"""Opens the database, SQLite or PostgreSQL, migrated to the schema of this version."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.config import is_open_to_others
from bot.errors import StoreAway, StoreError

_LOG = logging.getLogger(__name__)

# The newest migration; Alembic is imported only if the database has another schema.
SCHEMA = "0004"
BUSY_SECONDS = 5.0
# What PostgreSQL cuts off, so that a process that is suspended or out of reach blocks no other one. A transaction may
# be idle for a third of a lease: it has ended before another process can take the lease.
LIMITS_MS = {"idle_in_transaction_session_timeout": 5_000, "lock_timeout": 5_000, "statement_timeout": 10_000}
# Any number that other programs in the same database don't use.
MIGRATION_LOCK = 0x6D_69_6E_69_6D_61_78
MIGRATIONS = Path(__file__).parent / "migrations"


def _always() -> None:
    """Allow every transaction."""


class Database:
    """Opens transactions; every failure of the database becomes a StoreError.

    `ensure_allowed` is called before a transaction begins and before it is committed, and may raise a StoreError.
    """

    def __init__(self, engine: AsyncEngine, *, ensure_allowed: Callable[[], None] = _always) -> None:
        self.engine = engine
        self._ensure_allowed = ensure_allowed
        self._running = 0
        self._is_idle = asyncio.Event()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, committed at the end of the block, rolled back if it raises.

        Raises:
            StoreError: the database is locked, full, or out of reach, or the transaction is not allowed any more.
        """
        self._ensure_allowed()
        self._running += 1
        self._is_idle.clear()
        try:
            async with self.engine.begin() as connection:
                yield connection
                self._ensure_allowed()
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(
                f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else 'no reason given'}"
            ) from None
        finally:
            self._running -= 1
            if not self._running:
                self._is_idle.set()

    async def finish(self) -> None:
        """Wait until no transaction that was begun here is running."""
        if self._running:
            await self._is_idle.wait()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file on this machine."""
        return self.engine.dialect.name == "sqlite"


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # the driver's own connection
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def _prepare_postgresql(engine: AsyncEngine) -> None:
    text = "; ".join(f"SET {name} = {milliseconds}" for name, milliseconds in LIMITS_MS.items())

    @event.listens_for(engine.sync_engine, "connect")
    def set_limits(connection: Any, _record: object) -> None:
        # By the driver's own connection, which begins no transaction that a rollback would take back. Not as options
        # of the connection, which PgBouncer refuses.
        connection.run_async(lambda driver: driver.execute(text))


async def lift_limits(tx: AsyncConnection) -> None:
    """Let a transaction take as long as it needs: a migration, or a copy of everything."""
    if tx.dialect.name == "postgresql":
        await tx.run_sync(_lift_limits)


def _lift_limits(connection: sa.Connection) -> None:
    for name in LIMITS_MS:
        connection.exec_driver_sql(f"SET LOCAL {name} = 0")


def sqlite_file(url: str) -> Path | None:
    """Return the file behind a SQLite URL, None for another database."""
    parts = make_url(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def _create_private(file: Path) -> None:
    """Create the file if it is missing; warn if other users can read an existing one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    if is_open_to_others(file):
        _LOG.warning("%s can be read by others on this machine. Run: chmod 600 %s*", file, file)


async def read_schema(engine: AsyncEngine) -> str | None:
    """Return the schema of a database, None if it has no tables of this bot."""
    async with engine.connect() as connection:
        has_version = await connection.run_sync(lambda sync: sa.inspect(sync).has_table("alembic_version"))
        if not has_version:
            return None
        return (await connection.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar()


def known_schemas() -> set[str]:
    """Return the schemas that this version can use or migrate."""
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        _lift_limits(connection)
        # Two bots may start at once; the second one finds the work done.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    else:
        # Python's driver begins no transaction for CREATE TABLE: a crash would leave half a schema.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"it was written by another program, or by a version that is not known ({error})") from None


def _copy(file: Path, copy: Path) -> None:
    """Copy a SQLite database with the changes in its write-ahead log."""
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


async def _migrate(engine: AsyncEngine, file: Path | None) -> None:
    present = await read_schema(engine)
    if present == SCHEMA:
        return
    if present is not None and present > SCHEMA:
        raise StoreError(
            f"it was written by a newer version of this bot (schema {present}, this one knows {SCHEMA}): "
            "run that version, or restore a backup"
        )
    if present is not None and file is not None:
        copy = file.with_suffix(f".before-{SCHEMA}.db")
        await asyncio.to_thread(_copy, file, copy)
        _LOG.info("Kept a copy of the database as it was: %s", copy)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    _LOG.info("The database has schema %s now", SCHEMA)


@asynccontextmanager
async def open_as_it_is(url: str) -> AsyncIterator[Database]:
    """Open a database to inspect it, neither created nor migrated; closed at the end.

    Raises:
        StoreError: it can't be opened.
    """
    engine = create_async_engine(url)
    try:
        async with engine.connect():
            pass
        yield Database(engine)
    except (SQLAlchemyError, OSError, TypeError) as error:
        raise _opening_error(error, is_file=sqlite_file(url) is not None) from None
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_database(
    url: str, *, busy_seconds: float = BUSY_SECONDS, is_limited: bool = False
) -> AsyncIterator[Database]:
    """Open, and if needed create or migrate, the database; closed at the end.

    A SQLite file that another program has locked is waited for `busy_seconds`. With `is_limited`, PostgreSQL cuts off
    what takes too long: idle transactions, statements, waits for locks.

    Raises:
        StoreError: it can't be opened, or was written by a newer version.
    """
    engine = await _open_engine(url, busy_seconds, is_limited=is_limited)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


def _opening_error(error: Exception, *, is_file: bool) -> StoreError:
    cause = getattr(error, "orig", None) or error
    # SQLSTATE classes: no connection, too many connections, and a server that starts or stops.
    state = str(getattr(cause, "sqlstate", ""))
    is_away = not is_file and (isinstance(cause, OSError) or state.startswith(("08", "53", "57")))
    return (StoreAway if is_away else StoreError)(f"it can't be opened ({type(cause).__name__}: {cause})")


async def _open_engine(url: str, busy_seconds: float, *, is_limited: bool) -> AsyncEngine:
    file = sqlite_file(url)
    engine = create_async_engine(url, connect_args={"timeout": busy_seconds} if file else {})
    try:
        if file is not None:
            _create_private(file)
            _prepare_sqlite(engine)
            _LOG.info("Reminders are kept in %s", file)
        elif is_limited:
            _prepare_postgresql(engine)
        await _migrate(engine, file)
    except (SQLAlchemyError, sqlite3.Error, OSError, TypeError) as error:  # TypeError: an option the driver lacks
        await engine.dispose()
        raise _opening_error(error, is_file=file is not None) from None
    except StoreError:
        await engine.dispose()
        raise
    return engine
