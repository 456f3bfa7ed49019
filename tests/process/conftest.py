"""Fixtures of the tests with a real process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.process.scene import Reminding, open_reminding
from tests.support.process.stage import Stage, open_stage


@pytest_asyncio.fixture
async def own_stage() -> AsyncIterator[Stage]:
    """A bot for one test alone."""
    async with open_stage() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_stage() -> AsyncIterator[Stage]:
    """A bot for all tests of a module."""
    async with open_stage() as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def stage(running_stage: Stage) -> AsyncIterator[Stage]:
    """The module's bot; its stand-ins forget after each test how they were told to behave."""
    yield running_stage
    running_stage.reset()


@pytest_asyncio.fixture
async def reminding(database_url: str) -> AsyncIterator[Reminding]:
    """Stand-ins and a database, for bots that come and go."""
    async with open_reminding(database_url) as scene:
        yield scene


@pytest_asyncio.fixture
async def sqlite_reminding(tmp_path: Path) -> AsyncIterator[Reminding]:
    """The same on SQLite alone."""
    async with open_reminding(f"sqlite+aiosqlite:///{tmp_path}/bot.db") as scene:
        yield scene
