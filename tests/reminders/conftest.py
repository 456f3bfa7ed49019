"""Fixtures for the tests of the reminder engine."""

import asyncio

import pytest

from bot.store.database import open_database
from tests.support.engine.engine import Engine


@pytest.fixture(scope="package", autouse=True)
def _template(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make an empty database once, which each engine copies."""
    Engine.template = tmp_path_factory.mktemp("template") / "bot.db"

    async def make() -> None:
        async with open_database(f"sqlite+aiosqlite:///{Engine.template}"):
            pass

    asyncio.run(make())
