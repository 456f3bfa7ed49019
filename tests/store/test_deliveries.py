"""Tests of what is owed, under way and said."""

from dataclasses import replace

import pytest

from bot.core.reminders import Told
from bot.store.database import Database
from bot.store.deliveries import (
    Kind,
    Message,
    Owed,
    Target,
    claim,
    cover,
    dissolve,
    drop,
    drop_overdue,
    get_accounts_of_message,
    get_last_message,
    get_pending,
    get_ready_channels,
    get_target,
    get_targets,
    get_told,
    get_unsettled,
    mark_sent,
    plan,
    put_target,
)
from tests.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, OTHER_CHANNEL, step

DISCORD_ID = 1_500_000_000_000_000_001


async def owe(database: Database, *owed: Owed) -> None:
    """Plan deliveries."""
    async with database.begin() as tx:
        for one in owed:
            await plan(tx, one, NOW)


async def pending(database: Database, channel_id: int = CHANNEL) -> list[Owed]:
    """Return what is owed to a channel, without row numbers."""
    async with database.begin() as tx:
        return [replace(one, id=0) for one in await get_pending(tx, channel_id)]


async def told(database: Database, ref: int = 1) -> Told:
    """Return what the channel was told of a token."""
    async with database.begin() as tx:
        return (await get_told(tx, {CHANNEL}, {ref})).get((CHANNEL, "123456", ref), Told())


async def claim_all(database: Database, nonce: str = "0123456789abcdef01234567") -> Message:
    """Put all that is owed to the channel into one message."""
    async with database.begin() as tx:
        carried = await get_pending(tx, CHANNEL)
        return await claim(tx, carried, nonce=nonce, payload='{"content": "\N{FOX FACE}"}', epoch=3, now=NOW)


async def sent(database: Database, message: Message, discord_id: int | None = DISCORD_ID) -> None:
    """Mark a message as sent."""
    async with database.begin() as tx:
        await mark_sent(tx, message, discord_id)


async def dissolved(database: Database, message: Message, *, is_late: bool = False) -> None:
    """Take a message apart."""
    async with database.begin() as tx:
        await dissolve(tx, message, is_late=is_late)


async def unsettled(database: Database) -> list[Message]:
    """Return the messages under way."""
    async with database.begin() as tx:
        return await get_unsettled(tx)


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
            await cover(tx, step(7), NOW)
    else:
        await owe(database, step(7))
        message = await claim_all(database)
        if fate == "sent":
            await sent(database, message)
    await owe(database, step(7))
    assert await pending(database) == []


async def test_covers_what_is_owed_and_what_is_not_yet(database: Database) -> None:
    """A wider step becomes needless whether it waits or was never owed; what was sent or is under way stays so."""
    await owe(database, step(14))
    await sent(database, await claim_all(database))
    await owe(database, step(7))
    await claim_all(database, "under way")
    await owe(database, step(3), step(3, ref=2))
    async with database.begin() as tx:
        for days in (14, 7, 3, 1):
            await cover(tx, step(days), NOW)
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


async def test_a_claim_freezes_its_deliveries(database: Database) -> None:
    """What a message carries is under way with it, with its exact payload and nonce; what comes later is not."""
    await owe(database, step(7), step(7, account_id="2"))
    message = await claim_all(database)
    await owe(database, step(3))
    assert await unsettled(database) == [message]
    assert (message.guild_id, message.channel_id, message.attempts) == (GUILD, CHANNEL, 1)
    assert (message.first_try_at, message.next_try_at) == (NOW, NOW)
    assert (message.nonce, message.payload) == ("0123456789abcdef01234567", '{"content": "\N{FOX FACE}"}')
    assert await pending(database) == [step(3)]
    assert (await told(database)).in_flight == {7}


async def test_what_is_sent_stays_sent(database: Database) -> None:
    """A sent message is settled, and can be found by its id on Discord with its accounts in order."""
    await owe(database, step(7, account_id="2"), step(7))
    message = await claim_all(database)
    await sent(database, message)
    assert await unsettled(database) == []
    assert (await told(database)).sent == {7}
    async with database.begin() as tx:
        assert await get_accounts_of_message(tx, DISCORD_ID) == ["2", "123456"]
        assert await get_accounts_of_message(tx, 1) == []
        assert await get_last_message(tx, CHANNEL) == DISCORD_ID
        assert await get_last_message(tx, OTHER_CHANNEL) is None
        await drop(tx, range(100))
        await drop_overdue(tx, NOW + DAY)
    assert (await told(database)).sent == {7}


