"""What an operator is told of the database."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.errors import StoreError
from bot.store.channel_failures import ChannelFailure, put_channel_failure
from bot.store.database import Database
from bot.store.messages import mark_sent
from bot.store.notifications import State
from bot.store.statistics import Figures, get_figures, try_writing
from bot.store.tables import leases
from tests.support.store.samples import CHANNEL, GUILD, HOUR, NOW, OTHER_CHANNEL, stage
from tests.support.store.sending import DISCORD_ID, claim_all, owe


async def figures(database: Database) -> Figures:
    """Return what is told of the server."""
    async with database.begin() as tx:
        return await get_figures(tx, [GUILD], NOW)


async def test_an_empty_database(database: Database) -> None:
    """Each state is told, with zero."""
    assert await figures(database) == Figures(dict.fromkeys(State, 0), None, 0)


async def test_deliveries_are_counted_by_state(database: Database) -> None:
    """What is under way is still due; what was sent is not."""
    await owe(database, stage(7), stage(7, account_id="2"))
    message = await claim_all(database)
    assert await figures(database) == Figures(dict.fromkeys(State, 0) | {State.SENDING: 2}, NOW, 0)
    async with database.begin() as tx:
        assert await mark_sent(tx, message, DISCORD_ID, NOW + HOUR) == [NOW, NOW]
    await owe(database, stage(3, channel_id=OTHER_CHANNEL))
    assert await figures(database) == Figures(dict.fromkeys(State, 0) | {State.SENT: 2, State.PENDING: 1}, NOW, 0)


async def test_blocked_channels_are_counted_in_listed_servers(database: Database) -> None:
    """A channel counts once people must act; a passing trouble, and a server that is not listed, don't."""
    since = NOW - timedelta(hours=2)
    blocked = ChannelFailure(GUILD, CHANNEL, 3, since, NOW, "forbidden", is_lasting=True)
    passing = ChannelFailure(GUILD, OTHER_CHANNEL, 3, since, NOW, "out of reach", is_lasting=False)
    elsewhere = ChannelFailure(GUILD + 1, CHANNEL + 5, 3, since, NOW, "forbidden", is_lasting=True)
    async with database.begin() as tx:
        for target in (blocked, passing, elsewhere):
            await put_channel_failure(tx, target)
    assert (await figures(database)).blocked_channels == 1


async def test_trying_to_write_changes_nothing(database: Database) -> None:
    """A lease, and who holds it, stay as they are."""
    async with database.begin() as tx:
        await tx.execute(leases.insert().values(name="passes", owner="me", epoch=3, until=5))
        before = (await tx.execute(sa.select(leases))).all()
    async with database.begin() as tx:
        await try_writing(tx)
        assert (await tx.execute(sa.select(leases))).all() == before


async def test_a_database_that_may_only_be_read_is_found_out(database: Database) -> None:
    """The try fails where a write would."""
    to_read = "PRAGMA query_only=1" if database.is_sqlite else "SET TRANSACTION READ ONLY"

    async def write() -> None:
        async with database.begin() as tx:
            await tx.execute(sa.text(to_read))
            await try_writing(tx)

    with pytest.raises(StoreError, match=r"(?i)read-?only"):
        await write()
