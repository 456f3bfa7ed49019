"""Fixtures for the tests on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database, open_database


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """Open a database of each kind, with the newest schema and without rows."""
    async with open_database(migrated_url) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a SQLite database may come to be."""
    return tmp_path / "data" / "bot.db"


@pytest.fixture
def file_url(file: Path) -> str:
    """Return that database's address."""
    return f"sqlite+aiosqlite:///{file}"
