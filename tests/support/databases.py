"""Databases of the newest schema without rows: migrated once, then copied (SQLite) or emptied (PostgreSQL)."""

from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.database import open_database
from bot.store.tables import metadata
from tests.support.postgres import Postgres

_EMPTY = f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)} RESTART IDENTITY CASCADE"
_made: list[bytes] = []


async def _migrate(url: str) -> None:
    async with open_database(url):
        pass


async def lay_sqlite(folder: Path) -> str:
    """Put a SQLite database into the folder; returns its address."""
    file = folder / "bot.db"
    url = f"sqlite+aiosqlite:///{file}"
    if not _made:
        await _migrate(url)
        _made.append(file.read_bytes())
    file.touch(mode=0o600)
    file.write_bytes(_made[0])
    return url


async def take_postgres(server: Postgres) -> str:
    """Return the address of a database on the server."""
    if server.spare:
        return server.spare.pop()
    url = server.create()
    await _migrate(url)
    return url


async def give_back(server: Postgres, url: str) -> None:
    """Empty a database for the next test; one that can't be emptied is not used again."""
    engine = create_async_engine(url)
    with suppress(SQLAlchemyError, OSError):
        async with engine.begin() as connection:
            await connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
            await connection.execute(sa.text(_EMPTY))
        server.spare.append(url)
    await engine.dispose()
