"""What a poll saves about the accounts it read: logins, doubts, incidents, and messages to edit."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.accounts import Account, AccountSnapshot
from bot.core.assignments import Assignment, Subject
from bot.core.incidents import OpenIncident
from bot.core.logins import Doubt, Login
from bot.core.notifications import Kind
from bot.reminders.recording import record_failure, record_reading
from bot.store.accounts import get_snapshots
from bot.store.assignments import get_assignments, put_assignment
from bot.store.database import Database, open_database
from bot.store.incidents import get_shared_incidents
from bot.store.messages import get_outdated
from tests.support.store.samples import CHANNEL, DAY, EXPIRY, GUILD, HOUR, NOW, account, incident, stage
from tests.support.store.sending import arrived

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """Open a database of each kind, with the newest schema and without rows."""
    async with open_database(migrated_url) as opened:
        yield opened


async def read(database: Database, *accounts: Account, now: datetime = NOW) -> bool:
    """Save a list that was read; return whether a second reading must confirm something soon."""
    async with database.begin() as tx:
        return bool(await record_reading(tx, {one.id: one for one in accounts}, now))


async def fail(database: Database, now: datetime, refused_since: datetime | None = None) -> OpenIncident | None:
    """Save that no list could be read; return the incident, if it is open."""
    async with database.begin() as tx:
        await record_failure(tx, now, refused_since)
        return next(iter(await get_shared_incidents(tx)), None)


async def snapshot_of(database: Database, account_id: str = "123456") -> AccountSnapshot:
    """Return an account as it was last read."""
    async with database.begin() as tx:
        return (await get_snapshots(tx, {account_id}))[account_id]


async def login_of(database: Database, account_id: str = "123456") -> Login:
    """Return an account's login."""
    login = (await snapshot_of(database, account_id)).login
    assert login is not None
    return login


async def believe(database: Database, expires_at: datetime, now: datetime = NOW) -> Login:
    """Read the account with this expiry, again if that is needed; return its login."""
    if await read(database, account(expires_at=expires_at), now=now):
        assert not await read(database, account(expires_at=expires_at), now=now + MINUTE)
    login = await login_of(database)
    assert login.expires_at == expires_at
    return login


async def outdated(database: Database, now: datetime = NOW) -> list[int]:
    """Return the Discord ids of the messages to be edited."""
    async with database.begin() as tx:
        return sorted(one.discord_id or 0 for one in await get_outdated(tx, {GUILD}, now))


async def test_keeps_accounts_that_are_not_listed_any_more(database: Database) -> None:
    """An account that a list leaves out stays as it was last read."""
    await read(database, account(), account("2"))
    await read(database, account("2"), now=NOW + HOUR)
    assert (await snapshot_of(database)).read_at == NOW
    assert (await snapshot_of(database, "2")).read_at == NOW + HOUR


async def test_an_unchanged_account_is_read_again(database: Database) -> None:
    """Its time is new, and nothing needs a second reading; another name alone is saved."""
    assert not await read(database, account())
    assert not await read(database, account(), now=NOW + HOUR)
    assert await snapshot_of(database) == AccountSnapshot(account(), NOW + HOUR, await login_of(database))
    renamed = replace(account(), name="Sam")
    assert not await read(database, renamed, now=NOW + 2 * HOUR)
    assert (await snapshot_of(database)).account == renamed


async def test_a_first_expiry_makes_a_login(database: Database) -> None:
    """An account without an expiry has no login until it gets one, which is believed at once."""
    await read(database, account(expires_at=None))
    assert (await snapshot_of(database)).login is None
    assert not await read(database, account())
    login = await login_of(database)
    assert (login.expires_at, login.life, login.previous_id) == (EXPIRY, 30 * DAY, None)


@pytest.mark.parametrize("shift", [timedelta(seconds=1), HOUR, -HOUR])
async def test_a_shift_of_up_to_an_hour_moves_the_login(database: Database, shift: timedelta) -> None:
    """useapi.net moves an expiry silently: it is believed at once, and is still that login."""
    first = await believe(database, EXPIRY)
    assert not await read(database, account(expires_at=EXPIRY + shift))
    assert await login_of(database) == replace(first, expires_at=EXPIRY + shift)