async def test_the_last_message_is_the_last_sent(database: Database) -> None:
    """A message under way is not the last one yet; one that was deleted on Discord has no id."""
    await owe(database, step(7))
    await sent(database, await claim_all(database, "one"))
    await owe(database, step(3))
    second = await claim_all(database, "two")
    async with database.begin() as tx:
        assert await get_last_message(tx, CHANNEL) == DISCORD_ID
    await sent(database, second, None)
    async with database.begin() as tx:
        assert await get_last_message(tx, CHANNEL) is None
    assert (await told(database)).sent == {7, 3}


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_dissolved_message_is_owed_again(database: Database, *, is_late: bool) -> None:
    """What a message carried that did not arrive waits again, marked late if that took long; the message is gone."""
    await owe(database, step(7), step(7, account_id="2"))
    await dissolved(database, await claim_all(database), is_late=is_late)
    assert await unsettled(database) == []
    waiting = [replace(step(7), is_late=is_late), replace(step(7, account_id="2"), is_late=is_late)]
    assert await pending(database) == waiting
    again = await claim_all(database, "another nonce")
    assert [one.id for one in await unsettled(database)] == [again.id]


async def test_lateness_is_not_forgotten(database: Database) -> None:
    """What was late stays late when a second message does not arrive either."""
    await owe(database, step(7))
    for is_late in (True, False):
        await dissolved(database, await claim_all(database), is_late=is_late)
    assert await pending(database) == [replace(step(7), is_late=True)]


async def test_a_sent_message_can_not_be_dissolved(database: Database) -> None:
    """Whoever comes too late with the news that a message did not arrive changes nothing."""
    await owe(database, step(7))
    message = await claim_all(database)
    await sent(database, message)
    await dissolved(database, message)
    assert (await told(database)).sent == {7}
    assert await pending(database) == []


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
        await drop_overdue(tx, NOW)
        assert len(await get_pending(tx, CHANNEL)) == 1
        await drop(tx, [one.id for one in await get_pending(tx, CHANNEL)])
        assert await get_pending(tx, CHANNEL) == []
        assert len(await get_pending(tx, OTHER_CHANNEL)) == 1
        await drop_overdue(tx, NOW + HOUR)
        assert await get_pending(tx, OTHER_CHANNEL) == []
    assert await unsettled(database) == [message]
    await owe(database, step(7))
    assert await pending(database) == [step(7)]


async def test_channels_are_ready_unless_they_refuse(database: Database) -> None:
    """Channels come in the order in which they began to wait, one that refuses once its next try is due."""
    await owe(database, step(7, channel_id=OTHER_CHANNEL), step(7), step(3, channel_id=OTHER_CHANNEL))
    refusing = Target(GUILD, OTHER_CHANNEL, 1, NOW, NOW + HOUR, "Discord's code 50013")
    async with database.begin() as tx:
        assert await get_ready_channels(tx, NOW) == [OTHER_CHANNEL, CHANNEL]
        await put_target(tx, refusing)
        assert await get_ready_channels(tx, NOW) == [CHANNEL]
        assert await get_ready_channels(tx, NOW + HOUR) == [OTHER_CHANNEL, CHANNEL]


async def test_a_channels_trouble_ends_with_a_sent_message(database: Database) -> None:
    """Trouble is one row a channel, replaced by newer trouble, gone once something arrived."""
    first = Target(GUILD, CHANNEL, 1, NOW, NOW + HOUR, "one")
    second = Target(GUILD, CHANNEL, 2, NOW, NOW + 2 * HOUR, "two")
    async with database.begin() as tx:
        assert await get_target(tx, CHANNEL) is None
        for target in (first, second):
            await put_target(tx, target)
            assert await get_target(tx, CHANNEL) == target
        assert await get_targets(tx, GUILD) == {CHANNEL: second}
        assert await get_targets(tx, 7) == {}
    await owe(database, step(7))
    await sent(database, await claim_all(database))
    async with database.begin() as tx:
        assert await get_targets(tx, GUILD) == {}
