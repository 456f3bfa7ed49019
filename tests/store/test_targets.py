"""Tests of channels in trouble."""

import pytest

from bot.store.database import Database
from bot.store.targets import Target, get_target, get_targets, mark_told, put_target
from tests.store.delivering import claim_all, owe, sent
from tests.store.samples import CHANNEL, GUILD, HOUR, NOW, OTHER_CHANNEL, step


async def test_a_channels_trouble_ends_with_a_sent_message(database: Database) -> None:
    """Trouble is one row a channel, replaced by newer trouble, gone once something arrived."""
    first = Target(GUILD, CHANNEL, 1, NOW, NOW + HOUR, "one", is_lasting=False)
    second = Target(GUILD, CHANNEL, 2, NOW, NOW + 2 * HOUR, "two", is_lasting=True)
    async with database.begin() as tx:
        assert await get_target(tx, CHANNEL) is None
        for target in (first, second):
            await put_target(tx, target)
            assert await get_target(tx, CHANNEL) == target
        assert await get_targets(tx, {GUILD}) == {CHANNEL: second}
        assert await get_targets(tx, {7}) == {}
    await owe(database, step(7))
    await sent(database, await claim_all(database))
    async with database.begin() as tx:
        assert await get_targets(tx, {GUILD}) == {}


@pytest.mark.parametrize(
    ("failures", "hours", "is_lasting", "is_blocked"),
    [(3, 1, True, True), (2, 9, True, False), (9, 0.9, True, False), (9, 9, False, False), (0, 0, True, True)],
)
def test_a_channel_is_blocked_after_three_refusals_in_an_hour(
    failures: int, hours: float, *, is_lasting: bool, is_blocked: bool
) -> None:
    """Three refusals over an hour, or an audit without any, are for people to know; what passes by itself is not."""
    target = Target(GUILD, CHANNEL, failures, NOW, NOW, "no", is_lasting=is_lasting)
    assert target.is_blocked(NOW + hours * HOUR) == is_blocked


async def test_people_are_told_once_of_a_blocked_channel(database: Database) -> None:
    """That they were told is kept with the channel's trouble."""
    async with database.begin() as tx:
        for channel_id in (CHANNEL, OTHER_CHANNEL):
            await put_target(tx, Target(GUILD, channel_id, 3, NOW, NOW, "no", is_lasting=True))
        await mark_told(tx, [CHANNEL])
        found = await get_targets(tx, {GUILD})
    assert {key: one.is_told for key, one in found.items()} == {CHANNEL: True, OTHER_CHANNEL: False}