@pytest.mark.parametrize("shift", [2 * HOUR, DAY, -5 * DAY, 30 * DAY])
async def test_a_moved_expiry_is_confirmed_by_a_second_reading(database: Database, shift: timedelta) -> None:
    """After the first other reading the login stays, in doubt, and a second reading is wanted soon; then it counts."""
    first = await believe(database, EXPIRY)
    assert await read(database, account(expires_at=EXPIRY + shift), now=NOW + HOUR)
    doubted = await snapshot_of(database)
    assert (doubted.login, doubted.doubt) == (first, Doubt(EXPIRY + shift, NOW + HOUR))
    assert doubted.believed.expires_at == EXPIRY
    assert not await read(database, account(expires_at=EXPIRY + shift), now=NOW + HOUR + MINUTE)
    confirmed = await snapshot_of(database)
    assert confirmed.doubt is None
    assert confirmed.login is not None
    assert confirmed.login.expires_at == EXPIRY + shift


async def test_one_odd_reading_changes_nothing(database: Database) -> None:
    """The next reading shows the old expiry again: the doubt is over, and no other login was made."""
    first = await believe(database, EXPIRY)
    assert await read(database, account(expires_at=EXPIRY + 30 * DAY))
    assert not await read(database, account(), now=NOW + MINUTE)
    assert await snapshot_of(database) == AccountSnapshot(account(), NOW + MINUTE, first)


async def test_readings_that_never_agree_are_one_doubt(database: Database) -> None:
    """Each reading shows another expiry: none is believed, and for an hour each wants a second reading soon."""
    first = await believe(database, EXPIRY)
    wanted = []
    for number, minutes in enumerate((1, 2, 60, 61), 1):
        odd = account(expires_at=EXPIRY + 3 * number * DAY)
        wanted.append(await read(database, odd, now=NOW + minutes * MINUTE))
    assert wanted == [True, True, True, False]
    snapshot = await snapshot_of(database)
    assert (snapshot.login, snapshot.doubt) == (first, Doubt(EXPIRY + 12 * DAY, NOW + MINUTE))


@pytest.mark.parametrize("shift", [DAY, 30 * DAY])
async def test_a_day_later_is_a_new_login(database: Database, shift: timedelta) -> None:
    """A renewal makes a new login, which knows the one it replaced."""
    first = await believe(database, EXPIRY)
    second = await believe(database, EXPIRY + shift)
    assert second.id != first.id
    assert second.previous_id == first.id


@pytest.mark.parametrize("shift", [DAY - timedelta(seconds=1), -HOUR, -10 * DAY])
async def test_any_other_move_is_the_same_login(database: Database, shift: timedelta) -> None:
    """Less than a day later, or earlier, the account was not renewed."""
    first = await believe(database, EXPIRY)
    assert (await believe(database, EXPIRY + shift)).id == first.id


async def test_a_login_that_had_expired_is_renewed_by_hours(database: Database) -> None:
    """An expired login that is valid again is a new one, however short."""
    first = await believe(database, NOW + HOUR)
    assert (await believe(database, NOW + 8 * HOUR, now=NOW + 2 * HOUR)).previous_id == first.id


async def test_two_accounts_have_two_logins(database: Database) -> None:
    """Accounts that expire at the same moment don't share a login."""
    await read(database, account(), account("2"))
    assert (await login_of(database)).id != (await login_of(database, "2")).id


async def test_an_expiry_that_is_missing_once_keeps_the_login(database: Database) -> None:
    """A read without an expiry keeps the login, and the next one with it is still the same."""
    first = await believe(database, EXPIRY)
    assert not await read(database, account(expires_at=None))
    assert (await login_of(database)) == first
    assert await believe(database, EXPIRY) == first


async def test_a_life_is_from_issue_to_expiry(database: Database) -> None:
    """It is unknown without an issue date, and kept when a later reading lacks one."""
    await read(database, Account("123456", expires_at=EXPIRY))
    assert (await login_of(database)).life is None
    await read(database, account())
    assert (await login_of(database)).life == 30 * DAY
    await read(database, Account("123456", expires_at=EXPIRY))
    assert (await login_of(database)).life == 30 * DAY


