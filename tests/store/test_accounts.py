"""Tests of what is remembered of the accounts: facts and tokens."""

from datetime import datetime, timedelta

import pytest

from bot.core.accounts import Account
from bot.core.stages import Heard
from bot.store.accounts import AccountSnapshot, get_snapshots, mark_read
from bot.store.assignments import Assignment, get_assignments, put_assignment
from bot.store.database import Database
from bot.store.messages import claim
from bot.store.notifications import cover, get_heard, get_pending, plan
from tests.support.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, account, stage

EXPIRY = NOW + 12 * DAY


async def read(database: Database, *accounts: Account, now: datetime = NOW) -> set[str]:
    """Write down a list that was read; returns what changed."""
    async with database.begin() as tx:
        return await mark_read(tx, {one.id: one for one in accounts}, now)


async def known(database: Database, account_id: str = "123456") -> AccountSnapshot:
    """Return what is known of an account."""
    async with database.begin() as tx:
        return (await get_snapshots(tx, {account_id}))[account_id]


async def login_id(database: Database, expires_at: datetime, now: datetime = NOW) -> int:
    """Read the account with this expiry; returns which token that makes current."""
    await read(database, account(expires_at=expires_at), now=now)
    login = (await known(database)).login
    assert login is not None
    assert login.expires_at == expires_at
    return login.id


async def test_remembers_the_facts(database: Database) -> None:
    """Everything known of an account comes back as it was read, capabilities and odd names too."""
    await read(database, account(), account("2", expires_at=None))
    facts = await known(database)
    assert (facts.account, facts.read_at) == (account(), NOW)
    assert (await known(database, "2")).account == account("2", expires_at=None)
    async with database.begin() as tx:
        assert set(await get_snapshots(tx)) == {"123456", "2"}
        assert await get_snapshots(tx, ["999"]) == {}
        assert await get_snapshots(tx, []) == {}


async def test_keeps_accounts_that_are_not_listed_any_more(database: Database) -> None:
    """An account that a list leaves out keeps what was known of it."""
    await read(database, account(), account("2"))
    await read(database, account("2"), now=NOW + HOUR)
    assert (await known(database)).read_at == NOW
    assert (await known(database, "2")).read_at == NOW + HOUR


async def test_says_what_changed(database: Database) -> None:
    """A new account and another expiry are changes; the same one, or another name alone, is none."""
    assert await read(database, account(), account("2")) == {"123456", "2"}
    assert await read(database, account(), account("2", expires_at=EXPIRY + HOUR)) == {"2"}
    assert await read(database, account("2", expires_at=EXPIRY + HOUR)) == set()
    assert await read(database, account(expires_at=None)) == {"123456"}


async def test_a_first_expiry_makes_a_token(database: Database) -> None:
    """An account without an expiry has no token until it gets one, which follows none."""
    await read(database, account(expires_at=None))
    assert (await known(database)).login is None
    await read(database, account())
    login = (await known(database)).login
    assert login is not None
    assert (login.first_expires_at, login.expires_at, login.previous_id) == (EXPIRY, EXPIRY, None)


@pytest.mark.parametrize("shift", [timedelta(seconds=1), DAY - timedelta(seconds=1), DAY, -DAY, -HOUR])
async def test_a_shift_of_up_to_a_day_is_the_same_token(database: Database, shift: timedelta) -> None:
    """The service moves an expiry silently: within a day of the first one it is still that token."""
    first = await login_id(database, EXPIRY)
    assert await login_id(database, EXPIRY + shift) == first
    login = (await known(database)).login
    assert login is not None
    assert login.first_expires_at == EXPIRY


@pytest.mark.parametrize("shift", [DAY + timedelta(seconds=1), -DAY - timedelta(seconds=1), 30 * DAY])
async def test_a_wider_shift_is_a_new_token(database: Database, shift: timedelta) -> None:
    """Anything else is a new token, which remembers the one it followed."""
    first = await login_id(database, EXPIRY)
    assert await login_id(database, EXPIRY + shift) != first
    login = (await known(database)).login
    assert login is not None
    assert (login.previous_id, login.first_expires_at) == (first, EXPIRY + shift)


async def test_creeping_shifts_are_measured_from_the_first(database: Database) -> None:
    """Many small shifts don't add up unseen: a day away from the first expiry a new token begins."""
    first = await login_id(database, EXPIRY)
    assert await login_id(database, EXPIRY + 20 * HOUR) == first
    assert await login_id(database, EXPIRY + 40 * HOUR) != first


