"""Incidents in the database."""

from dataclasses import replace

from bot.core.accounts import AccountSnapshot
from bot.core.incidents import Incident, OpenIncident
from bot.core.notifications import Kind
from bot.store.accounts import put_snapshots
from bot.store.database import Database
from bot.store.incidents import get_bad_since, get_confirmed_at, get_incidents, get_shared_incidents, put_incidents
from tests.support.store.samples import DAY, HOUR, NOW, account

OPEN = Incident(bad_polls=2, bad_since=NOW, number=1, is_open=True, began_at=NOW)
ENDED = Incident(good_since=NOW + HOUR, number=1)


async def test_an_incident_is_one_per_kind_and_account(database: Database) -> None:
    """A newer state replaces the older one, for an account and for the accounts as a whole."""
    for account_id in ("a", None):
        async with database.begin() as tx:
            for incident in (OPEN, ENDED):
                await put_incidents(tx, Kind.ERROR, {account_id: incident})
            await put_incidents(tx, Kind.MISSING, {account_id: OPEN})
    async with database.begin() as tx:
        assert await get_incidents(tx, Kind.ERROR) == {"a": ENDED, None: ENDED}
        assert await get_incidents(tx, Kind.MISSING) == {"a": OPEN, None: OPEN}
        assert await get_incidents(tx, Kind.UNREADABLE) == {}


async def test_unreadable_accounts_are_one_incident(database: Database) -> None:
    """The incident of accounts that can't be read is found while it is open; others are not mistaken for it."""
    async with database.begin() as tx:
        await put_incidents(tx, Kind.ERROR, {"a": OPEN})
        await put_incidents(tx, Kind.MISSING, {None: OPEN})
        for incident, found in [
            (Incident(2, NOW), []),
            (OPEN, [OpenIncident(Kind.UNREADABLE, 1, NOW)]),
            (replace(OPEN, began_at=NOW - DAY), [OpenIncident(Kind.UNREADABLE, 1, NOW - DAY)]),
            (ENDED, []),
        ]:
            await put_incidents(tx, Kind.UNREADABLE, {None: incident})
            assert await get_shared_incidents(tx) == found


async def test_a_failure_counts_from_the_first_bad_poll(database: Database) -> None:
    """The first bad poll counts, long before the incident opens; a good one ends it."""
    async with database.begin() as tx:
        for incident, bad_since in [(Incident(1, NOW), NOW), (OPEN, NOW), (ENDED, None)]:
            await put_incidents(tx, Kind.ERROR, {"a": incident})
            assert await get_bad_since(tx, Kind.ERROR, "a") == bad_since
            assert await get_bad_since(tx, Kind.MISSING, "a") is None


async def test_accounts_are_confirmed_by_a_poll_that_could_read_them(database: Database) -> None:
    """The time of the newest reading counts, unless the last poll could not read the accounts."""
    async with database.begin() as tx:
        assert await get_confirmed_at(tx) is None
        await put_snapshots(tx, [AccountSnapshot(account(), NOW), AccountSnapshot(account("2"), NOW + HOUR)])
        assert await get_confirmed_at(tx) == NOW + HOUR
        await put_incidents(tx, Kind.UNREADABLE, {None: Incident(1, NOW)})
        assert await get_confirmed_at(tx) is None
        await put_incidents(tx, Kind.UNREADABLE, {None: ENDED})
        assert await get_confirmed_at(tx) == NOW + HOUR
