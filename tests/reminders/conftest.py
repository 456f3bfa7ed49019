"""Fixtures of the tests of the engine."""

import asyncio

import pytest

from bot.store.database import open_database
from tests.reminders.test_machine import Reminders


@pytest.fixture(scope="package", autouse=True)
def _template(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An empty database, made once."""
    Reminders.template = tmp_path_factory.mktemp("template") / "bot.db"

    async def make() -> None:
        async with open_database(f"sqlite+aiosqlite:///{Reminders.template}"):
            pass

    asyncio.run(make())
