"""Tests of the stored watches."""

from dataclasses import replace

from bot.store.database import Database
from bot.store.subscriptions import (
    NewSubscription,
    Subscription,
    delete_subscription,
    get_active_subscriptions,
    get_due_subscriptions,
    get_subscription,
    get_subscriptions,
    get_subscriptions_in,
    pause_subscription,
    put_subscription,
    schedule_checks,
)
from bot.store.tables import ALL_ACCOUNTS
from tests.support.store.samples import CHANNEL, DAY, GUILD, NOW, OTHER_CHANNEL, new_subscription


async def put(database: Database, *new: NewSubscription) -> list[Subscription]:
    """Store watches and put off the next look at them by a day."""
    async with database.begin() as tx:
        stored = [(await put_subscription(tx, one, NOW))[0] for one in new]
        await schedule_checks(tx, {one.id: NOW + DAY for one in stored})
    return [replace(one, next_check_at=NOW + DAY) for one in stored]


async def looked_at(database: Database, *changed: str, days: float = 0) -> list[str]:
    """Return the accounts whose watches are looked at so many days later, if these accounts changed."""
    async with database.begin() as tx:
        return [one.account_id for one in await get_due_subscriptions(tx, {GUILD}, NOW + days * DAY, changed)]


async def test_stores_a_watch_as_it_is_asked_for(database: Database) -> None:
    """Every part of a watch comes back, ids of Discord's size among them, and it is looked at in the next pass."""
    new = new_subscription("12/3 \N{FOX FACE}'\"")
    async with database.begin() as tx:
        stored, replaced = await put_subscription(tx, new, NOW)
    assert replaced is None
    assert stored.next_check_at < NOW
    assert not stored.is_for_all
    assert NewSubscription(**{name: getattr(stored, name) for name in NewSubscription.__dataclass_fields__}) == new
    async with database.begin() as tx:
        assert await get_subscriptions(tx, GUILD) == [stored]


async def test_stores_a_watch_without_a_role_on_all_accounts(database: Database) -> None:
    """A role can be left out, and no account's id means all."""
    async with database.begin() as tx:
        stored, _ = await put_subscription(
            tx, replace(new_subscription(ALL_ACCOUNTS), role_id=None, role_name=None), NOW
        )
    assert stored.is_for_all
    assert (stored.role_id, stored.role_name) == (None, None)


async def test_replaces_wholly_and_keeps_the_id(database: Database) -> None:
    """The same account in the same channel is one watch: all of it is replaced, and it is looked at anew."""
    (before,) = await put(database, new_subscription())
    new = NewSubscription(GUILD, CHANNEL, "renamed", "123456", (3,), None, None, 6)
    async with database.begin() as tx:
        stored, replaced = await put_subscription(tx, new, NOW)
        assert await get_subscriptions(tx, GUILD) == [stored]
    assert replaced == before
    assert stored.id == before.id
    assert (stored.channel_name, stored.days, stored.role_id, stored.added_by) == ("renamed", (3,), None, 6)
    assert await looked_at(database) == ["123456"]


async def test_other_channels_and_accounts_are_other_watches(database: Database) -> None:
    """A watch is one of its channel and account: no other one is replaced."""
    await put(
        database,
        new_subscription(),
        new_subscription("2"),
        new_subscription(ALL_ACCOUNTS),
        new_subscription(channel_id=OTHER_CHANNEL),
    )
    async with database.begin() as tx:
        assert len(await get_subscriptions(tx, GUILD)) == 4


async def test_each_server_sees_its_own(database: Database) -> None:
    """Watches are told apart by server and by channel, oldest first."""
    one, two, three = await put(
        database, new_subscription(), new_subscription("2", OTHER_CHANNEL), new_subscription(channel_id=77, guild_id=7)
    )
    async with database.begin() as tx:
        assert await get_subscriptions(tx, GUILD) == [one, two]
        assert await get_subscriptions(tx, 7) == [three]
        assert await get_subscriptions(tx, 8) == []
        assert await get_subscriptions_in(tx, {OTHER_CHANNEL, 77}) == [two, three]
        assert await get_subscriptions_in(tx, []) == []
        assert await get_active_subscriptions(tx, {GUILD, 7}) == [one, two, three]
        assert await get_active_subscriptions(tx, {7}) == [three]
        assert await get_due_subscriptions(tx, {7}, NOW + DAY, []) == [three]


async def test_finds_only_in_its_own_server(database: Database) -> None:
    """An id of another server, or of none, finds nothing; its own server finds the watch until it is removed."""
    (stored,) = await put(database, new_subscription())
    async with database.begin() as tx:
        assert await get_subscription(tx, 7, stored.id) is None
        assert await get_subscription(tx, GUILD, stored.id + 1) is None
        assert await get_subscription(tx, GUILD, 10**18 - 1) is None
        assert await get_subscription(tx, GUILD, stored.id) == stored
        await delete_subscription(tx, stored)
        assert await get_subscription(tx, GUILD, stored.id) is None
        assert await get_subscriptions(tx, GUILD) == []


async def test_a_paused_watch_is_not_looked_at_until_it_is_resumed(database: Database) -> None:
    """Whatever changes, a paused watch stays silent; it is looked at as soon as it is resumed, or added again."""
    stored, _ = await put(database, new_subscription(), new_subscription("2"))
    async with database.begin() as tx:
        await pause_subscription(tx, stored, NOW)
        assert [one.account_id for one in await get_active_subscriptions(tx, {GUILD})] == ["2"]
        paused = await get_subscription(tx, GUILD, stored.id)
    assert paused is not None
    assert paused.paused_at == NOW
    assert await looked_at(database, "123456", days=9) == ["2"]
    async with database.begin() as tx:
        await pause_subscription(tx, stored, None)
    assert await looked_at(database) == ["123456"]
    async with database.begin() as tx:
        await pause_subscription(tx, stored, NOW)
        added, replaced = await put_subscription(tx, new_subscription(), NOW)
    assert replaced is not None
    assert (replaced.paused_at, added.paused_at) == (NOW, None)


async def test_a_removal_lets_its_channel_be_looked_at_anew(database: Database) -> None:
    """When one account's watch goes, the one on all in that channel is in charge again; other channels are not."""
    single, _, _ = await put(
        database, new_subscription(), new_subscription(ALL_ACCOUNTS), new_subscription("2", OTHER_CHANNEL)
    )
    assert await looked_at(database) == []
    async with database.begin() as tx:
        await delete_subscription(tx, single)
    assert await looked_at(database) == [ALL_ACCOUNTS]


async def test_looks_at_what_is_due_or_changed(database: Database) -> None:
    """A pass looks at watches whose time has come, and at those on accounts that changed, or on all accounts."""
    one, _, _ = await put(database, new_subscription(), new_subscription("2"), new_subscription(ALL_ACCOUNTS))
    async with database.begin() as tx:
        await schedule_checks(tx, {one.id: NOW + 3 * DAY})
    assert await looked_at(database) == []
    assert await looked_at(database, "123456") == ["123456", ALL_ACCOUNTS]
    assert await looked_at(database, "999") == [ALL_ACCOUNTS]
    assert await looked_at(database, days=1) == ["2", ALL_ACCOUNTS]
    assert await looked_at(database, days=3) == ["123456", "2", ALL_ACCOUNTS]
    assert await looked_at(database, "2", days=3) == ["123456", "2", ALL_ACCOUNTS]
