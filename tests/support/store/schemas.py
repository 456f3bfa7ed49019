"""Databases as earlier versions of the bot wrote them.

`tests/data/schema` holds one for each schema before this one. Before a schema is added, the dump of the newest one is
made by letting a bot run for some days, until there is a row in each table: `sqlite3 bot.db .dump`.
"""

import sqlite3
from contextlib import closing
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
        await _copy(written, dump.stem, url)
    return written


async def _copy(written: Rows, schema: str, url: str) -> None:
    """Put the same rows into a PostgreSQL database of the same schema."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    def fill(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, schema)
        there = sa.MetaData()
        there.reflect(connection)
        for table in there.sorted_tables:
            booleans = {column.name for column in table.c if isinstance(column.type, sa.Boolean)}
            rows = [
                {name: bool(value) if name in booleans else value for name, value in row.items()}
                for row in written[table.name]
            ]
            if rows and table.name != "alembic_version":
                connection.execute(table.insert(), rows)
            if "id" in table.c:
                connection.exec_driver_sql(f"SELECT setval('{table.name}_id_seq', 1000)")

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    await engine.dispose()
