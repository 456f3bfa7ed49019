"""Notifications in the database: planned once each, superseded, deleted while pending."""

from dataclasses import replace

import pytest

from bot.core.notifications import Kind, Notification, State
from bot.core.stages import Heard
from bot.store.database import Database
from bot.store.notifications import (
    add_pending,
    count_by_state,
    delete_overdue,
    delete_pending,
    delete_pending_stages,
    get_heard,
    get_pending,
    get_pending_channels,
    get_recent_logins,
    supersede,
)
from tests.support.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, OTHER_CHANNEL, stage
from tests.support.store.sending import heard, in_flight, pending, planned, sent, unsettled


async def test_plans_once(database: Database) -> None:
    """One stage of one login is planned once for a channel, however often; every other key is a notification too."""
    others = [stage(3), stage(7, ref=2), stage(7, account_id="2"), stage(7, channel_id=OTHER_CHANNEL)]
    renewed = replace(stage(0), kind=Kind.RENEWED)
    for _ in range(3):
        await planned(database, stage(7), *others, stage(0), renewed)
    assert await pending(database) == [stage(7), *others[:3], stage(0), renewed]
    assert await pending(database, OTHER_CHANNEL) == others[3:]


async def test_plans_once_for_the_accounts_as_a_whole(database: Database) -> None:
    """A notification without an account is unique too: one per channel and incident."""
    unreadable = [Notification(GUILD, CHANNEL, None, Kind.UNREADABLE, number) for number in (1, 2)]
    for _ in range(3):
        await planned(database, *unreadable)
    assert await pending(database) == unreadable


@pytest.mark.parametrize("fate", ["in flight", "sent", "superseded"])
async def test_plans_nothing_twice(database: Database, fate: str) -> None:
    """A notification that is in flight, sent or superseded is not planned again."""
    if fate == "superseded":
        async with database.begin() as tx:
            await supersede(tx, [stage(7)], NOW)
    else:
        await planned(database, stage(7))
        message = await in_flight(database)
        if fate == "sent":
            await sent(database, message)
    await planned(database, stage(7))
    assert await pending(database) == []


async def test_recent_logins(database: Database) -> None:
    """Each login with a notification within the time counts; superseded notifications and incidents don't."""
    renewed, error = replace(stage(0, ref=2), kind=Kind.RENEWED), replace(stage(0, ref=9), kind=Kind.ERROR)
    for hours, one in [
        (-30, stage(7, ref=5)),
        (-9, stage(7)),
        (-5, stage(3)),
        (-2, renewed),
        (-1, error),
        (1, stage(1)),
    ]:
        async with database.begin() as tx:
            await add_pending(tx, [one, replace(one, channel_id=OTHER_CHANNEL)], NOW + hours * HOUR)
            await supersede(tx, [stage(7, ref=6)], NOW)
    async with database.begin() as tx:
        recent = await get_recent_logins(tx, {CHANNEL}, NOW - DAY, NOW)
        assert await get_recent_logins(tx, set(), NOW - DAY, NOW) == {}
    assert recent == {(CHANNEL, "123456"): {1, 2}}


async def test_supersedes_pending_and_unplanned_stages(database: Database) -> None:
    """A wider stage is superseded whether it is pending or was never planned; sent ones and ones in flight stay so."""
    await planned(database, stage(14))
    await sent(database, await in_flight(database))
    await planned(database, stage(7))
    await in_flight(database, "in flight")
    await planned(database, stage(3), stage(3, ref=2))
    async with database.begin() as tx:
        for days in (14, 7, 3, 1):
            await supersede(tx, [stage(days)], NOW)
    assert await heard(database) == Heard(
        sent=frozenset({14}), in_flight=frozenset({7}), superseded=frozenset({3, 1}), pending=frozenset()
    )
    assert await pending(database) == [stage(3, ref=2)]


async def test_what_a_channel_heard_is_by_login(database: Database) -> None:
    """Stages are found by channel and login; a pending renewal counts as heard."""
    await planned(database, stage(7), replace(stage(0), kind=Kind.RENEWED), replace(stage(0), kind=Kind.ERROR))
    assert await heard(database) == Heard(pending=frozenset({7}), renewal=True)
    assert await heard(database, ref=2) == Heard()
    async with database.begin() as tx:
        assert await get_heard(tx, {OTHER_CHANNEL}, {1}) == {}
        assert await get_heard(tx, [], []) == {}


