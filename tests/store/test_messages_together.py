"""Two processes settle one message at the same moment."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bot.core.rules import NOTHING_HEARD, HeardStage
from bot.store.database import Database, open_database
from bot.store.messages import dissolve, mark_sent
from tests.support.store.samples import EXPIRY, NOW, stage
from tests.support.store.sending import DISCORD_ID, dissolved, heard, in_flight, pending, planned, sent, unsettled
from tests.support.store.waiting import until_blocked


@pytest.fixture
async def database(new_database: Callable[[], str]) -> AsyncIterator[Database]:
    """Open an empty PostgreSQL database."""
    async with open_database(new_database()) as opened:
        yield opened


async def test_a_message_being_marked_as_sent_stays_sent(database: Database) -> None:
    """One process marks a message as sent while another dissolves it: it stays sent."""
    await planned(database, stage(7))
    message = await in_flight(database)
    async with database.begin() as tx:
        await mark_sent(tx, message, DISCORD_ID, NOW)
        dissolving = asyncio.create_task(dissolved(database, message))
        await until_blocked(database, dissolving)
        assert not dissolving.done()
    await dissolving
    assert ((await heard(database)).stage, await pending(database)) == (HeardStage(1, 7, EXPIRY), [])


async def test_a_message_being_dissolved_is_not_lost(database: Database) -> None:
    """One process dissolves a message while another marks it as sent: its notification is pending again, and whole."""
    await planned(database, stage(7))
    message = await in_flight(database)
    async with database.begin() as tx:
        await dissolve(tx, message)
        marking = asyncio.create_task(sent(database, message))
        await until_blocked(database, marking)
        assert not marking.done()
    await marking
    assert (await unsettled(database), await pending(database)) == ([], [stage(7)])
    assert await heard(database) == NOTHING_HEARD
