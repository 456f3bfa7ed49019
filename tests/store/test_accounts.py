"""Accounts and logins in the database."""

from dataclasses import replace

from bot.core.accounts import AccountSnapshot
from bot.core.incidents import Incident, OpenIncident
from bot.core.logins import Doubt, Login
from bot.core.notifications import Kind
from bot.store.accounts import get_logins, get_namesakes, get_snapshots, put_logins, put_snapshots, touch_snapshots
from bot.store.database import Database
from bot.store.incidents import put_incidents
from tests.support.store.samples import DAY, EXPIRY, HOUR, NOW, account

LOGIN = Login(0, "123456", EXPIRY, 30 * DAY, None, "7", NOW)


async def test_a_snapshot_comes_back_as_it_was_read(database: Database) -> None:
    """Everything known about an account comes back, capabilities and odd names too, with its login."""
    async with database.begin() as tx:
        (login,) = (await put_logins(tx, [LOGIN])).values()
        snapshot = AccountSnapshot(account(), NOW, login)
        bare = AccountSnapshot(account("2", expires_at=None), NOW)
        await put_snapshots(tx, [snapshot, bare])
        await put_snapshots(tx, [])
    async with database.begin() as tx:
        assert await get_snapshots(tx) == {"123456": snapshot, "2": bare}
        assert await get_snapshots(tx, ["2"]) == {"2": bare}
        assert await get_snapshots(tx, ["999"]) == {}
        assert await get_snapshots(tx, []) == {}


async def test_accounts_with_the_same_name_are_found(database: Database) -> None:
    """Only the whole name counts, whatever is in it; accounts without a name have no namesakes."""
    odd, long = "J\"%_\\\u00e9'", "J" * 150
    names = ["Sam Reed", "Sam Reed", "Sam", "sam", odd, odd, f"{odd}x", long, long, f"{long}x", None, None, ""]
    accounts = [replace(account(str(number)), name=name) for number, name in enumerate(names)]
    async with database.begin() as tx:
        await put_snapshots(tx, [AccountSnapshot(one, NOW) for one in accounts])
        assert await get_namesakes(tx, accounts) == {"0", "1", "4", "5", "7", "8"}
        assert await get_namesakes(tx, accounts[1:4]) == {"1"}
        assert await get_namesakes(tx, []) == set()


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


async def test_a_doubt_is_kept_until_it_ends(database: Database) -> None:
    """An expiry that was read once is kept beside the login, through a restart; a later snapshot without it ends it."""
    doubt = Doubt(EXPIRY + 30 * DAY, NOW - HOUR)
    async with database.begin() as tx:
        (login,) = (await put_logins(tx, [LOGIN])).values()
        doubted = AccountSnapshot(account(expires_at=doubt.expires_at), NOW, login, doubt)
        await put_snapshots(tx, [doubted, AccountSnapshot(account("2"), NOW)])
    async with database.begin() as tx:
        snapshot = (await get_snapshots(tx))["123456"]
        assert snapshot == doubted
        assert snapshot.believed.expires_at == EXPIRY
        await put_snapshots(tx, [replace(doubted, doubt=None)])
    async with database.begin() as tx:
        assert (await get_snapshots(tx))["123456"].doubt is None


async def test_a_snapshot_has_its_open_incidents(database: Database) -> None:
    """Open incidents come with the account they are about; ended ones, and those of all accounts, do not."""
    is_open = Incident(bad_polls=2, bad_since=NOW - HOUR, number=3, is_open=True, began_at=NOW - HOUR)
    async with database.begin() as tx:
        await put_snapshots(tx, [AccountSnapshot(account(one), NOW) for one in ("1", "2", "3")])
        await put_incidents(tx, Kind.ERROR, {"1": is_open})
        await put_incidents(tx, Kind.UNDATED, {"1": is_open})
        await put_incidents(tx, Kind.ERROR, {"2": Incident(good_since=NOW, number=3)})
        await put_incidents(tx, Kind.UNREADABLE, {None: is_open})
        await put_incidents(tx, Kind.MISSING, {"4": is_open})
    async with database.begin() as tx:
        found = {key: one.incidents for key, one in (await get_snapshots(tx)).items()}
        assert (await get_snapshots(tx, ["1"]))["1"].has_incident(Kind.UNDATED)
    assert set(found.pop("1")) == {OpenIncident(kind, 3, NOW - HOUR) for kind in (Kind.ERROR, Kind.UNDATED)}
    assert found == {"2": (), "3": ()}


async def test_a_login_is_saved_once_and_changed_in_place(database: Database) -> None:
    """A new login gets an id; saved again it changes, and no other one."""
    async with database.begin() as tx:
        (first,) = (await put_logins(tx, [LOGIN])).values()
        (second,) = (
            await put_logins(tx, [replace(LOGIN, expires_at=NOW + 40 * DAY, previous_id=first.id, life=None)])
        ).values()
        (changed,) = (await put_logins(tx, [replace(first, expires_at=NOW + 13 * DAY)])).values()
        assert changed.id == first.id
        assert second == replace(LOGIN, id=second.id, expires_at=NOW + 40 * DAY, previous_id=first.id, life=None)
        assert await get_logins(tx, {first.id, second.id, 99}) == {first.id: changed, second.id: second}
        assert await get_logins(tx, []) == {}
