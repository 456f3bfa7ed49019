"""Tests of the messages that carry what is owed."""

from dataclasses import replace

import pytest

from bot.store.database import Database
from bot.store.messages import (
    get_carried,
    get_last_messages,
    get_message,
    get_outdated,
    mark_edited,
    mark_outdated,
)
from bot.store.notifications import (
    Kind,
    drop,
    drop_overdue,
)
from tests.support.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, OTHER_CHANNEL, stage
from tests.support.store.sending import DISCORD_ID, claim_all, dissolved, heard, owe, pending, sent, unsettled


async def test_a_claim_freezes_its_deliveries(database: Database) -> None:
    """What a message carries is under way with it, with its exact payload and nonce; what comes later is not."""
    await owe(database, stage(7), stage(7, account_id="2"))
    message = await claim_all(database)
    await owe(database, stage(3))
    assert await unsettled(database) == [message]
    assert (message.guild_id, message.channel_id, message.first_attempt_at) == (GUILD, CHANNEL, NOW)
    assert (message.nonce, message.payload) == ("0123456789abcdef01234567", '{"content": "\N{FOX FACE}"}')
    assert await pending(database) == [stage(3)]
    assert (await heard(database)).in_flight == {7}


async def test_what_is_sent_stays_sent(database: Database) -> None:
    """A sent message is settled, and can be found by its id on Discord with its accounts in order."""
    await owe(database, stage(7, account_id="2"), stage(7))
    message = await claim_all(database)
    await sent(database, message)
    assert await unsettled(database) == []
    assert (await heard(database)).sent == {7}
    async with database.begin() as tx:
        found = await get_message(tx, GUILD, DISCORD_ID)
        assert found is not None
        assert found.id == message.id
        assert [one.account_id for one in await get_carried(tx, found)] == ["2", "123456"]
        assert await get_message(tx, GUILD, 1) is None
        assert await get_message(tx, 7, DISCORD_ID) is None
        assert await get_last_messages(tx, {CHANNEL, OTHER_CHANNEL}) == {CHANNEL: DISCORD_ID}
        await drop(tx, range(100))
        await drop_overdue(tx, CHANNEL, NOW + DAY)
    assert (await heard(database)).sent == {7}


async def test_the_last_message_is_the_last_that_can_be_seen(database: Database) -> None:
    """A message under way is not the last one yet, and one that was deleted on Discord can't be linked."""
    await owe(database, stage(7))
    await sent(database, await claim_all(database, "one"))
    await owe(database, stage(3))
    second = await claim_all(database, "two")
    async with database.begin() as tx:
        assert await get_last_messages(tx, {CHANNEL}) == {CHANNEL: DISCORD_ID}
    await sent(database, second, None)
    async with database.begin() as tx:
        assert await get_last_messages(tx, {CHANNEL}) == {CHANNEL: DISCORD_ID}
    assert (await heard(database)).sent == {7, 3}


async def outdated(database: Database) -> list[int | None]:
    """Return the Discord ids of the messages to be edited."""
    async with database.begin() as tx:
        return [one.discord_id for one in await get_outdated(tx, NOW)]


async def test_a_tighter_step_outdates_the_wider_ones_message(database: Database) -> None:
    """Once "3 days" has arrived, the message that said "7 days" is to be edited; others are not."""
    for discord_id, owed in enumerate([stage(7, account_id="2"), stage(7, ref=2), stage(7), stage(3)], start=1):
        await owe(database, owed)
        assert await outdated(database) == []
        await sent(database, await claim_all(database, str(discord_id)), discord_id)
    assert await outdated(database) == [3]


async def test_what_is_edited_is_not_outdated_any_more(database: Database) -> None:
    """An edit settles it, unless something has changed since it was begun, or it is put off."""
    await owe(database, stage(7))
    await sent(database, await claim_all(database))
    async with database.begin() as tx:
        await mark_outdated(tx, Kind.STEP, [("123456", 2), ("2", 1)], NOW)
        assert await get_outdated(tx, NOW) == []
        await mark_outdated(tx, Kind.STEP, [("123456", 1)], NOW - HOUR)
        (before,) = await get_outdated(tx, NOW)
        await mark_outdated(tx, Kind.STEP, [("123456", 1)], NOW)
        await mark_edited(tx, before)
    assert await outdated(database) == [DISCORD_ID]
    async with database.begin() as tx:
        (now,) = await get_outdated(tx, NOW)
        await mark_edited(tx, now, NOW + HOUR)
        assert await get_outdated(tx, NOW) == []
        (later,) = await get_outdated(tx, NOW + HOUR)
        await mark_edited(tx, later)
        assert await get_outdated(tx, NOW + HOUR) == []


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_dissolved_message_is_owed_again(database: Database, *, is_late: bool) -> None:
    """What a message carried that did not arrive waits again, marked late if that took long; the message is gone."""
    await owe(database, stage(7), stage(7, account_id="2"))
    await dissolved(database, await claim_all(database), is_late=is_late)
    assert await unsettled(database) == []
    waiting = [replace(stage(7), is_late=is_late), replace(stage(7, account_id="2"), is_late=is_late)]
    assert await pending(database) == waiting
    again = await claim_all(database, "another nonce")
    assert [one.id for one in await unsettled(database)] == [again.id]


async def test_lateness_is_not_forgotten(database: Database) -> None:
    """What was late stays late when a second message does not arrive either."""
    await owe(database, stage(7))
    for is_late in (True, False):
        await dissolved(database, await claim_all(database), is_late=is_late)
    assert await pending(database) == [replace(stage(7), is_late=True)]


async def test_a_sent_message_can_not_be_dissolved(database: Database) -> None:
    """Whoever comes too late with the news that a message did not arrive changes nothing."""
    await owe(database, stage(7))
    message = await claim_all(database)
    await sent(database, message)
    await dissolved(database, message)
    assert (await heard(database)).sent == {7}
    assert await pending(database) == []
