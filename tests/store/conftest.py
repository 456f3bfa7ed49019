"""Fixtures for the tests on both databases."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.store.database import Database, open_database
from tests.process.reminding import serve_postgres


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[Callable[[], str]]:
    """Makes databases on one PostgreSQL server; returns their addresses."""
    with serve_postgres() as create:
        yield create


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    create: Callable[[], str] = request.getfixturevalue("new_postgres")
    return create()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Open an empty database of each kind."""
    async with open_database(url) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a SQLite database may come to be."""
    return tmp_path / "data" / "bot.db"


@pytest.fixture
def file_url(file: Path) -> str:
    """Return that database's address."""
    return f"sqlite+aiosqlite:///{file}"
