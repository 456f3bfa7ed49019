"""Opens the database, SQLite or PostgreSQL, migrated to the schema of this version."""

import asyncio
import logging
import os
import sqlite3
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.config import is_open_to_others
from bot.core.tls import UNTRUSTED, find_tls_failure
from bot.errors import StoreAway, StoreError
from bot.store.files import PRIVATE, make_folder, open_draft, open_file, remove_drafts, sync
from bot.store.tables import metadata
from bot.store.unbroken import begin_unbroken

_LOG = logging.getLogger(__name__)

# The newest migration; Alembic is imported only if the database has another schema.
SCHEMA = "0007"

# All waits for the database. A command that meets the worst of them is still answered within 15 seconds.
#
# Another program may hold a SQLite file that long.
BUSY_SECONDS = 5.0
# What PostgreSQL cuts off, so that a process that is suspended or out of reach blocks no other one. A transaction may
# be idle for a third of a lease: it has ended before another process can take the lease.
LIMITS_MS = {"idle_in_transaction_session_timeout": 5_000, "lock_timeout": 5_000, "statement_timeout": 10_000}
# For a migration, or a copy of everything: an hour for a statement, a minute for a suspended process.
LONG_LIMITS_MS = {
    "idle_in_transaction_session_timeout": 60_000,
    "lock_timeout": 60_000,
    "statement_timeout": 3_600_000,
}
LONG_STATEMENT_SECONDS = 3_660.0
# For a connection of the pool, when all are in use: longer than any usual transaction.
POOL_SECONDS = 5.0
# For a new connection: one SYN may be lost, and TLS and the password take several round trips.
CONNECT_SECONDS = 4.0
# For the begin of a transaction, which waits for no lock. A forgotten connection costs these 2 seconds: less than
# half of the time that a renewal of the lease has.
BEGIN_SECONDS = 2.0
# For a statement: longer than PostgreSQL's own limit for locks, so that its words arrive.
STATEMENT_SECONDS = 8.0
# For the end of a connection, whose last statement may have to be cancelled.
GOODBYE_SECONDS = 1.0
# For the health check: a little longer than SQLite waits for a lock, so that it reports by itself what is wrong.
LOOK_SECONDS = 6.0
# For the system: it finds a peer that is gone within 90 seconds, also where no other limit holds. Known NATs allow
# more than 60 seconds of silence. The last option is about what was sent and never confirmed, in milliseconds.
TCP_OPTIONS = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}
# For giving up the lease: part of the ten seconds of a stop.
RELEASE_SECONDS = 1.0
# Any number that other programs in the same database don't use.
MIGRATION_LOCK = 0x6D_69_6E_69_6D_61_78
MIGRATIONS = Path(__file__).parent / "migrations"
# PostgreSQL's clients read this instead of SSL_CERT_FILE.
_TRUST_ADVICE = "Set PGSSLROOTCERT in the bot's environment to a file with the certificate of its authority."
_SILENT = ((TimeoutError, "no answer in time"), (ConnectionError, "the server broke the connection off"))


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
            async with _begin(self.engine) as connection:
                yield connection
                self._ensure_allowed()
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(_say(getattr(error, "orig", None) or error)) from None
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


def _begin(engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncConnection]:
    return begin_unbroken(engine) if engine.dialect.name == "sqlite" else engine.begin()


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # the driver's own connection
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def _create_postgresql_engine(url: str, *, is_limited: bool) -> AsyncEngine:
    # Loads the driver.
    from bot.store import postgresql

    # In transaction mode, PgBouncer would lend what is set for a session to other transactions. As options of the
    # connection it refuses them.
    limits = LIMITS_MS if is_limited else {}
    begin = "; ".join(["BEGIN", *(f"SET LOCAL {name} = {milliseconds}" for name, milliseconds in limits.items())])
    waits = postgresql.Waits(
        connect=CONNECT_SECONDS,
        begin=BEGIN_SECONDS,
        statement=STATEMENT_SECONDS if is_limited else LONG_STATEMENT_SECONDS,
        goodbye=GOODBYE_SECONDS,
        tcp=TCP_OPTIONS,
    )
    return postgresql.create_engine(url, waits, begin, pool_seconds=POOL_SECONDS)


async def lift_limits(tx: AsyncConnection) -> None:
    """Let a transaction take long: a migration, or a copy of everything."""
    if tx.dialect.name == "postgresql":
        await tx.run_sync(_lift_limits)