async def test_assignments_to_an_old_login_end(database: Database) -> None:
    """A renewal ends the assignments to the account, in every channel, but those to the login before it, for thanks."""
    first = await believe(database, EXPIRY)
    assignment = Assignment(7, NOW)
    async with database.begin() as tx:
        for subject in (Subject("123456", 0), Subject("123456", first.id), Subject("2", first.id)):
            await put_assignment(tx, GUILD, CHANNEL, subject, assignment)
    moved = await believe(database, EXPIRY - DAY)
    async with database.begin() as tx:
        assert (CHANNEL, ("123456", moved.id)) in await get_assignments(tx, {CHANNEL})
    second = await believe(database, EXPIRY + 30 * DAY)
    async with database.begin() as tx:
        assert set(await get_assignments(tx, {CHANNEL})) == {
            (CHANNEL, ("123456", first.id)),
            (CHANNEL, ("2", first.id)),
        }
        await put_assignment(tx, GUILD, CHANNEL, Subject("123456", second.id), assignment)
    await believe(database, EXPIRY + 30 * DAY + HOUR)
    async with database.begin() as tx:
        assert (CHANNEL, ("123456", second.id)) in await get_assignments(tx, {CHANNEL})


FAILING = replace(account(), error="login failed")


async def test_an_error_is_confirmed_by_a_second_reading(database: Database) -> None:
    """The first reading of an error wants a second one soon; with it the incident is open since the first."""
    await read(database, account())
    assert await read(database, FAILING, now=NOW + HOUR)
    assert (await snapshot_of(database)).incidents == ()
    assert not await read(database, FAILING, now=NOW + HOUR + MINUTE)
    assert (await snapshot_of(database)).incidents == (OpenIncident(Kind.ERROR, 1, NOW + HOUR),)
    assert not await read(database, account(), now=NOW + 2 * HOUR)
    assert (await snapshot_of(database)).incidents == ()


async def test_an_account_is_missing_after_three_readings_over_an_hour(database: Database) -> None:
    """A list without a known account is bad for that account only; the first list with it ends the incident."""
    await read(database, account(), account("2"))
    for minutes, is_open in [(0, False), (30, False), (59, False), (60, True)]:
        await read(database, account("2"), now=NOW + HOUR + minutes * MINUTE)
        assert (await snapshot_of(database)).has_incident(Kind.MISSING) is is_open
        assert (await snapshot_of(database, "2")).incidents == ()
    await read(database, account(), account("2"), now=NOW + 3 * HOUR)
    assert (await snapshot_of(database)).incidents == ()


async def test_an_account_missing_from_every_second_list_is_not_missing(database: Database) -> None:
    """Lists without an account never add up while others hold it."""
    for number in range(40):
        listed = [account(), account("2")] if number % 2 else [account("2")]
        await read(database, *listed, now=NOW + number * 10 * MINUTE)
    assert (await snapshot_of(database)).incidents == ()


async def test_an_expiry_that_is_no_longer_given_is_an_incident(database: Database) -> None:
    """After three readings over an hour it is open; an account that never had an expiry has lost none."""
    never = account("2", expires_at=None)
    await read(database, account(), never)
    for minutes, is_open in [(0, False), (30, False), (60, True)]:
        await read(database, account(expires_at=None), never, now=NOW + minutes * MINUTE)
        assert (await snapshot_of(database)).has_incident(Kind.UNDATED) is is_open
    assert (await snapshot_of(database, "2")).incidents == ()
    assert (await snapshot_of(database)).believed.expires_at == EXPIRY
    await read(database, account(), never, now=NOW + 2 * HOUR)
    assert (await snapshot_of(database)).incidents == ()


@pytest.mark.parametrize(
    ("is_refused", "opens_after"),
    [
        pytest.param(False, 6 * HOUR, id="failing"),
        pytest.param(True, 15 * MINUTE, id="the token or the subscription is refused"),
    ],
)
async def test_unreadable_accounts_are_an_incident(
    database: Database, opens_after: timedelta, *, is_refused: bool
) -> None:
    """It opens after its time, lasts since the first failure, and ends with the first list; accounts stay known."""
    await read(database, account())
    refused_since = NOW if is_refused else None
    assert await fail(database, NOW, refused_since) is None
    assert await fail(database, NOW + opens_after - MINUTE, refused_since) is None
    expected = OpenIncident(Kind.UNREADABLE, 1, NOW)
    assert await fail(database, NOW + opens_after, refused_since) == expected
    await read(database, account(), now=NOW + DAY)
    async with database.begin() as tx:
        assert await get_shared_incidents(tx) == []
    assert (await login_of(database)).expires_at == EXPIRY


