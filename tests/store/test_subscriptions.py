"""Subscriptions in the database."""

from dataclasses import replace

from bot.core.subscriptions import NewSubscription, Subscription
from bot.store.database import Database
from bot.store.subscriptions import (
    delete_subscription,
    get_active_subscriptions,
    get_due_subscriptions,
    get_subscription,
    get_subscriptions,
    get_subscriptions_in,
    put_subscription,
    set_next_checks,
    set_paused,
)
from tests.support.store.samples import CHANNEL, DAY, GUILD, NOW, OTHER_CHANNEL, new_subscription


async def put(database: Database, *new: NewSubscription) -> list[Subscription]:
    """Save subscriptions whose next check is a day away."""
    async with database.begin() as tx:
        stored = [(await put_subscription(tx, one))[0] for one in new]
        await set_next_checks(tx, {one.id: NOW + DAY for one in stored})
    return [replace(one, next_check_at=NOW + DAY) for one in stored]


async def due(database: Database, *changed: str, days: float = 0) -> list[str | None]:
    """Return the accounts of the subscriptions that are due so many days later, if these accounts changed."""
    async with database.begin() as tx:
        return [one.account_id for one in await get_due_subscriptions(tx, {GUILD}, NOW + days * DAY, changed)]


async def test_saves_a_subscription_as_it_was_asked_for(database: Database) -> None:
    """Every field comes back, ids of Discord's size among them, and the subscription is due for a check."""
    new = new_subscription("12/3 \N{FOX FACE}'\"")
    async with database.begin() as tx:
        stored, replaced = await put_subscription(tx, new)
    assert replaced is None
    assert stored.next_check_at < NOW
    assert not stored.is_for_all
    assert NewSubscription(**{name: getattr(stored, name) for name in NewSubscription.__dataclass_fields__}) == new
    async with database.begin() as tx:
        assert await get_subscriptions(tx, GUILD) == [stored]


async def test_saves_a_subscription_without_a_role_on_all_accounts(database: Database) -> None:
    """A role can be left out, and no account id stands for all accounts."""
    async with database.begin() as tx:
        stored, _ = await put_subscription(tx, replace(new_subscription(None), role_id=None))
    assert stored.is_for_all
    assert stored.role_id is None


async def test_replaces_wholly_and_keeps_the_id(database: Database) -> None:
    """The same account in the same channel, and all accounts too, is one subscription: all of it is replaced."""
    for account_id in ("123456", None):
        (before,) = await put(database, new_subscription(account_id))
        new = NewSubscription(GUILD, CHANNEL, "renamed", account_id, (3,), None, 6)
        async with database.begin() as tx:
            stored, replaced = await put_subscription(tx, new)
        assert replaced == before
        assert stored.id == before.id
        assert (stored.channel_name, stored.lead_times, stored.role_id, stored.added_by) == ("renamed", (3,), None, 6)
    async with database.begin() as tx:
        assert len(await get_subscriptions(tx, GUILD)) == 2
    assert await due(database) == ["123456", None]


async def test_other_channels_and_accounts_are_other_subscriptions(database: Database) -> None:
    """A subscription is identified by its channel and account: no other one is replaced."""
    await put(
        database,
        new_subscription(),
        new_subscription("2"),
        new_subscription(None),
        new_subscription(channel_id=OTHER_CHANNEL),
        new_subscription(None, OTHER_CHANNEL),
    )
    async with database.begin() as tx:
        assert len(await get_subscriptions(tx, GUILD)) == 5


async def test_each_guild_gets_its_own(database: Database) -> None:
    """Subscriptions are selected by guild and by channel, oldest first."""
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


async def test_is_found_in_its_own_guild_only(database: Database) -> None:
    """An id of another guild, or of none, finds nothing; its own guild finds the subscription until it is deleted."""
    (stored,) = await put(database, new_subscription())
    async with database.begin() as tx:
        assert await get_subscription(tx, 7, stored.id) is None
        assert await get_subscription(tx, GUILD, stored.id + 1) is None
        assert await get_subscription(tx, GUILD, 10**18 - 1) is None
        assert await get_subscription(tx, GUILD, stored.id) == stored
        await delete_subscription(tx, stored)
        assert await get_subscription(tx, GUILD, stored.id) is None
        assert await get_subscriptions(tx, GUILD) == []


async def test_a_paused_subscription_is_not_due_until_it_is_resumed(database: Database) -> None:
    """Whatever changes, a paused subscription is not due; it is as soon as it is resumed, or added again."""
    stored, _ = await put(database, new_subscription(), new_subscription("2"))
    async with database.begin() as tx:
        await set_paused(tx, stored, NOW)
        assert [one.account_id for one in await get_active_subscriptions(tx, {GUILD})] == ["2"]
        paused = await get_subscription(tx, GUILD, stored.id)
    assert paused is not None
    assert paused.paused_at == NOW
    assert await due(database, "123456", days=9) == ["2"]
    async with database.begin() as tx:
        await set_paused(tx, stored, None)
    assert await due(database) == ["123456"]
    async with database.begin() as tx:
        await set_paused(tx, stored, NOW)
        added, replaced = await put_subscription(tx, new_subscription())
    assert replaced is not None
    assert (replaced.paused_at, added.paused_at) == (NOW, None)


async def test_a_deletion_makes_the_others_of_its_channel_due(database: Database) -> None:
    """When one account's subscription goes, the one on all in that channel may cover it; other channels are not due."""
    single, _, _ = await put(database, new_subscription(), new_subscription(None), new_subscription("2", OTHER_CHANNEL))
    assert await due(database) == []
    async with database.begin() as tx:
        await delete_subscription(tx, single)
    assert await due(database) == [None]


async def test_is_due_in_time_or_when_its_account_changed(database: Database) -> None:
    """Subscriptions are due when their time has come, or if their account, or any of all accounts, changed."""
    one, _, _ = await put(database, new_subscription(), new_subscription("2"), new_subscription(None))
    async with database.begin() as tx:
        await set_next_checks(tx, {one.id: NOW + 3 * DAY})
    assert await due(database) == []
    assert await due(database, "123456") == ["123456", None]
    assert await due(database, "999") == [None]
    assert await due(database, days=1) == ["2", None]
    assert await due(database, days=3) == ["123456", "2", None]
    assert await due(database, "2", days=3) == ["123456", "2", None]
