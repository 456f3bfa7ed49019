"""Databases as earlier versions of the bot wrote them.

`tests/data/schema` holds one for each schema before this one. Before a schema is added, the dump of the newest one is
made by letting a bot run for some days, until there is a row in each table: `sqlite3 bot.db .dump`.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.database import MIGRATIONS, sqlite_file
from tests.support.paths import REPOSITORY

DUMPS = sorted((REPOSITORY / "tests" / "data" / "schema").glob("*.sql"))

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Renaming:
    """What one schema renamed: tables, columns, and values by the column's new name; `dropped` by the new table."""

    schema: str
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    dropped: Mapping[str, set[str]] = field(default_factory=dict)

    def apply(self, written: Rows) -> Rows:
        """Return the rows under their new names."""
        return {
            table: [self._row(row, self.dropped.get(table, set())) for row in rows]
            for table, rows in ((self.tables.get(name, name), rows) for name, rows in written.items())
        }

    def _row(self, row: Mapping[str, Any], dropped: set[str]) -> dict[str, Any]:
        kept = {self.columns.get(name, name): value for name, value in row.items() if name not in dropped}
        return {name: self.values.get(name, {}).get(value, value) for name, value in kept.items()}


RENAMINGS = (
    Renaming(
        "0004",
        tables={
            "tokens": "logins",
            "troubles": "incidents",
            "watches": "subscriptions",
            "deliveries": "notifications",
            "targets": "channel_failures",
            "claims": "assignments",
        },
        columns={
            "anchor": "first_expires_at",
            "before_id": "previous_id",
            "token_id": "login_id",
            "bad_passes": "bad_polls",
            "episode": "number",
            "days": "lead_times",
            "look_at": "next_check_at",
            "step": "stage",
            "first_try_at": "first_attempt_at",
            "next_try_at": "next_attempt_at",
            "is_told": "is_reported",
            "claimed_at": "assigned_at",
            "passed_at": "polled_at",
            "audited_at": "channels_checked_at",
        },
        values={
            "kind": {"step": "stage", "gone": "missing", "blind": "unreadable"},
            "state": {"covered": "superseded"},
            "account_id": {"": None},
            "payload": {"": None},
            "name": {"passes": "poll"},
        },
        dropped={
            "subscriptions": {"role_name", "added_at"},
            "messages": {"epoch", "next_try_at", "attempts"},
            # It became a kind.
            "channel_failures": {"is_board"},
        },
    ),
    Renaming("0005", dropped={"logins": {"first_expires_at"}, "subscriptions": {"next_check_at"}}),
    Renaming("0006", dropped={"subscriptions": {"channel_name"}}),
)


def in_this_schema(written: Rows, schema: str) -> Rows:
    """Return the rows of an earlier schema under today's names; boards, which 0004 made anew, as they were."""
    for renaming in RENAMINGS:
        if schema < renaming.schema:
            written = renaming.apply(written)
    return written


def load_dump(dump: Path, file: Path) -> Rows:
    """Make the SQLite file of a dump; return all rows in it, by table."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as opened:
        opened.executescript(dump.read_text(encoding="utf-8"))
        opened.row_factory = sqlite3.Row
        tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [dict(row) for row in opened.execute(f"SELECT * FROM {table}")] for table in tables}  # noqa: S608


async def lay_dump(dump: Path, url: str, tmp_path: Path) -> Rows:
    """Make a database of either kind as an old version left it; return all rows in it, by table."""
    file = sqlite_file(url)
    written = load_dump(dump, file or tmp_path / "source.db")
    if file is None:
        await lay_rows(written, dump.stem, url)
    return written


async def lay_rows(written: Rows, schema: str, url: str) -> None:
    """Make a database of either kind, of this schema and with these rows."""

    def fill(connection: sa.Connection) -> None:
        there = _lay_schema(connection, schema)
        for table in there.sorted_tables:
            booleans = {column.name for column in table.c if isinstance(column.type, sa.Boolean)}
            rows = [
                {name: bool(value) if name in booleans else value for name, value in row.items()}
                for row in written.get(table.name, ())
            ]
            if rows and table.name != "alembic_version":
                connection.execute(table.insert(), rows)
        if connection.dialect.name == "postgresql":
            sequences = [f"setval('{table.name}_id_seq', 1000)" for table in there.sorted_tables if "id" in table.c]
            connection.exec_driver_sql(f"SELECT {', '.join(sequences)}")

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    await engine.dispose()


@dataclass
class _Laid:
    """What made an empty database of a schema, and its tables."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    tables: sa.MetaData = field(default_factory=sa.MetaData)


_laid: dict[tuple[str, str], _Laid] = {}


def _lay_schema(connection: sa.Connection, schema: str) -> sa.MetaData:
    """Migrate an empty database, from the second time on with the statements of the first; returns its tables."""
    key = connection.dialect.name, schema
    if known := _laid.get(key):
        for statement, parameters in known.statements:
            connection.exec_driver_sql(statement, parameters)
        return known.tables
    laid = _Laid()

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: object) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA")):
            laid.statements.append((statement, parameters or None))

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    sa.event.listen(connection, "before_cursor_execute", record)
    command.upgrade(config, schema)
    sa.event.remove(connection, "before_cursor_execute", record)
    laid.tables.reflect(connection)
    _laid[key] = laid
    return laid.tables
