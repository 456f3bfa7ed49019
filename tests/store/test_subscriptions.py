"""Subscriptions in the database."""

from dataclasses import replace

import pytest

from bot.core.subscriptions import NewSubscription, Ping, PingKind, Subscription
from bot.store.database import Database
from bot.store.subscriptions import (
    delete_subscription,
    get_active_subscriptions,
    get_all_subscriptions,
    get_subscription,
    get_subscriptions,
    get_subscriptions_in,
    put_subscription,
    set_paused,
    set_ping,
)
from bot.store.tables import subscriptions
from tests.support.store.samples import CHANNEL, GUILD, NOW, OTHER_CHANNEL, new_subscription


async def put(database: Database, *new: NewSubscription) -> list[Subscription]:
    """Save subscriptions."""
    async with database.begin() as tx:
        return [(await put_subscription(tx, one))[0] for one in new]


@pytest.mark.parametrize("follow_ups", [True, False])
async def test_saves_a_subscription_as_it_was_asked_for(database: Database, *, follow_ups: bool) -> None:
    """Every field comes back, ids of Discord's size among them, and the wish for follow-ups."""
    new = replace(new_subscription("12/3 \N{FOX FACE}'\""), follow_ups=follow_ups)
    async with database.begin() as tx:
        stored, replaced = await put_subscription(tx, new)
    assert replaced is None
    assert not stored.is_for_all
    assert NewSubscription(**{name: getattr(stored, name) for name in NewSubscription.__dataclass_fields__}) == new
    async with database.begin() as tx:
        assert await get_subscriptions(tx, GUILD) == [stored]


async def test_saves_a_subscription_without_a_role_on_all_accounts(database: Database) -> None:
    """A role can be left out, and no account id stands for all accounts."""
    async with database.begin() as tx:
        stored, _ = await put_subscription(tx, replace(new_subscription(None), ping=None))
    assert stored.is_for_all
    assert stored.ping is None


@pytest.mark.parametrize("kind", PingKind)
async def test_a_ping_takes_the_place_of_another(database: Database, kind: PingKind) -> None:
    """A role and a person with an id of Discord's size come back as they were saved; one replaces the other."""
    other = next(one for one in PingKind if one is not kind)
    async with database.begin() as tx:
        await put_subscription(tx, replace(new_subscription(), ping=Ping(other, 2**62)))
        stored, _ = await put_subscription(tx, replace(new_subscription(), ping=Ping(kind, 2**62 + 1)))
        assert await get_subscriptions(tx, GUILD) == [stored]
        assert stored.ping == Ping(kind, 2**62 + 1)
        await set_ping(tx, stored, Ping(other, 7))
        assert [one.ping for one in await get_subscriptions(tx, GUILD)] == [Ping(other, 7)]
        await set_ping(tx, stored, None)
        assert [one.ping for one in await get_subscriptions(tx, GUILD)] == [None]


async def test_replaces_wholly_and_keeps_the_id(database: Database) -> None:
    """The same account in the same channel, and all accounts too, is one subscription: all of it is replaced."""
    for account_id in ("123456", None):
        (before,) = await put(database, new_subscription(account_id))
        new = NewSubscription(GUILD, CHANNEL, account_id, (3,), None, 6, follow_ups=False)
        async with database.begin() as tx:
            stored, replaced = await put_subscription(tx, new)
        assert replaced == before
        assert stored.id == before.id
        assert (stored.lead_times, stored.ping, stored.added_by) == ((3,), None, 6)
        assert not stored.follow_ups
    async with database.begin() as tx:
        assert len(await get_subscriptions(tx, GUILD)) == 2


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
        assert await get_all_subscriptions(tx, {GUILD, 7}) == [one, two, three]
        assert await get_all_subscriptions(tx, {7, 8}) == [three]
        assert await get_all_subscriptions(tx, []) == []


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


async def test_a_paused_subscription_is_not_active_until_it_is_resumed(database: Database) -> None:
    """A paused subscription is stored and inactive; it is active once it is resumed, or added again."""
    stored, other = await put(database, new_subscription(), new_subscription("2"))
    async with database.begin() as tx:
        await set_paused(tx, stored, NOW)
        assert await get_active_subscriptions(tx, {GUILD}) == [other]
        assert await get_subscription(tx, GUILD, stored.id) == replace(stored, paused_at=NOW)
        assert await get_all_subscriptions(tx, {GUILD}) == [replace(stored, paused_at=NOW), other]
        await set_paused(tx, stored, None)
        assert await get_active_subscriptions(tx, {GUILD}) == [stored, other]
        await set_paused(tx, stored, NOW)
        added, replaced = await put_subscription(tx, new_subscription())
    assert replaced is not None
    assert (replaced.paused_at, added.paused_at) == (NOW, None)


async def test_very_many_are_read_to_the_last(database: Database) -> None:
    """More than two pages come back whole and in order, deleted ones and other guilds' left out."""
    row = {name: getattr(new_subscription(), name) for name in NewSubscription.__dataclass_fields__}
    rows = [row | {"account_id": str(number), "lead_times": "7"} for number in range(4_100)]
    async with database.begin() as tx:
        await tx.execute(subscriptions.insert(), rows)
        await tx.execute(subscriptions.insert(), [row | {"guild_id": 7, "lead_times": "7"}])
        await tx.execute(subscriptions.delete().where(subscriptions.c.account_id == "1999"))
        found = await get_all_subscriptions(tx, {GUILD})
    assert [one.account_id for one in found] == [str(number) for number in range(4_100) if number != 1999]