def _lift_limits(connection: sa.Connection) -> None:
    for name, milliseconds in LONG_LIMITS_MS.items():
        connection.exec_driver_sql(f"SET LOCAL {name} = {milliseconds}")


def sqlite_file(url: str) -> Path | None:
    """Return the file behind a SQLite URL, None for another database."""
    parts = make_url(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def _create_private(file: Path) -> None:
    """Create the file if it is missing; warn if other users can read an existing one."""
    make_folder(file.parent)
    remove_drafts(file.resolve().parent)
    os.close(open_file(file.resolve(), PRIVATE))
    if is_open_to_others(file):
        _LOG.warning("%s can be read by others on this machine. Run: chmod 600 %s*", file, file)


async def read_schema(engine: AsyncEngine) -> str | None:
    """Return the schema of a database, None if the bot can create its tables in it.

    Raises:
        StoreError: it holds tables without a schema: a file of another program, or tables with the bot's names.
    """
    async with engine.connect() as connection:
        tables = set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))
        if "alembic_version" in tables:
            found = await connection.execute(sa.text("SELECT version_num FROM alembic_version"))
            version: str | None = found.scalar()
            if version is not None:
                return version
            tables.remove("alembic_version")
    # Another program may keep other tables on the same PostgreSQL server.
    foreign = tables if engine.dialect.name == "sqlite" else tables & metadata.tables.keys()
    if foreign:
        raise StoreError(f"another program has made tables in it, such as {min(foreign)}. Name another database")
    return None


def known_schemas() -> set[str]:
    """Return the schemas that this version can use or migrate."""
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def lay_schema(file: Path, schema: str) -> None:
    """Make the tables of a schema that this version knows in an empty SQLite file."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(file)))
    try:
        with engine.begin() as connection:
            _upgrade(connection, schema)
    finally:
        engine.dispose()


def _upgrade(connection: sa.Connection, schema: str = "head") -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    # Alembic's parser reads a % as the begin of a reference.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        _lift_limits(connection)
        # Two bots may start at once; the second one finds the work done.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    else:
        # Python's driver begins no transaction for CREATE TABLE: a crash would leave half a schema.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        command.upgrade(config, schema)
    except CommandError as error:
        # Another bot has migrated it meanwhile.
        raise StoreError(f"it was written by another program, or by a version that is not known ({error})") from None


def _copy(file: Path, copy: Path) -> None:
    """Copy a SQLite database with the changes in its write-ahead log: all of it, or nothing."""
    with open_draft(file.parent) as draft:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft.file)) as target:
            source.backup(target)
        sync(draft.file)
        draft.move_to(copy)
        sync(copy.parent)


def ensure_is_known(schema: str | None) -> None:
    """Check that this version can use a schema, migrate it, or create one (None).

    Raises:
        StoreError: it can't.
    """
    if schema is None or schema == SCHEMA or schema in known_schemas():
        return
    if schema.isdigit() and schema > SCHEMA:
        raise StoreError(
            f"it was written by a newer version of this bot (schema {schema}, this one knows {SCHEMA}): "
            "run that version, or restore a backup"
        )
    raise StoreError(f"it was written by another program, or by a version that is not known (schema {schema})")


async def _migrate(engine: AsyncEngine, url: str) -> None:
    file = sqlite_file(url)
    present = await read_schema(engine)
    if present == SCHEMA:
        return
    ensure_is_known(present)
    if present is not None and file is not None:
        copy = file.with_suffix(f".before-{SCHEMA}.db")
        await asyncio.to_thread(_copy, file, copy)
        _LOG.info("Kept a copy of the database as it was: %s", copy)
    if file is not None:
        await _upgrade_on(engine)
    else:
        # A migration may take longer than any other statement, or wait for that of another bot.
        unlimited = _create_postgresql_engine(url, is_limited=False)
        try:
            await _upgrade_on(unlimited)
        finally:
            await unlimited.dispose()
    if present is None:
        _LOG.info("Created the database")
    else:
        _LOG.info("Migrated the database from schema %s to %s", present, SCHEMA)


async def _upgrade_on(engine: AsyncEngine) -> None:
    async with _begin(engine) as connection:
        await connection.run_sync(_upgrade)


async def find_schema(url: str) -> str | None:
    """Return the schema of a database that is neither created nor migrated, None if the first start has to create it.

    Raises:
        StoreError: it can't be opened, created or written, or has a schema that this version does not know.
    """
    file = sqlite_file(url)
    try:
        if file is not None and not _is_there(file):
            return None
    except OSError as error:
        raise _opening_error(error, is_file=True) from None
    async with open_as_it_is(url) as database:
        schema = await read_schema(database.engine)
        if file is None:
            await _ensure_writable(database.engine, is_new=schema is None)
    ensure_is_known(schema)
    return schema


async def _ensure_writable(engine: AsyncEngine, *, is_new: bool) -> None:
    """Ask PostgreSQL whether the bot can write a database, and can create its tables if they are missing.

    Raises:
        StoreError: it can't.
    """
    may_create = sa.func.coalesce(sa.func.has_schema_privilege(sa.func.current_schema(), "CREATE"), sa.false())
    async with engine.connect() as connection:
        row = (await connection.execute(sa.select(sa.func.current_setting("transaction_read_only"), may_create))).one()
    if row[0] == "on":
        raise StoreError("it is read-only: use its primary server, and a user who may write")
    if is_new and not row[1]:
        raise StoreError("its user may not create tables in it: make the user its owner")


def _is_there(file: Path) -> bool:
    """Whether a file exists, which the bot can write; False if the bot can create it.

    Raises:
        OSError: it can do neither.
    """
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder")
    nearest = next(one for one in (file, *file.absolute().parents) if one.exists())
    if nearest != file and not nearest.is_dir():
        raise NotADirectoryError(f"{nearest} is no folder")
    if not os.access(nearest, os.W_OK):
        raise PermissionError(f"{nearest} can't be written")
    return nearest == file


@asynccontextmanager
async def open_as_it_is(url: str) -> AsyncIterator[Database]:
    """Open a database to inspect it, neither created nor migrated; closed at the end.

    Raises:
        StoreError: it can't be opened.
    """
    is_file = sqlite_file(url) is not None
    engine = create_async_engine(url) if is_file else _create_postgresql_engine(url, is_limited=True)
    try:
        async with engine.connect():
            pass
        yield Database(engine)
    except (SQLAlchemyError, OSError, TypeError) as error:
        raise _opening_error(error, is_file=is_file) from None
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
        StoreError: it can't be opened, or has a schema that this version does not know.
    """
    engine = await _open_engine(url, busy_seconds, is_limited=is_limited)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