async def test_two_values_that_alternate_make_two_tokens(database: Database) -> None:
    """An expiry that jumps to and fro is one of two tokens each time, not a new one at each jump."""
    ids = [await login_id(database, EXPIRY + (number % 2) * 5 * DAY) for number in range(6)]
    assert ids == ids[:2] * 3
    assert len(set(ids)) == 2


async def test_tokens_of_two_accounts_are_two(database: Database) -> None:
    """Accounts that expire at the same moment don't share a token."""
    await read(database, account(), account("2"))
    one, two = (await known(database)).login, (await known(database, "2")).login
    assert one is not None
    assert two is not None
    assert one.id != two.id


async def test_an_expiry_that_is_missing_for_once_changes_no_token(database: Database) -> None:
    """A read without an expiry keeps the token, and the next one with it is still the same."""
    first = await login_id(database, EXPIRY)
    await read(database, account(expires_at=None))
    login = (await known(database)).login
    assert login is not None
    assert login.id == first
    assert await login_id(database, EXPIRY) == first


async def test_the_longest_life_ever_seen_counts(database: Database) -> None:
    """A token's life is its date of issue to its expiry, or what was left of it when first seen, whichever is more."""
    bare = Account("123456", expires_at=NOW + 20 * DAY)
    for issued_at, at, life in [(None, NOW, 20), (None, NOW + DAY, 20), (NOW - 10 * DAY, NOW + DAY, 30)]:
        await read(database, Account("123456", expires_at=bare.expires_at, issued_at=issued_at), now=at)
        login = (await known(database)).login
        assert login is not None
        assert login.life == life * DAY


async def test_an_expired_token_has_no_life_that_is_known(database: Database) -> None:
    """A token first seen after its end, without a date of issue, has none."""
    await read(database, Account("123456", expires_at=NOW - DAY))
    login = (await known(database)).login
    assert login is not None
    assert login.life is None


async def test_a_new_token_forgets_what_was_still_to_be_said_of_the_old(database: Database) -> None:
    """Waiting steps of the old token are dropped; what was under way or covered, and other tokens' steps, stay."""
    first = await login_id(database, EXPIRY)
    async with database.begin() as tx:
        await plan(tx, [stage(7, ref=first)], NOW)
        await claim(tx, await get_pending(tx, CHANNEL), nonce="n", payload="{}", epoch=1, now=NOW)
        await cover(tx, [stage(14, ref=first)], NOW)
        await plan(tx, [stage(3, ref=first)], NOW)
        await plan(tx, [stage(3, ref=first + 100, account_id="2")], NOW)
    await login_id(database, EXPIRY + 30 * DAY)
    async with database.begin() as tx:
        assert [one.ref for one in await get_pending(tx, CHANNEL)] == [first + 100]
        heard = (await get_heard(tx, {CHANNEL}, {first}))[CHANNEL, "123456", first]
    assert heard == Heard(in_flight=frozenset({7}), covered=frozenset({14}))


async def test_who_was_on_an_old_token_is_forgotten(database: Database) -> None:
    """Who took a token on is known while it is the current one or the last; other accounts' people are left alone."""
    first = await login_id(database, EXPIRY)
    taken = Assignment(7, NOW)
    async with database.begin() as tx:
        for subject in (("123456", 0), ("123456", first), ("2", first)):
            await put_assignment(tx, GUILD, CHANNEL, subject, taken)
    second = await login_id(database, EXPIRY + 30 * DAY)
    async with database.begin() as tx:
        await put_assignment(tx, GUILD, CHANNEL, ("123456", second), taken)
        of_both = {(CHANNEL, ("123456", first)), (CHANNEL, ("123456", second)), (CHANNEL, ("2", first))}
        assert set(await get_assignments(tx, {CHANNEL})) == of_both
    await login_id(database, EXPIRY)
    await login_id(database, EXPIRY + 30 * DAY)
    async with database.begin() as tx:
        assert set(await get_assignments(tx, {CHANNEL})) == of_both
    await login_id(database, EXPIRY + 60 * DAY)
    async with database.begin() as tx:
        assert set(await get_assignments(tx, {CHANNEL})) == of_both - {(CHANNEL, ("123456", first))}
