"""Tests of when a reminder that a channel refuses is given up, in a simulated Discord."""

from tests.support.chat.reminders import DAY, add, contents_in
from tests.support.world import World


async def refuse_once(world: World) -> None:
    """Let the next pass find the channel closed to the bot."""
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013)
    await world.poll_once()
    assert contents_in(world.channel) == []


async def test_a_week_off_gives_nothing_up(world: World) -> None:
    """What a channel refused before the bot was off for over a week is still said when it takes it afterwards."""
    await add(world, "345678")
    await refuse_once(world)
    await world.env.advance_time(8 * DAY)
    await world.poll_once()
    assert contents_in(world.channel) == ["🔴 MiniMax login Sam Reed (345678) expired 10 days ago."]


async def test_refused_for_a_week_is_given_up(world: World) -> None:
    """What a channel still refuses after a week is said no more."""
    await add(world, "345678")
    await refuse_once(world)
    await world.env.advance_time(8 * DAY)
    await refuse_once(world)
    await world.env.advance_time(DAY)
    await world.poll_once()
    assert contents_in(world.channel) == []
