"""Tests of the boards that channels keep."""

from dataclasses import replace

from bot.store.boards import Board, add_board, get_board, get_boards, mark_shown, pop_board, renew_board
from bot.store.database import Database
from tests.support.store.samples import CHANNEL, GUILD, OTHER_CHANNEL

BOARD = Board(GUILD, CHANNEL, "0123456789abcdef01234567", None, "", 5)
ANEW = "f" * 24


async def test_a_channel_has_at_most_one_board(database: Database) -> None:
    """A second board of a channel is not stored; another channel's, and another server's, is."""
    elsewhere = replace(BOARD, channel_id=OTHER_CHANNEL, nonce="2" * 24)
    foreign = replace(BOARD, guild_id=7, nonce="3" * 24)
    async with database.begin() as tx:
        assert [await add_board(tx, one) for one in (BOARD, elsewhere, foreign)] == [True] * 3
        assert not await add_board(tx, replace(BOARD, nonce=ANEW))
        assert await get_boards(tx, [GUILD]) == [BOARD, elsewhere]
        assert await get_board(tx, GUILD, CHANNEL) == BOARD
        assert await get_board(tx, 8, CHANNEL) is None


async def test_what_is_shown_belongs_to_one_posting(database: Database) -> None:
    """Once a board is posted anew, or removed, the end of an older posting or edit changes nothing any more."""
    async with database.begin() as tx:
        await add_board(tx, BOARD)
        assert await mark_shown(tx, BOARD, 9, "old")
        assert await renew_board(tx, BOARD, ANEW)
        assert not await mark_shown(tx, BOARD, 9, "older")
        assert not await renew_board(tx, BOARD, "2" * 24)
        anew = replace(BOARD, nonce=ANEW)
        assert await get_board(tx, GUILD, CHANNEL) == anew
        assert await mark_shown(tx, anew, 10, "new")
        assert await pop_board(tx, GUILD, CHANNEL) == replace(anew, message_id=10, shown="new")
        assert not await mark_shown(tx, anew, 10, "newer")
        assert not await renew_board(tx, anew, BOARD.nonce)


async def test_only_the_channels_own_board_is_removed(database: Database) -> None:
    """Another server's id finds nothing to remove."""
    async with database.begin() as tx:
        await add_board(tx, BOARD)
        assert await pop_board(tx, 7, CHANNEL) is None
        assert await pop_board(tx, GUILD, CHANNEL) == BOARD
        assert await pop_board(tx, GUILD, CHANNEL) is None
