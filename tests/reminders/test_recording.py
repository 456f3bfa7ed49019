"""What a poll saves about the accounts it read, and which login each of them has."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.core.accounts import Account, AccountSnapshot
from bot.core.assignments import Assignment, Subject
from bot.core.logins import Login
from bot.core.messages import OutgoingMessage
from bot.core.stages import Heard
from bot.reminders.recording import Changes, record
from bot.store.accounts import get_snapshots
from bot.store.assignments import get_assignments, put_assignment
from bot.store.database import Database, open_database
from bot.store.messages import start_sending
from bot.store.notifications import add_pending, get_heard, get_pending, supersede
from tests.support.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, account, stage

EXPIRY = NOW + 12 * DAY


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open an empty database of each kind."""
    async with open_database(database_url) as opened:
        yield opened


async def read(database: Database, *accounts: Account, now: datetime = NOW) -> Changes:
    """Save a list that was read; return what changed."""
    async with database.begin() as tx:
        return await record(tx, await get_snapshots(tx), {one.id: one for one in accounts}, now)


async def snapshot_of(database: Database, account_id: str = "123456") -> AccountSnapshot:
    """Return an account as it was last read."""
    async with database.begin() as tx:
        return (await get_snapshots(tx, {account_id}))[account_id]


async def login_of(database: Database, account_id: str = "123456") -> Login:
    """Return an account's login."""
    login = (await snapshot_of(database, account_id)).login
    assert login is not None
    return login


async def login_id(database: Database, expires_at: datetime, now: datetime = NOW) -> int:
    """Read the account with this expiry; return the id of its login then."""
    await read(database, account(expires_at=expires_at), now=now)
    login = await login_of(database)
    assert login.expires_at == expires_at
    return login.id


async def test_keeps_accounts_that_are_not_listed_any_more(database: Database) -> None:
    """An account that a list leaves out stays as it was last read."""
    await read(database, account(), account("2"))
    await read(database, account("2"), now=NOW + HOUR)
    assert (await snapshot_of(database)).read_at == NOW
    assert (await snapshot_of(database, "2")).read_at == NOW + HOUR


async def test_reports_changed_expiries(database: Database) -> None:
    """A new account and another expiry are changes; the same expiry, or another name alone, is none."""
    assert (await read(database, account(), account("2"))).after.keys() == {"123456", "2"}
    moved = account("2", expires_at=EXPIRY + HOUR)
    changes = await read(database, account(), moved)
    assert changes.after.keys() == {"2"}
    before = changes.before["2"]
    assert before is not None
    assert before.account.expires_at == EXPIRY
    assert changes.switched == set()
    assert (await read(database, moved)).after.keys() == set()
    assert (await read(database, account(expires_at=None))).after.keys() == {"123456"}


async def test_reports_switched_logins(database: Database) -> None:
    """An account's first login, and one with an expiry far from the last one's, are switches."""
    assert (await read(database, account())).switched == {"123456"}
    assert (await read(database, account(expires_at=EXPIRY + HOUR))).switched == set()
    assert (await read(database, account(expires_at=EXPIRY + 30 * DAY))).switched == {"123456"}


async def test_a_first_expiry_makes_a_login(database: Database) -> None:
    """An account without an expiry has no login until it gets one, which replaces none."""
    await read(database, account(expires_at=None))
    assert (await snapshot_of(database)).login is None
    await read(database, account())
    login = await login_of(database)
    assert (login.first_expires_at, login.expires_at, login.previous_id) == (EXPIRY, EXPIRY, None)


@pytest.mark.parametrize("shift", [timedelta(seconds=1), DAY - timedelta(seconds=1), DAY, -DAY, -HOUR])
async def test_a_shift_of_up_to_a_day_is_the_same_login(database: Database, shift: timedelta) -> None:
    """useapi.net moves an expiry silently: within a day of the first one it is still that login."""
    first = await login_id(database, EXPIRY)
    assert await login_id(database, EXPIRY + shift) == first
    assert (await login_of(database)).first_expires_at == EXPIRY


@pytest.mark.parametrize("shift", [DAY + timedelta(seconds=1), -DAY - timedelta(seconds=1), 30 * DAY])
async def test_a_wider_shift_is_a_new_login(database: Database, shift: timedelta) -> None:
    """Any other expiry is a new login, which knows the one it replaced."""
    first = await login_id(database, EXPIRY)
    assert await login_id(database, EXPIRY + shift) != first
    login = await login_of(database)
    assert (login.previous_id, login.first_expires_at) == (first, EXPIRY + shift)


