"""Tests of what two processes make of one message at the same moment."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bot.core.stages import Heard
from bot.store.database import Database, open_database
from bot.store.messages import dissolve, mark_sent
from tests.support.store.samples import NOW, stage
from tests.support.store.sending import DISCORD_ID, claim_all, dissolved, heard, owe, pending, sent, unsettled
from tests.support.store.waiting import until_blocked


@pytest.fixture
async def database(new_database: Callable[[], str]) -> AsyncIterator[Database]:
    """Open an empty PostgreSQL database."""
    async with open_database(new_database()) as opened:
        yield opened


async def test_what_is_being_marked_as_sent_is_not_owed_again(database: Database) -> None:
    """One process marks a message as sent while another takes it apart: it stays sent."""
    await owe(database, stage(7))
    message = await claim_all(database)
    async with database.begin() as tx:
        await mark_sent(tx, message, DISCORD_ID, NOW)
        dissolving = asyncio.create_task(dissolved(database, message))
        await until_blocked(database, dissolving)
        assert not dissolving.done()
    await dissolving
    assert (await heard(database), await pending(database)) == (Heard(sent=frozenset({7})), [])


async def test_what_is_being_taken_apart_is_not_lost(database: Database) -> None:
    """One process takes a message apart while another marks it as sent: it is owed again, and whole."""
    await owe(database, stage(7))
    message = await claim_all(database)
    async with database.begin() as tx:
        await dissolve(tx, message, is_late=False)
        marking = asyncio.create_task(sent(database, message))
        await until_blocked(database, marking)
        assert not marking.done()
    await marking
    assert (await unsettled(database), await pending(database)) == ([], [stage(7)])
