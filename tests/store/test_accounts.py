"""Accounts and logins in the database."""

from dataclasses import replace

from bot.core.accounts import AccountSnapshot
from bot.core.logins import Login
from bot.store.accounts import (
    get_login_history,
    get_logins,
    get_snapshots,
    put_login,
    put_snapshots,
    touch_snapshots,
)
from bot.store.database import Database
from tests.support.store.samples import DAY, HOUR, NOW, account

LOGIN = Login(0, "123456", NOW + 12 * DAY, NOW + 12 * DAY, 30 * DAY, None, "7")


async def test_a_snapshot_comes_back_as_it_was_read(database: Database) -> None:
    """Everything known about an account comes back, capabilities and odd names too, with its login."""
    async with database.begin() as tx:
        login = await put_login(tx, LOGIN)
        snapshot = AccountSnapshot(account(), NOW, login)
        bare = AccountSnapshot(account("2", expires_at=None), NOW)
        await put_snapshots(tx, [snapshot, bare])
        await put_snapshots(tx, [])
    async with database.begin() as tx:
        assert await get_snapshots(tx) == {"123456": snapshot, "2": bare}
        assert await get_snapshots(tx, ["2"]) == {"2": bare}
        assert await get_snapshots(tx, ["999"]) == {}
        assert await get_snapshots(tx, []) == {}


async def test_a_newer_snapshot_replaces_the_older(database: Database) -> None:
    """An account has one snapshot; one that was read again unchanged gets a new time alone."""
    newer = AccountSnapshot(account(expires_at=None), NOW + HOUR)
    async with database.begin() as tx:
        await put_snapshots(tx, [AccountSnapshot(account(), NOW), AccountSnapshot(account("2"), NOW)])
        await put_snapshots(tx, [newer])
        await touch_snapshots(tx, ["2", "999"], NOW + 2 * HOUR)
        await touch_snapshots(tx, [], NOW + 9 * HOUR)
        expected = {"123456": newer, "2": AccountSnapshot(account("2"), NOW + 2 * HOUR)}
        assert await get_snapshots(tx) == expected


async def test_a_login_is_saved_once_and_changed_in_place(database: Database) -> None:
    """A new login gets an id; saved again it changes, and the history of its account stays in order."""
    async with database.begin() as tx:
        first = await put_login(tx, LOGIN)
        second = await put_login(tx, replace(LOGIN, expires_at=NOW + 40 * DAY, previous_id=first.id, life=None))
        other = await put_login(tx, replace(LOGIN, account_id="2"))
        changed = await put_login(tx, replace(first, expires_at=NOW + 13 * DAY))
        assert changed.id == first.id
        assert await get_logins(tx, {first.id, 99}) == {first.id: changed}
        assert await get_login_history(tx) == {"123456": [changed, second], "2": [other]}