async def test_creeping_shifts_are_measured_from_the_first(database: Database) -> None:
    """Many small shifts don't add up unnoticed: a day away from the first expiry a new login begins."""
    first = await login_id(database, EXPIRY)
    assert await login_id(database, EXPIRY + 20 * HOUR) == first
    assert await login_id(database, EXPIRY + 40 * HOUR) != first


async def test_two_alternating_expiries_are_two_logins(database: Database) -> None:
    """An expiry that jumps to and fro belongs to one of two logins each time, not to a new one at each jump."""
    ids = [await login_id(database, EXPIRY + (number % 2) * 5 * DAY) for number in range(6)]
    assert ids == ids[:2] * 3
    assert len(set(ids)) == 2


async def test_two_accounts_have_two_logins(database: Database) -> None:
    """Accounts that expire at the same moment don't share a login."""
    await read(database, account(), account("2"))
    assert (await login_of(database)).id != (await login_of(database, "2")).id


async def test_an_expiry_that_is_missing_once_keeps_the_login(database: Database) -> None:
    """A read without an expiry keeps the login, and the next one with it is still the same."""
    first = await login_id(database, EXPIRY)
    await read(database, account(expires_at=None))
    assert (await login_of(database)).id == first
    assert await login_id(database, EXPIRY) == first


async def test_the_longest_known_life_counts(database: Database) -> None:
    """A login's life is from its issue date to its expiry, or the time left when first seen, whichever is longer."""
    expires_at = NOW + 20 * DAY
    for issued_at, at, life in [(None, NOW, 20), (None, NOW + DAY, 20), (NOW - 10 * DAY, NOW + DAY, 30)]:
        await read(database, Account("123456", expires_at=expires_at, issued_at=issued_at), now=at)
        assert (await login_of(database)).life == life * DAY


async def test_an_expired_login_has_no_known_life(database: Database) -> None:
    """A login first seen after its expiry, without an issue date, has none."""
    await read(database, Account("123456", expires_at=NOW - DAY))
    assert (await login_of(database)).life is None


async def test_a_new_login_deletes_the_pending_stages_of_the_old(database: Database) -> None:
    """Pending stages of the old login go; those in flight or superseded, and other logins' stages, stay."""
    first = await login_id(database, EXPIRY)
    async with database.begin() as tx:
        await add_pending(tx, [stage(7, ref=first)], NOW)
        await start_sending(tx, await get_pending(tx, CHANNEL), OutgoingMessage(""), nonce="n", now=NOW)
        await supersede(tx, [stage(14, ref=first)], NOW)
        await add_pending(tx, [stage(3, ref=first)], NOW)
        await add_pending(tx, [stage(3, ref=first + 100, account_id="2")], NOW)
    await login_id(database, EXPIRY + 30 * DAY)
    async with database.begin() as tx:
        assert [one.ref for one in await get_pending(tx, CHANNEL)] == [first + 100]
        heard = (await get_heard(tx, {CHANNEL}, {first}))[CHANNEL, first]
    assert heard == Heard(in_flight=frozenset({7}), superseded=frozenset({14}))


async def test_assignments_to_old_logins_end(database: Database) -> None:
    """An assignment lasts while its login is the current one or the last; other accounts' assignments stay."""
    first = await login_id(database, EXPIRY)
    assignment = Assignment(7, NOW)
    async with database.begin() as tx:
        for subject in (Subject("123456", 0), Subject("123456", first), Subject("2", first)):
            await put_assignment(tx, GUILD, CHANNEL, subject, assignment)
    second = await login_id(database, EXPIRY + 30 * DAY)
    async with database.begin() as tx:
        await put_assignment(tx, GUILD, CHANNEL, Subject("123456", second), assignment)
        of_both = {(CHANNEL, ("123456", first)), (CHANNEL, ("123456", second)), (CHANNEL, ("2", first))}
        assert set(await get_assignments(tx, {CHANNEL})) == of_both
    await login_id(database, EXPIRY)
    await login_id(database, EXPIRY + 30 * DAY)
    async with database.begin() as tx:
        assert set(await get_assignments(tx, {CHANNEL})) == of_both
    await login_id(database, EXPIRY + 60 * DAY)
    async with database.begin() as tx:
        assert set(await get_assignments(tx, {CHANNEL})) == of_both - {(CHANNEL, ("123456", first))}
