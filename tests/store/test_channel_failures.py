"""Channel failures in the database, by kind of message."""

from dataclasses import replace

from bot.core.boards import Board
from bot.core.messages import MessageKind
from bot.store.boards import add_board, delete_board
from bot.store.channel_failures import (
    delete_orphaned_failures,
    get_failure,
    get_failures,
    mark_reported,
    put_failure,
)
from bot.store.database import Database
from tests.support.store.samples import CHANNEL, GUILD, HOUR, NOW, OTHER_CHANNEL, failure, put, stage
from tests.support.store.sending import in_flight, planned, sent

POSTS, BOARD = MessageKind.NOTIFICATIONS, MessageKind.BOARD


async def test_a_sent_message_ends_the_failure(database: Database) -> None:
    """A channel has one failure, a newer one replaces it, and a sent message ends it."""
    first = failure(next_attempt_at=NOW + HOUR, reason="one", is_lasting=False)
    second = failure(failures=2, next_attempt_at=NOW + 2 * HOUR, reason="two")
    async with database.begin() as tx:
        assert await get_failure(tx, CHANNEL, POSTS) is None
        for one in (first, second):
            await put_failure(tx, one)
            assert await get_failure(tx, CHANNEL, POSTS) == one
        assert await get_failures(tx, {GUILD}, POSTS) == {CHANNEL: second}
        assert await get_failures(tx, {7}, POSTS) == {}
    await planned(database, stage(7))
    await sent(database, await in_flight(database))
    async with database.begin() as tx:
        assert await get_failures(tx, {GUILD}, POSTS) == {}


async def test_a_sent_message_does_not_end_a_checks_finding(database: Database) -> None:
    """A problem that a check found, say with a role, stays when a message arrives."""
    finding = failure(failures=0)
    async with database.begin() as tx:
        await put_failure(tx, finding)
    await planned(database, stage(7))
    await sent(database, await in_flight(database))
    async with database.begin() as tx:
        assert await get_failures(tx, {GUILD}, POSTS) == {CHANNEL: finding}


async def test_a_boards_failure_is_kept_apart(database: Database) -> None:
    """A failing board is no failing channel, and a sent reminder does not end the board's failure."""
    of_board = failure(kind=BOARD, failures=3)
    await planned(database, stage(7))
    async with database.begin() as tx:
        await put_failure(tx, of_board)
        assert await get_failure(tx, CHANNEL, POSTS) is None
        assert await get_failures(tx, {GUILD}, POSTS) == {}
        await mark_reported(tx, [CHANNEL], POSTS)
    await sent(database, await in_flight(database))
    async with database.begin() as tx:
        assert await get_failures(tx, {GUILD}, BOARD) == {CHANNEL: of_board}
        await mark_reported(tx, [CHANNEL], BOARD)
        assert await get_failure(tx, CHANNEL, BOARD) == replace(of_board, is_reported=True)


async def test_a_failure_goes_with_its_subscription_or_board(database: Database) -> None:
    """Failures are deleted where no active subscription is left, and with the board they are about."""
    await put(database)
    async with database.begin() as tx:
        await add_board(tx, Board(GUILD, OTHER_CHANNEL, 5))
        for channel_id in (CHANNEL, OTHER_CHANNEL):
            for kind in MessageKind:
                await put_failure(tx, failure(channel_id, kind=kind, failures=3))
        await delete_orphaned_failures(tx)
        assert set(await get_failures(tx, {GUILD}, POSTS)) == {CHANNEL}
        assert set(await get_failures(tx, {GUILD}, BOARD)) == {OTHER_CHANNEL}
        await delete_board(tx, GUILD, OTHER_CHANNEL)
        assert await get_failures(tx, {GUILD}, BOARD) == {}


async def test_a_failure_is_reported_once(database: Database) -> None:
    """The mark that people were informed is kept with the channel's failure."""
    async with database.begin() as tx:
        for channel_id in (CHANNEL, OTHER_CHANNEL):
            await put_failure(tx, failure(channel_id, failures=3))
        await mark_reported(tx, [CHANNEL], POSTS)
        found = await get_failures(tx, {GUILD}, POSTS)
    assert {key: one.is_reported for key, one in found.items()} == {CHANNEL: True, OTHER_CHANNEL: False}
