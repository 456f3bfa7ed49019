"""Figures about the database for operators."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.core.incidents import Incident
from bot.core.notifications import INCIDENTS, Kind, State
from bot.errors import StoreError
from bot.store.channel_failures import put_failure
from bot.store.credits import CreditLevel, Level, put_credit_levels
from bot.store.database import Database
from bot.store.messages import mark_sent
from bot.store.statistics import Statistics, check_writable, get_statistics
from bot.store.subscriptions import delete_subscription, put_subscription
from bot.store.tables import leases
from tests.support.store.samples import (
    CHANNEL,
    GUILD,
    HOUR,
    NOW,
    OTHER_CHANNEL,
    failure,
    new_subscription,
    stage,
)
from tests.support.store.sending import DISCORD_ID, in_flight, planned

NO_INCIDENTS: dict[Kind, int] = dict.fromkeys(INCIDENTS, 0)


async def statistics(database: Database) -> Statistics:
    """Return the figures of the guild."""
    async with database.begin() as tx:
        return await get_statistics(tx, [GUILD], NOW)


async def test_an_empty_database(database: Database) -> None:
    """Each state is reported, with zero."""
    assert await statistics(database) == Statistics(dict.fromkeys(State, 0), None, 0, NO_INCIDENTS)


async def test_notifications_are_counted_by_state(database: Database) -> None:
    """A notification in flight is still due; a sent one is not."""
    await planned(database, stage(7), stage(7, account_id="2"))
    message = await in_flight(database)
    assert await statistics(database) == Statistics(dict.fromkeys(State, 0) | {State.SENDING: 2}, NOW, 0, NO_INCIDENTS)
    async with database.begin() as tx:
        assert await mark_sent(tx, message, DISCORD_ID, NOW + HOUR) == [NOW, NOW]
    await planned(database, stage(3, channel_id=OTHER_CHANNEL))
    expected = Statistics(dict.fromkeys(State, 0) | {State.SENT: 2, State.PENDING: 1}, NOW, 0, NO_INCIDENTS)
    assert await statistics(database) == expected


async def test_blocked_channels_are_counted_in_listed_guilds(database: Database) -> None:
    """A channel counts once people must act; a failure of Discord, and a guild that is not listed, don't."""
    since = NOW - timedelta(hours=2)
    blocked = failure(failures=3, failing_since=since)
    passing = failure(OTHER_CHANNEL, failures=3, failing_since=since, is_lasting=False)
    elsewhere = failure(CHANNEL + 5, guild_id=GUILD + 1, failures=3, failing_since=since)
    async with database.begin() as tx:
        for one in (blocked, passing, elsewhere):
            await put_failure(tx, one)
    assert (await statistics(database)).blocked_channels == 1


async def test_low_credits_are_counted_for_reminders(database: Database) -> None:
    """An account counts while an active reminder asks for the threshold that its credits were below."""
    async with database.begin() as tx:
        await put_credit_levels(tx, {Level("1", 100): CreditLevel(80, NOW, Incident(number=1, is_open=True))})
        subscription, _ = await put_subscription(tx, replace(new_subscription("1"), credits_below=100))
    assert (await statistics(database)).incidents[Kind.LOW_CREDITS] == 1
    async with database.begin() as tx:
        await delete_subscription(tx, subscription)
    assert (await statistics(database)).incidents[Kind.LOW_CREDITS] == 0


async def test_the_check_for_writing_changes_nothing(database: Database) -> None:
    """A lease and its holder stay as they are."""
    async with database.begin() as tx:
        await tx.execute(leases.insert().values(name="poll", owner="me", epoch=3, until=5))
        before = (await tx.execute(sa.select(leases))).all()
    async with database.begin() as tx:
        await check_writable(tx)
        assert (await tx.execute(sa.select(leases))).all() == before


async def test_a_read_only_database_is_not_writable(database: Database) -> None:
    """The check fails where a write would."""
    read_only = "PRAGMA query_only=1" if database.is_sqlite else "SET TRANSACTION READ ONLY"

    async def write() -> None:
        async with database.begin() as tx:
            await tx.execute(sa.text(read_only))
            await check_writable(tx)

    with pytest.raises(StoreError, match=r"(?i)read-?only"):
        await write()
