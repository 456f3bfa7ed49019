"""Two subscriptions are added at the same moment."""

import asyncio
from dataclasses import replace

import sqlalchemy as sa

from bot.core.subscriptions import Subscription
from bot.store.database import Database
from bot.store.subscriptions import get_subscriptions, put_subscription
from tests.support.store.samples import CHANNEL, GUILD, new_subscription
from tests.support.store.waiting import until_blocked
from tests.support.wire.journal import PATIENCE


async def until_written(database: Database) -> None:
    """Return once the next transaction that changes subscriptions is about to write."""
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    def see(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith(("INSERT INTO subscriptions", "UPDATE subscriptions")):
            loop.call_soon_threadsafe(begun.set)

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", see)
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
    sa.event.remove(database.engine.sync_engine, "before_cursor_execute", see)


async def put_and_count(database: Database, channel_id: int) -> tuple[Subscription, Subscription | None, int]:
    """Save a subscription; return it, the one it replaced, and how many the guild has then."""
    async with database.begin() as tx:
        new = replace(new_subscription(channel_id=channel_id), lead_times=(3,))
        stored, replaced = await put_subscription(tx, new)
        return stored, replaced, len(await get_subscriptions(tx, GUILD))


async def put_during(
    database: Database, channel_id: int
) -> tuple[Subscription, tuple[Subscription, Subscription | None, int]]:
    """Save a subscription while the transaction that saves another one is running; return that one, and the result."""
    async with database.begin() as tx:
        first, _ = await put_subscription(tx, new_subscription())
        second = asyncio.create_task(put_and_count(database, channel_id))
        # SQLite does not show who waits; as it allows one writer, a connection that begins to write waits.
        await (until_written(database) if database.is_sqlite else until_blocked(database, second))
    return first, await second


async def test_the_same_subscription_twice_at_once(database: Database) -> None:
    """Two people who add the same one at the same moment both succeed: it is one, as the later one asked."""
    first, (stored, _, count) = await put_during(database, CHANNEL)
    assert (stored.id, stored.lead_times, count) == (first.id, (3,), 1)


async def test_the_later_of_two_counts_the_earlier(database: Database) -> None:
    """A person who adds one while another is being added counts that one too, so that a limit holds."""
    _, (_, replaced, count) = await put_during(database, CHANNEL + 1)
    assert (replaced, count) == (None, 2)