async def test_a_deleted_stage_supersedes_nothing(database: Database) -> None:
    """Stages that a never sent stage superseded are free again; those that another one superseded stay so."""
    async with database.begin() as tx:
        await supersede(tx, [stage(14)], NOW - DAY)
        await add_pending(tx, [stage(1)], NOW)
        for days in (7, 3):
            await supersede(tx, [stage(days)], NOW)
        await delete_pending(tx, [one.id for one in await get_pending(tx, CHANNEL)])
    assert await heard(database) == Heard(superseded=frozenset({14}))


async def test_deletes_only_pending_notifications(database: Database) -> None:
    """Deleting by id or by age removes pending notifications, never those in flight."""
    await planned(database, stage(14))
    message = await in_flight(database)
    await planned(database, stage(7), stage(3), stage(3, account_id="2"), stage(3, channel_id=OTHER_CHANNEL))
    async with database.begin() as tx:
        await delete_pending(tx, [(await get_pending(tx, CHANNEL))[0].id])
        assert [one.stage for one in await get_pending(tx, CHANNEL)] == [3, 3]
        await delete_pending(tx, [one.id for one in await get_pending(tx, CHANNEL) if one.account_id == "2"])
        assert [one.account_id for one in await get_pending(tx, CHANNEL)] == ["123456"]
        await delete_overdue(tx, CHANNEL, NOW)
        assert len(await get_pending(tx, CHANNEL)) == 1
        await delete_pending(tx, [one.id for one in await get_pending(tx, CHANNEL)])
        assert await get_pending(tx, CHANNEL) == []
        assert len(await get_pending(tx, OTHER_CHANNEL)) == 1
        await delete_overdue(tx, CHANNEL, NOW + HOUR)
        assert len(await get_pending(tx, OTHER_CHANNEL)) == 1
        await delete_overdue(tx, OTHER_CHANNEL, NOW + HOUR)
        assert await get_pending(tx, OTHER_CHANNEL) == []
    assert await unsettled(database) == [message]
    await planned(database, stage(7))
    assert await pending(database) == [stage(7)]


async def test_deletes_the_pending_stages_of_a_login(database: Database) -> None:
    """Only stages of that login go; its renewal, other logins and notifications in flight stay."""
    renewed = replace(stage(0), kind=Kind.RENEWED)
    await planned(database, stage(14))
    await in_flight(database)
    await planned(database, stage(7), stage(3), renewed, stage(7, ref=2))
    async with database.begin() as tx:
        await delete_pending_stages(tx, 1)
    assert await pending(database) == [renewed, stage(7, ref=2)]
    assert (await heard(database)).in_flight == {14}


async def test_channels_with_pending_notifications_come_longest_waiting_first(database: Database) -> None:
    """Channels come in the order of their oldest pending notification; other guilds' channels don't count."""
    await planned(database, stage(7, channel_id=OTHER_CHANNEL), stage(7), stage(3, channel_id=OTHER_CHANNEL))
    await planned(database, replace(stage(7, channel_id=99), guild_id=7))
    async with database.begin() as tx:
        assert await get_pending_channels(tx, [GUILD]) == [OTHER_CHANNEL, CHANNEL]
        assert await get_pending_channels(tx, [8]) == []


async def test_counts_by_state(database: Database) -> None:
    """A guild's notifications are counted by state; sent ones only if they were due since the given time."""
    await planned(database, stage(7), stage(3))
    await sent(database, await in_flight(database))
    await planned(database, stage(7, ref=2), stage(7, channel_id=OTHER_CHANNEL), replace(stage(1), guild_id=7))
    async with database.begin() as tx:
        assert await count_by_state(tx, GUILD, NOW) == {State.SENT: 2, State.PENDING: 2}
        assert await count_by_state(tx, GUILD, NOW + HOUR) == {State.PENDING: 2}
        assert await count_by_state(tx, 8, NOW) == {}