async def test_one_refusal_after_another_outage_opens_nothing(database: Database) -> None:
    """Hours of another failure don't count as a refusal; a quarter of an hour of refusals does, since the first."""
    await read(database, account())
    for hours in range(4):
        assert await fail(database, NOW + hours * HOUR) is None
    refused_at = NOW + 4 * HOUR
    assert await fail(database, refused_at, refused_at) is None
    assert await fail(database, refused_at + 14 * MINUTE, refused_at) is None
    assert await fail(database, refused_at + 15 * MINUTE, refused_at) == OpenIncident(Kind.UNREADABLE, 1, NOW)


async def test_flapping_does_not_begin_anew(database: Database) -> None:
    """An outage that comes back within a day lasts since its first failure, short good spells included."""
    await read(database, account())
    for hours in range(200):
        now = NOW + hours * HOUR
        await (read(database, account(), now=now) if hours % 23 == 22 else fail(database, now))
    assert await fail(database, NOW + 200 * HOUR) == OpenIncident(Kind.UNREADABLE, 1, NOW)


async def test_an_account_that_was_issued_after_its_expiry(database: Database) -> None:
    """Its life is unknown, so that all lead times count, and a life that was known stays."""
    impossible = Account("123456", expires_at=EXPIRY, issued_at=EXPIRY + DAY)
    await read(database, impossible)
    assert (await login_of(database)).life is None
    await read(database, account())
    await read(database, impossible)
    assert (await login_of(database)).life == 30 * DAY


async def test_a_list_of_strangers_is_a_failure(database: Database) -> None:
    """A list without any known account says nothing about them; after three days of such lists they were replaced."""
    await read(database, account())
    strangers = [account("8"), account("9")]
    for hours in range(0, 72, 6):
        await read(database, *strangers, now=NOW + hours * HOUR)
    snapshot = await snapshot_of(database)
    assert (snapshot.read_at, snapshot.incidents) == (NOW, ())
    async with database.begin() as tx:
        assert (await get_snapshots(tx)).keys() == {"123456"}
        assert await get_shared_incidents(tx) == [OpenIncident(Kind.UNREADABLE, 1, NOW)]
    await read(database, *strangers, now=NOW + 72 * HOUR)
    async with database.begin() as tx:
        assert (await get_snapshots(tx)).keys() == {"123456", "8", "9"}
        assert await get_shared_incidents(tx) == []


async def test_an_empty_list_is_a_failure(database: Database) -> None:
    """It does not prove that all accounts are gone; before any account is known, it is a list like others."""
    assert not await read(database)
    await read(database, account())
    for hours in range(8):
        await read(database, now=NOW + hours * HOUR)
    assert (await snapshot_of(database)).incidents == ()
    async with database.begin() as tx:
        assert await get_shared_incidents(tx) == [OpenIncident(Kind.UNREADABLE, 1, NOW)]


async def test_messages_are_edited_when_an_expiry_is_believed(database: Database) -> None:
    """Not while it is in doubt, and not for a shift by minutes; messages about other accounts stay as they are."""
    await believe(database, EXPIRY)
    await read(database, account(), account("2"))
    await arrived(database, stage(14), nonce="1", discord_id=1)
    await arrived(database, stage(14, account_id="2"), nonce="2", discord_id=2)
    for expires_at, expected in [
        (EXPIRY + HOUR, []),
        (EXPIRY + 30 * DAY, []),
        (EXPIRY + 30 * DAY, [1]),
    ]:
        await read(database, account(expires_at=expires_at), account("2"))
        assert await outdated(database) == expected


async def test_messages_are_edited_when_an_incident_begins_or_ends(database: Database) -> None:
    """Not with the first bad reading, and not while the incident lasts."""
    await read(database, account())
    await arrived(database, incident(Kind.ERROR), nonce="1", discord_id=1)
    await read(database, FAILING)
    assert await outdated(database) == []
    await read(database, FAILING)
    assert await outdated(database) == [1]


async def test_messages_about_all_accounts_are_edited_when_they_can_be_read_again(database: Database) -> None:
    """The message that said that they can't be read is to be edited then."""
    await read(database, account())
    for hours in (0, 1, 6):
        await fail(database, NOW + hours * HOUR)
    await arrived(database, incident(Kind.UNREADABLE, account_id=None), nonce="1", discord_id=1)
    await fail(database, NOW + 7 * HOUR)
    assert await outdated(database, NOW + 9 * HOUR) == []
    await read(database, account(), now=NOW + 8 * HOUR)
    assert await outdated(database, NOW + 8 * HOUR) == [1]
