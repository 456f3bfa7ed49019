"""Lets one transaction wait for another."""

import asyncio

import sqlalchemy as sa

from bot.store.database import Database
from tests.support.wire.journal import PATIENCE

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def until_blocked(database: Database, task: asyncio.Task[object]) -> None:
    """Return once a connection waits for a lock of PostgreSQL, or the task is done because nothing stopped it."""
    async with asyncio.timeout(PATIENCE), database.engine.connect() as observer:
        while not task.done():
            waiting = (await observer.execute(sa.text(_WAITING))).scalar_one()
            await observer.rollback()
            if waiting:
                return
