"""Boards in the database: at most one a channel, with at most one message."""

from dataclasses import replace

import pytest

from bot.core.boards import Board
from bot.core.messages import Message, MessageKind, OutgoingMessage
from bot.store.boards import add_board, delete_board, get_board, get_boards, set_digest
from bot.store.database import Database
from bot.store.messages import (
    delete_board_message,
    dissolve,
    get_board_message,
    get_last_messages,
    get_unsettled,
    is_wanted,
    mark_sent,
    start_sending_board,
)
from tests.support.store.samples import CHANNEL, GUILD, NOW, OTHER_CHANNEL

BOARD = Board(GUILD, CHANNEL, 5)
OUTGOING = OutgoingMessage("", ({"title": "accounts"},))


async def start(database: Database, nonce: str = "n") -> Message | None:
    """Save the message of the board that is about to be posted."""
    async with database.begin() as tx:
        return await start_sending_board(tx, BOARD, OUTGOING, digest="old", nonce=nonce, now=NOW)


async def posted(database: Database, nonce: str = "n") -> Message:
    """Post the board's message."""
    message = await start(database, nonce)
    assert message is not None
    async with database.begin() as tx:
        await mark_sent(tx, message, 9, NOW)
    return message


@pytest.fixture
async def board(database: Database) -> Database:
    """Return a database with the board in it."""
    async with database.begin() as tx:
        assert await add_board(tx, BOARD)
    return database


async def test_a_channel_has_at_most_one_board(database: Database) -> None:
    """A second board of a channel is not saved; one of another channel or another guild is."""
    elsewhere, foreign = replace(BOARD, channel_id=OTHER_CHANNEL), replace(BOARD, guild_id=7)
    async with database.begin() as tx:
        assert [await add_board(tx, one) for one in (BOARD, elsewhere, foreign)] == [True] * 3
        assert not await add_board(tx, replace(BOARD, added_by=6))
        assert await get_boards(tx, [GUILD]) == [BOARD, elsewhere]
        assert await get_board(tx, GUILD, CHANNEL) == BOARD
        assert await get_board(tx, 8, CHANNEL) is None


async def test_a_board_has_at_most_one_message(board: Database) -> None:
    """Two that post the same board at once get one message; the second one is not saved."""
    message = await start(board)
    assert message is not None
    assert (message.kind, message.outgoing) == (MessageKind.BOARD, OUTGOING)
    assert await start(board, "another") is None
    async with board.begin() as tx:
        assert await get_unsettled(tx, {GUILD}, MessageKind.BOARD) == [message]
        assert await get_board(tx, GUILD, CHANNEL) == replace(BOARD, message_id=message.id, digest="old")


async def test_a_sent_board_knows_its_message(board: Database) -> None:
    """Once posted, the board has its Discord id; its message is no reminder."""
    message = await posted(board)
    async with board.begin() as tx:
        await set_digest(tx, message.id, "new")
        expected = replace(BOARD, message_id=message.id, discord_id=9, digest="new")
        assert await get_board(tx, GUILD, CHANNEL) == expected
        assert await get_last_messages(tx, {CHANNEL}) == {}
        assert await is_wanted(tx, message)


@pytest.mark.parametrize("is_sent", [False, True])
async def test_a_board_without_its_message_can_be_posted_anew(board: Database, *, is_sent: bool) -> None:
    """A message that was refused, or that somebody deleted, leaves the board without one, for the next post."""
    message = await posted(board) if is_sent else await start(board)
    assert message is not None
    async with board.begin() as tx:
        assert await dissolve(tx, message) is not is_sent
        if is_sent:
            await delete_board_message(tx, message)
        assert await get_board(tx, GUILD, CHANNEL) == BOARD
        assert not await is_wanted(tx, message)
    assert await start(board, "anew") is not None


async def test_only_the_guilds_own_board_is_deleted(board: Database) -> None:
    """Another guild's id deletes nothing; the board goes with its sent message."""
    message = await posted(board)
    async with board.begin() as tx:
        assert not await delete_board(tx, 7, CHANNEL)
        assert await get_board_message(tx, 7, CHANNEL) is None
        found = await get_board_message(tx, GUILD, CHANNEL)
        assert found is not None
        assert (found.id, found.discord_id) == (message.id, 9)
        assert await delete_board(tx, GUILD, CHANNEL)
        assert await get_board_message(tx, GUILD, CHANNEL) is None
        assert not await delete_board(tx, GUILD, CHANNEL)
    assert await start(board, "anew") is None


async def test_a_message_in_flight_outlives_its_board(board: Database) -> None:
    """A board that is deleted while its message is in flight leaves the message, without content, to be withdrawn."""
    message = await start(board)
    assert message is not None
    async with board.begin() as tx:
        await delete_board(tx, GUILD, CHANNEL)
        assert await get_unsettled(tx, {GUILD}, MessageKind.BOARD) == [replace(message, payload=None)]
        assert not await is_wanted(tx, message)


async def test_a_refusal_of_one_process_leaves_the_board_that_another_posted(board: Database) -> None:
    """A message that was marked as sent is not dissolved, nor is the next one, which SQLite gives the same id."""
    first = await start(board)
    assert first is not None
    async with board.begin() as tx:
        assert await dissolve(tx, first)
    second = await posted(board, "anew")
    async with board.begin() as tx:
        assert not await dissolve(tx, first)
        assert not await dissolve(tx, second)
        assert await mark_sent(tx, first, 10, NOW) == []
        assert not await is_wanted(tx, first)
        found = await get_board_message(tx, GUILD, CHANNEL)
    assert found is not None
    assert (found.nonce, found.discord_id) == ("anew", 9)
