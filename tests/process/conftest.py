"""Fixtures of the tests with a real process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.databases import lay_sqlite
from tests.support.process.deployment import Deployment, open_deployment
from tests.support.process.world import ProcessWorld, open_process_world


@pytest_asyncio.fixture
async def own_world() -> AsyncIterator[ProcessWorld]:
    """A bot for one test alone."""
    async with open_process_world() as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_world() -> AsyncIterator[ProcessWorld]:
    """A bot for all tests of a module."""
    async with open_process_world() as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(running_world: ProcessWorld) -> AsyncIterator[ProcessWorld]:
    """The module's bot, whose stand-ins answer as usual again after each test."""
    yield running_world
    running_world.reset()


@pytest_asyncio.fixture
async def deployment(migrated_url: str) -> AsyncIterator[Deployment]:
    """Stand-ins and a database, SQLite and PostgreSQL in turn, for bots that are killed and restarted."""
    async with open_deployment(migrated_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def sqlite_deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    """The same on SQLite alone."""
    async with open_deployment(await lay_sqlite(tmp_path)) as opened:
        yield opened
