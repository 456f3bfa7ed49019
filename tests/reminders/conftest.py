"""Fixtures for the tests of the reminder engine."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from bot.store.database import open_database
from tests.support.engine.engine import Engine
from tests.support.logged import Errors


@pytest.fixture(scope="package", autouse=True)
def _template(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make an empty database once, which each engine copies."""
    Engine.template = tmp_path_factory.mktemp("template") / "bot.db"

    async def make() -> None:
        async with open_database(f"sqlite+aiosqlite:///{Engine.template}"):
            pass

    asyncio.run(make())


@pytest.fixture
def no_errors() -> Iterator[None]:
    """Expect that no poll logs an error."""
    errors = Errors()
    logging.getLogger("bot").addHandler(errors)
    yield
    logging.getLogger("bot").removeHandler(errors)
    assert errors.messages == []