def _say(cause: BaseException) -> str:
    """Return the first line of what a driver or the system says, or the cause and the advice if TLS failed."""
    if failure := find_tls_failure(cause):
        advice = _TRUST_ADVICE if failure is UNTRUSTED else failure.advice
        return f"{failure.say('the server')}. {advice}".removesuffix(".")
    if isinstance(cause, ssl.SSLError) or "root certificate" in str(cause):
        return f"the certificate to check the server with can't be read. {_TRUST_ADVICE}".removesuffix(".")
    silence = next((words for kind, words in _SILENT if isinstance(cause, kind)), "no reason given")
    return f"{type(cause).__name__}: {(str(cause) or silence).splitlines()[0]}"


def _opening_error(error: Exception, *, is_file: bool) -> StoreError:
    cause = getattr(error, "orig", None) or error
    # SQLSTATE classes: no connection, too many connections, a lock that others hold, a server that starts or stops.
    state = str(getattr(cause, "sqlstate", ""))
    is_away = not is_file and (isinstance(cause, OSError) or state.startswith(("08", "53", "55", "57")))
    found = (StoreAway if is_away else StoreError)(f"it can't be opened ({_say(cause)})")
    if not is_file:
        found.operator_advice = "Check DATABASE_URL, PGPASSWORD, and that the server runs."
    return found


async def _open_engine(url: str, busy_seconds: float, *, is_limited: bool) -> AsyncEngine:
    file = sqlite_file(url)
    if file is None:
        engine = _create_postgresql_engine(url, is_limited=is_limited)
    else:
        engine = create_async_engine(url, connect_args={"timeout": busy_seconds})
    try:
        if file is not None:
            _create_private(file)
            _prepare_sqlite(engine)
            _LOG.info("Reminders are kept in %s", file)
        await _migrate(engine, url)
    except (SQLAlchemyError, sqlite3.Error, OSError, TypeError) as error:  # TypeError: an option the driver lacks
        await engine.dispose()
        raise _opening_error(error, is_file=file is not None) from None
    except BaseException:
        await engine.dispose()
        raise
    return engine
