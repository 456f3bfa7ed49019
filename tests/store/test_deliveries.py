"""Tests of what is owed, and what was said."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.core.stages import Heard
from bot.store.channel_failures import ChannelFailure, put_channel_failure
from bot.store.database import Database
from bot.store.notifications import (
    Kind,
    State,
    count_notifications,
    cover,
    drop,
    drop_overdue,
    get_heard,
    get_next_attempt,
    get_pending,
    get_ready_channels,
    get_recently_heard,
    plan,
)
from tests.support.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, OTHER_CHANNEL, stage
from tests.support.store.sending import claim_all, heard, owe, pending, sent, unsettled


async def test_plans_once(database: Database) -> None:
    """The same step of the same token is owed once to a channel, however often it is planned; all else is its own."""
    others = [stage(3), stage(7, ref=2), stage(7, account_id="2"), stage(7, channel_id=OTHER_CHANNEL)]
    renewed = replace(stage(0), kind=Kind.RENEWED)
    for _ in range(3):
        await owe(database, stage(7), *others, stage(0), renewed)
    assert await pending(database) == [stage(7), *others[:3], stage(0), renewed]
    assert await pending(database, OTHER_CHANNEL) == others[3:]


@pytest.mark.parametrize("fate", ["under way", "sent", "covered"])
async def test_plans_nothing_that_was_ever_owed(database: Database, fate: str) -> None:
    """What is under way, sent or covered is not owed again."""
    if fate == "covered":
        async with database.begin() as tx:
            await cover(tx, [stage(7)], NOW)
    else:
        await owe(database, stage(7))
        message = await claim_all(database)
        if fate == "sent":
            await sent(database, message)
    await owe(database, stage(7))
    assert await pending(database) == []


async def test_what_channels_were_told_of_lately(database: Database) -> None:
    """Each token told or owed within the time counts; neither what was covered nor trouble does."""
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
            await plan(tx, [one, replace(one, channel_id=OTHER_CHANNEL)], NOW + hours * HOUR)
            await cover(tx, [stage(7, ref=6)], NOW)
    async with database.begin() as tx:
        lately = await get_recently_heard(tx, {CHANNEL}, NOW - DAY, NOW)
        assert await get_recently_heard(tx, set(), NOW - DAY, NOW) == {}
    assert lately == {(CHANNEL, "123456"): {1, 2}}


async def test_covers_what_is_owed_and_what_is_not_yet(database: Database) -> None:
    """A wider step becomes needless whether it waits or was never owed; what was sent or is under way stays so."""
    await owe(database, stage(14))
    await sent(database, await claim_all(database))
    await owe(database, stage(7))
    await claim_all(database, "under way")
    await owe(database, stage(3), stage(3, ref=2))
    async with database.begin() as tx:
        for days in (14, 7, 3, 1):
            await cover(tx, [stage(days)], NOW)
    assert await heard(database) == Heard(
        sent=frozenset({14}), in_flight=frozenset({7}), covered=frozenset({3, 1}), pending=frozenset()
    )
    assert await pending(database) == [stage(3, ref=2)]


async def test_tells_what_was_said_of_each_token(database: Database) -> None:
    """Steps are told by token, account and channel; a renewal that is owed counts as said."""
    await owe(database, stage(7), replace(stage(0), kind=Kind.RENEWED), replace(stage(0), kind=Kind.ERROR))
    assert await heard(database) == Heard(pending=frozenset({7}), renewal_heard=True)
    assert await heard(database, ref=2) == Heard()
    async with database.begin() as tx:
        assert await get_heard(tx, {OTHER_CHANNEL}, {1}) == {}
        assert await get_heard(tx, [], []) == {}


@pytest.mark.parametrize(("failures", "most"), [(1, 1), (2, 3), (3, 6), (9, 6)])
async def test_a_wait_is_no_longer_than_any(database: Database, failures: int, most: int) -> None:
    """A clock that was set back makes no channel wait longer than it waits at most after so many failures."""
    await owe(database, stage(7))
    waits = [HOUR, 3 * HOUR, 6 * HOUR]
    async with database.begin() as tx:
        await put_channel_failure(tx, ChannelFailure(GUILD, CHANNEL, failures, NOW, NOW, "no", is_lasting=True))
        assert await get_ready_channels(tx, [GUILD], NOW - most * HOUR, waits) == []
        assert await get_ready_channels(tx, [GUILD], NOW - (most + 1) * HOUR, waits) == [CHANNEL]


async def test_what_covered_the_wider_steps_uncovers_them_when_it_is_dropped(database: Database) -> None:
    """A step that was never said has made nothing needless; what was covered by another stays so."""
    async with database.begin() as tx:
        await cover(tx, [stage(14)], NOW - DAY)
        await plan(tx, [stage(1)], NOW)
        for days in (7, 3):
            await cover(tx, [stage(days)], NOW)
        await drop(tx, [one.id for one in await get_pending(tx, CHANNEL)])
    assert await heard(database) == Heard(covered=frozenset({14}))


async def test_drops_only_what_waits(database: Database) -> None:
    """Dropping by row or by age deletes what waits, never what is under way."""
    await owe(database, stage(14))
    message = await claim_all(database)
    await owe(database, stage(7), stage(3), stage(3, account_id="2"), stage(3, channel_id=OTHER_CHANNEL))
    async with database.begin() as tx:
        await drop(tx, [(await get_pending(tx, CHANNEL))[0].id])
        assert [one.stage for one in await get_pending(tx, CHANNEL)] == [3, 3]
        await drop(tx, [one.id for one in await get_pending(tx, CHANNEL) if one.account_id == "2"])
        assert [one.account_id for one in await get_pending(tx, CHANNEL)] == ["123456"]
        await drop_overdue(tx, CHANNEL, NOW)
        assert len(await get_pending(tx, CHANNEL)) == 1
        await drop(tx, [one.id for one in await get_pending(tx, CHANNEL)])
        assert await get_pending(tx, CHANNEL) == []
        assert len(await get_pending(tx, OTHER_CHANNEL)) == 1
        await drop_overdue(tx, CHANNEL, NOW + HOUR)
        assert len(await get_pending(tx, OTHER_CHANNEL)) == 1
        await drop_overdue(tx, OTHER_CHANNEL, NOW + HOUR)
        assert await get_pending(tx, OTHER_CHANNEL) == []
    assert await unsettled(database) == [message]
    await owe(database, stage(7))
    assert await pending(database) == [stage(7)]


async def test_channels_are_ready_unless_they_refuse(database: Database) -> None:
    """Channels come in the order in which they began to wait, one that refuses once its next try is due."""
    await owe(database, stage(7, channel_id=OTHER_CHANNEL), stage(7), stage(3, channel_id=OTHER_CHANNEL))
    refusing = ChannelFailure(GUILD, OTHER_CHANNEL, 1, NOW, NOW + HOUR, "no", is_lasting=True)
    async with database.begin() as tx:
        assert await get_ready_channels(tx, [GUILD], NOW, [HOUR]) == [OTHER_CHANNEL, CHANNEL]
        await put_channel_failure(tx, refusing)
        assert await get_ready_channels(tx, [GUILD], NOW, [HOUR]) == [CHANNEL]
        assert await get_ready_channels(tx, [GUILD], NOW + HOUR, [HOUR]) == [OTHER_CHANNEL, CHANNEL]


async def test_counts_what_is_owed_and_was_sent_of_late(database: Database) -> None:
    """A server's deliveries are counted by state; those that were sent count for as long as is asked."""
    await owe(database, stage(7), stage(3))
    await sent(database, await claim_all(database))
    await owe(database, stage(7, ref=2), stage(7, channel_id=OTHER_CHANNEL), replace(stage(1), guild_id=7))
    async with database.begin() as tx:
        assert await count_notifications(tx, GUILD, NOW) == {State.SENT: 2, State.PENDING: 2}
        assert await count_notifications(tx, GUILD, NOW + HOUR) == {State.PENDING: 2}
        assert await count_notifications(tx, 8, NOW) == {}


async def test_the_next_try_is_the_first_channels(database: Database) -> None:
    """What is owed waits for its channel's next try, or for nothing at all; other servers' channels don't count."""

    async def next_try() -> datetime | None:
        async with database.begin() as tx:
            return await get_next_attempt(tx, [GUILD])

    await owe(database, replace(stage(7), guild_id=7))
    assert await next_try() is None
    await owe(database, stage(7), stage(7, channel_id=OTHER_CHANNEL))
    async with database.begin() as tx:
        await put_channel_failure(tx, ChannelFailure(GUILD, CHANNEL, 1, NOW, NOW + 6 * HOUR, "no", is_lasting=True))
        await put_channel_failure(tx, ChannelFailure(GUILD, OTHER_CHANNEL, 1, NOW, NOW + HOUR, "no", is_lasting=True))
    assert await next_try() == NOW + HOUR
    await owe(database, stage(7, channel_id=99))
    at_once = await next_try()
    assert at_once is not None
    assert at_once < NOW
