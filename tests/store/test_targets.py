"""Tests of channels in trouble."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.store.boards import Board, add_board, pop_board
from bot.store.channel_failures import (
    ChannelFailure,
    drop_needless_failures,
    get_channel_failure,
    get_channel_failures,
    mark_reported,
    put_channel_failure,
)
from bot.store.database import Database
from bot.store.notifications import get_next_attempt, get_ready_channels
from tests.support.store.samples import CHANNEL, GUILD, HOUR, NOW, OTHER_CHANNEL, put, stage
from tests.support.store.sending import claim_all, owe, sent


async def test_a_channels_trouble_ends_with_a_sent_message(database: Database) -> None:
    """Trouble is one row a channel, replaced by newer trouble, gone once something arrived."""
    first = ChannelFailure(GUILD, CHANNEL, 1, NOW, NOW + HOUR, "one", is_lasting=False)
    second = ChannelFailure(GUILD, CHANNEL, 2, NOW, NOW + 2 * HOUR, "two", is_lasting=True)
    async with database.begin() as tx:
        assert await get_channel_failure(tx, CHANNEL) is None
        for target in (first, second):
            await put_channel_failure(tx, target)
            assert await get_channel_failure(tx, CHANNEL) == target
        assert await get_channel_failures(tx, {GUILD}) == {CHANNEL: second}
        assert await get_channel_failures(tx, {7}) == {}
    await owe(database, stage(7))
    await sent(database, await claim_all(database))
    async with database.begin() as tx:
        assert await get_channel_failures(tx, {GUILD}) == {}


async def test_a_boards_trouble_is_not_its_channels(database: Database) -> None:
    """Trouble with a channel's board is kept apart: it holds no reminder back, and a sent one does not end it."""
    trouble = ChannelFailure(GUILD, CHANNEL, 3, NOW, NOW + HOUR, "no", is_lasting=True, is_board=True)
    await owe(database, stage(7))
    async with database.begin() as tx:
        await put_channel_failure(tx, trouble)
        assert await get_channel_failure(tx, CHANNEL) is None
        assert await get_channel_failures(tx, {GUILD}) == {}
        assert await get_ready_channels(tx, {GUILD}, NOW, [HOUR] * 3) == [CHANNEL]
        assert await get_next_attempt(tx, {GUILD}) == datetime(1970, 1, 1, tzinfo=UTC)
        await mark_reported(tx, [CHANNEL])
    await sent(database, await claim_all(database))
    async with database.begin() as tx:
        assert await get_channel_failures(tx, {GUILD}, of_boards=True) == {CHANNEL: trouble}
        await mark_reported(tx, [CHANNEL], of_boards=True)
        assert await get_channel_failure(tx, CHANNEL, of_board=True) == replace(trouble, is_reported=True)


async def test_trouble_goes_with_what_it_was_about(database: Database) -> None:
    """Trouble is forgotten where nobody is told any more, and of boards that are not kept any more."""
    await put(database)
    async with database.begin() as tx:
        await add_board(tx, Board(GUILD, OTHER_CHANNEL, "0" * 24, None, "", 5))
        for channel_id in (CHANNEL, OTHER_CHANNEL):
            for is_board in (False, True):
                await put_channel_failure(
                    tx, ChannelFailure(GUILD, channel_id, 3, NOW, NOW, "no", is_lasting=True, is_board=is_board)
                )
        await drop_needless_failures(tx)
        assert set(await get_channel_failures(tx, {GUILD})) == {CHANNEL}
        assert set(await get_channel_failures(tx, {GUILD}, of_boards=True)) == {OTHER_CHANNEL}
        await pop_board(tx, GUILD, OTHER_CHANNEL)
        assert await get_channel_failures(tx, {GUILD}, of_boards=True) == {}


@pytest.mark.parametrize(
    ("failures", "hours", "is_lasting", "is_blocked"),
    [(3, 1, True, True), (2, 9, True, False), (9, 0.9, True, False), (9, 9, False, False), (0, 0, True, True)],
)
def test_a_channel_is_blocked_after_three_refusals_in_an_hour(
    failures: int, hours: float, *, is_lasting: bool, is_blocked: bool
) -> None:
    """Three refusals over an hour, or an audit without any, are for people to know; what passes by itself is not."""
    target = ChannelFailure(GUILD, CHANNEL, failures, NOW, NOW, "no", is_lasting=is_lasting)
    assert target.is_blocked(NOW + hours * HOUR) == is_blocked


async def test_people_are_told_once_of_a_blocked_channel(database: Database) -> None:
    """That they were told is kept with the channel's trouble."""
    async with database.begin() as tx:
        for channel_id in (CHANNEL, OTHER_CHANNEL):
            await put_channel_failure(tx, ChannelFailure(GUILD, channel_id, 3, NOW, NOW, "no", is_lasting=True))
        await mark_reported(tx, [CHANNEL])
        found = await get_channel_failures(tx, {GUILD})
    assert {key: one.is_reported for key, one in found.items()} == {CHANNEL: True, OTHER_CHANNEL: False}
