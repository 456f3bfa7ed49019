"""Tests of what is owed, and what was said."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.core.reminders import Told
from bot.store.database import Database
from bot.store.deliveries import (
    Kind,
    State,
    count_deliveries,
    cover,
    drop,
    drop_overdue,
    get_lately_told,
    get_next_try,
    get_pending,
    get_ready_channels,
    get_told,
    plan,
)
from bot.store.targets import Target, put_target
from tests.store.delivering import claim_all, owe, pending, sent, told, unsettled
from tests.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, OTHER_CHANNEL, step


async def test_plans_once(database: Database) -> None:
    """The same step of the same token is owed once to a channel, however often it is planned; all else is its own."""
    others = [step(3), step(7, ref=2), step(7, account_id="2"), step(7, channel_id=OTHER_CHANNEL)]
    renewed = replace(step(0), kind=Kind.RENEWED)
    for _ in range(3):
        await owe(database, step(7), *others, step(0), renewed)
    assert await pending(database) == [step(7), *others[:3], step(0), renewed]
    assert await pending(database, OTHER_CHANNEL) == others[3:]


@pytest.mark.parametrize("fate", ["under way", "sent", "covered"])
async def test_plans_nothing_that_was_ever_owed(database: Database, fate: str) -> None:
    """What is under way, sent or covered is not owed again."""
    if fate == "covered":
        async with database.begin() as tx:
            await cover(tx, [step(7)], NOW)
    else:
        await owe(database, step(7))
        message = await claim_all(database)
        if fate == "sent":
            await sent(database, message)
    await owe(database, step(7))
    assert await pending(database) == []


async def test_what_channels_were_told_of_lately(database: Database) -> None:
    """Each token told or owed within the time counts; neither what was covered nor trouble does."""
    renewed, error = replace(step(0, ref=2), kind=Kind.RENEWED), replace(step(0, ref=9), kind=Kind.ERROR)
    for hours, one in [(-30, step(7, ref=5)), (-9, step(7)), (-5, step(3)), (-2, renewed), (-1, error), (1, step(1))]:
        async with database.begin() as tx:
            await plan(tx, [one, replace(one, channel_id=OTHER_CHANNEL)], NOW + hours * HOUR)
            await cover(tx, [step(7, ref=6)], NOW)
    async with database.begin() as tx:
        lately = await get_lately_told(tx, {CHANNEL}, NOW - DAY, NOW)
        assert await get_lately_told(tx, set(), NOW - DAY, NOW) == {}
    assert lately == {(CHANNEL, "123456"): {1, 2}}


async def test_covers_what_is_owed_and_what_is_not_yet(database: Database) -> None:
    """A wider step becomes needless whether it waits or was never owed; what was sent or is under way stays so."""
    await owe(database, step(14))
    await sent(database, await claim_all(database))
    await owe(database, step(7))
    await claim_all(database, "under way")
    await owe(database, step(3), step(3, ref=2))
    async with database.begin() as tx:
        for days in (14, 7, 3, 1):
            await cover(tx, [step(days)], NOW)
    assert await told(database) == Told(
        sent=frozenset({14}), in_flight=frozenset({7}), covered=frozenset({3, 1}), pending=frozenset()
    )
    assert await pending(database) == [step(3, ref=2)]


async def test_tells_what_was_said_of_each_token(database: Database) -> None:
    """Steps are told by token, account and channel; a renewal that is owed counts as said."""
    await owe(database, step(7), replace(step(0), kind=Kind.RENEWED), replace(step(0), kind=Kind.ERROR))
    assert await told(database) == Told(pending=frozenset({7}), renewal_said=True)
    assert await told(database, ref=2) == Told()
    async with database.begin() as tx:
        assert await get_told(tx, {OTHER_CHANNEL}, {1}) == {}
        assert await get_told(tx, [], []) == {}


@pytest.mark.parametrize(("failures", "most"), [(1, 1), (2, 3), (3, 6), (9, 6)])
async def test_a_wait_is_no_longer_than_any(database: Database, failures: int, most: int) -> None:
    """A clock that was set back makes no channel wait longer than it waits at most after so many failures."""
    await owe(database, step(7))
    waits = [HOUR, 3 * HOUR, 6 * HOUR]
    async with database.begin() as tx:
        await put_target(tx, Target(GUILD, CHANNEL, failures, NOW, NOW, "no", is_lasting=True))
        assert await get_ready_channels(tx, [GUILD], NOW - most * HOUR, waits) == []
        assert await get_ready_channels(tx, [GUILD], NOW - (most + 1) * HOUR, waits) == [CHANNEL]


async def test_what_covered_the_wider_steps_uncovers_them_when_it_is_dropped(database: Database) -> None:
    """A step that was never said has made nothing needless; what was covered by another stays so."""
    async with database.begin() as tx:
        await cover(tx, [step(14)], NOW - DAY)
        await plan(tx, [step(1)], NOW)
        for days in (7, 3):
            await cover(tx, [step(days)], NOW)
        await drop(tx, [one.id for one in await get_pending(tx, CHANNEL)])
    assert await told(database) == Told(covered=frozenset({14}))


async def test_drops_only_what_waits(database: Database) -> None:
    """Dropping by row or by age deletes what waits, never what is under way."""
    await owe(database, step(14))
    message = await claim_all(database)
    await owe(database, step(7), step(3), step(3, account_id="2"), step(3, channel_id=OTHER_CHANNEL))
    async with database.begin() as tx:
        await drop(tx, [(await get_pending(tx, CHANNEL))[0].id])
        assert [one.step for one in await get_pending(tx, CHANNEL)] == [3, 3]
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
    await owe(database, step(7))
    assert await pending(database) == [step(7)]


async def test_channels_are_ready_unless_they_refuse(database: Database) -> None:
    """Channels come in the order in which they began to wait, one that refuses once its next try is due."""
    await owe(database, step(7, channel_id=OTHER_CHANNEL), step(7), step(3, channel_id=OTHER_CHANNEL))
    refusing = Target(GUILD, OTHER_CHANNEL, 1, NOW, NOW + HOUR, "no", is_lasting=True)
    async with database.begin() as tx:
        assert await get_ready_channels(tx, [GUILD], NOW, [HOUR]) == [OTHER_CHANNEL, CHANNEL]
        await put_target(tx, refusing)
        assert await get_ready_channels(tx, [GUILD], NOW, [HOUR]) == [CHANNEL]
        assert await get_ready_channels(tx, [GUILD], NOW + HOUR, [HOUR]) == [OTHER_CHANNEL, CHANNEL]


async def test_counts_what_is_owed_and_was_sent_of_late(database: Database) -> None:
    """A server's deliveries are counted by state; those that were sent count for as long as is asked."""
    await owe(database, step(7), step(3))
    await sent(database, await claim_all(database))
    await owe(database, step(7, ref=2), step(7, channel_id=OTHER_CHANNEL), replace(step(1), guild_id=7))
    async with database.begin() as tx:
        assert await count_deliveries(tx, GUILD, NOW) == {State.SENT: 2, State.PENDING: 2}
        assert await count_deliveries(tx, GUILD, NOW + HOUR) == {State.PENDING: 2}
        assert await count_deliveries(tx, 8, NOW) == {}


async def test_the_next_try_is_the_first_channels(database: Database) -> None:
    """What is owed waits for its channel's next try, or for nothing at all; other servers' channels don't count."""

    async def next_try() -> datetime | None:
        async with database.begin() as tx:
            return await get_next_try(tx, [GUILD])

    await owe(database, replace(step(7), guild_id=7))
    assert await next_try() is None
    await owe(database, step(7), step(7, channel_id=OTHER_CHANNEL))
    async with database.begin() as tx:
        await put_target(tx, Target(GUILD, CHANNEL, 1, NOW, NOW + 6 * HOUR, "no", is_lasting=True))
        await put_target(tx, Target(GUILD, OTHER_CHANNEL, 1, NOW, NOW + HOUR, "no", is_lasting=True))
    assert await next_try() == NOW + HOUR
    await owe(database, step(7, channel_id=99))
    at_once = await next_try()
    assert at_once is not None
    assert at_once < NOW
