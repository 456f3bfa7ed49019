"""PostgreSQL ends connections of the bot at any moment, and each of 500 notifications arrives, and only once."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.core.notifications import Kind, State
from bot.errors import StoreError
from bot.store.database import Database, open_database
from bot.store.statistics import get_statistics
from bot.store.subscriptions import put_subscription
from tests.support.databases import give_back, take_postgres
from tests.support.engine.polls import Polls, open_polls
from tests.support.postgres import Postgres
from tests.support.store.samples import DAY, GUILD, NOW, account, new_subscription

CHANNELS = range(1_001, 1_051)
ACCOUNTS = [str(number) for number in range(10)]
# A poll that sends everything makes about 700 statements, one that finds nothing to send about 50.
STATEMENTS_APART = 80
ENDED = 25
PATIENCE = 60.0
_OTHERS = sa.text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend' ORDER BY pid"
)
_END = sa.text("SELECT pg_terminate_backend(:pid)")


class Terminator:
    """Ends one connection of a database after each few statements; `ended` is how many so far."""

    def __init__(self, database: Database, seed: int) -> None:
        self.ended = 0
        self._random = random.Random(seed)
        self._left = self._random.randint(1, STATEMENTS_APART)
        self._is_due = asyncio.Event()
        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_execution: object) -> None:
        self._left -= 1
        if self._left <= 0:
            self._left = self._random.randint(1, STATEMENTS_APART)
            self._is_due.set()

    async def run(self, own: AsyncConnection) -> None:
        """End connections until cancelled, all but the given one."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            if pids := (await own.execute(_OTHERS)).scalars().all():
                await own.execute(_END, {"pid": self._random.choice(pids)})
                self.ended += 1


async def poll_under_fire(polls: Polls, url: str, database: Database, seed: int) -> None:
    """Poll while connections are ended, until that was often enough."""
    terminator = Terminator(database, seed)
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as own:
        running = asyncio.create_task(terminator.run(own))
        while terminator.ended < ENDED:
            with suppress(StoreError):
                await polls.run()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await engine.dispose()


async def count(database: Database) -> Mapping[str, int]:
    """Return how many notifications are in each state."""
    async with database.begin() as tx:
        found = (await get_statistics(tx, [GUILD], NOW)).notifications
    return {state: number for state, number in found.items() if number}


@pytest.mark.usefixtures("no_errors")
@pytest.mark.parametrize("seed", range(5))
async def test_each_notification_arrives_once(postgres: Postgres, seed: int) -> None:
    """However many connections end, and whatever the bot was doing on them, nothing is lost and nothing doubled."""
    url = await take_postgres(postgres)
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        stack.push_async_callback(give_back, postgres, url)
        database = await stack.enter_async_context(open_database(url))
        async with database.begin() as tx:
            for channel_id in CHANNELS:
                await put_subscription(tx, new_subscription(None, channel_id))
        polls = await stack.enter_async_context(open_polls(database, GUILD, CHANNELS, NOW))
        polls.show(account(one, expires_at=NOW + 6 * DAY) for one in ACCOUNTS)
        await poll_under_fire(polls, url, database, seed)
        with suppress(StoreError):
            # It finds the connections that were ended last.
            await polls.run()
        while (await count(database)).keys() - {State.SENT}:
            await polls.run()
        expected = [(channel_id, one, Kind.STAGE, 7) for channel_id in CHANNELS for one in ACCOUNTS]
        assert Counter(polls.said) == Counter(expected)
        assert await count(database) == {State.SENT: 500}
