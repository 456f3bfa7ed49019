"""Which accounts are forgotten, and everything about them with them."""

import pytest
import sqlalchemy as sa

from bot.core.accounts import AccountSnapshot
from bot.core.assignments import Assignment, Subject
from bot.core.incidents import Incident
from bot.core.logins import Login
from bot.core.notes import Note
from bot.core.notifications import Kind
from bot.store.accounts import get_snapshots, put_logins, put_snapshots
from bot.store.assignments import put_assignment
from bot.store.credits import CreditLevel, Level, put_credit_levels
from bot.store.database import Database
from bot.store.forgetting import forget_accounts
from bot.store.incidents import put_incidents
from bot.store.notes import set_note
from bot.store.subscriptions import put_subscription
from bot.store.tables import metadata
from tests.support.store.samples import CHANNEL, DAY, EXPIRY, GUILD, HOUR, NOW, account, new_subscription, stage
from tests.support.store.sending import arrived, in_flight, planned

SET_UP = ("subscriptions", "notes")


async def save(database: Database, *account_ids: str, days: float = 0) -> None:
    """Save accounts with all that belongs to them, as they were read so many days ago."""
    read_at = NOW - days * DAY
    async with database.begin() as tx:
        logins = await put_logins(tx, [Login(0, one, EXPIRY, None, None, None) for one in account_ids])
        await put_snapshots(tx, [AccountSnapshot(account(one), read_at, logins[one]) for one in account_ids])
        await put_incidents(tx, Kind.MISSING, {one: Incident(number=1, is_open=True) for one in account_ids})
        await put_credit_levels(tx, {Level(one, 100): CreditLevel(80, read_at) for one in account_ids})
        for one in account_ids:
            await put_assignment(tx, GUILD, CHANNEL, Subject(one, logins[one].id), Assignment(1, read_at))


async def forget(database: Database, most: int = 20_000) -> set[str]:
    """Forget accounts; return those that are left."""
    async with database.begin() as tx:
        await forget_accounts(tx, NOW, most)
        return set(await get_snapshots(tx))


async def mentions_of(database: Database, account_id: str) -> dict[str, int]:
    """Return how many rows of each table are about an account, apart from what people have set up."""
    async with database.begin() as tx:
        tables = [one for one in metadata.sorted_tables if "account_id" in one.c and one.name not in SET_UP]
        return {
            one.name: (
                await tx.execute(sa.select(sa.func.count()).select_from(one).where(one.c.account_id == account_id))
            ).scalar_one()
            for one in tables
        }


async def count_messages(database: Database) -> int:
    """Return how many messages are stored."""
    async with database.begin() as tx:
        query = sa.select(sa.func.count()).select_from(metadata.tables["messages"])
        return int((await tx.execute(query)).scalar_one())


async def test_nothing_is_left_of_an_account_that_was_gone_for_thirty_days(database: Database) -> None:
    """All its rows go, and the messages that were about nothing else; those of a listed account stay."""
    await save(database, "gone", days=30)
    await save(database, "listed")
    await arrived(database, stage(7, account_id="gone"), nonce="a" * 24)
    await arrived(database, stage(7, account_id="listed"), stage(3, account_id="gone"), nonce="b" * 24)
    assert all((await mentions_of(database, "gone")).values())
    assert await forget(database) == {"listed"}
    assert not any((await mentions_of(database, "gone")).values())
    assert all((await mentions_of(database, "listed")).values())
    assert await count_messages(database) == 1


async def test_an_account_is_kept_for_thirty_days(database: Database) -> None:
    """An account that was listed within 30 days stays."""
    await save(database, "gone", days=29.9)
    assert await forget(database) == {"gone"}


async def test_a_subscribed_account_is_kept(database: Database) -> None:
    """An account that a channel has subscribed to by its id stays, a year later too; a paused subscription counts."""
    await save(database, "123456", "other", days=365)
    async with database.begin() as tx:
        await put_subscription(tx, new_subscription())
        await put_subscription(tx, new_subscription(None))
    assert await forget(database, most=0) == {"123456"}


async def test_an_account_with_a_note_is_kept(database: Database) -> None:
    """What somebody has written about an account is there when it comes back."""
    await save(database, "noted", "other", days=365)
    async with database.begin() as tx:
        await set_note(tx, GUILD, "noted", Note("Mia has the second factor", 1, NOW))
    assert await forget(database, most=0) == {"noted"}


async def test_an_account_in_flight_is_kept(database: Database) -> None:
    """While it is not known whether a message arrived, its accounts stay."""
    await save(database, "gone", "other", days=40)
    await planned(database, stage(7, account_id="gone"))
    await in_flight(database)
    assert await forget(database) == {"gone"}


@pytest.mark.parametrize(
    ("most", "left"), [(0, {"now"}), (1, {"now", "1"}), (2, {"now", "1", "2"}), (9, {"now", "1", "2", "3"})]
)
async def test_the_number_of_unlisted_accounts_is_bounded(database: Database, most: int, left: set[str]) -> None:
    """Of the accounts that the last list did not hold, those stay that were listed last."""
    await save(database, "now")
    for hours in (1, 2, 3):
        await save(database, str(hours), days=hours * HOUR / DAY)
    assert await forget(database, most) == left
