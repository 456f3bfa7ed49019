"""Tests of channels that refuse reminders: who is informed, when, and what happens to pending notifications."""

import pytest

from bot.core.messages import MessageKind
from bot.store.channel_failures import get_failures
from tests.support.accounts import build_account, by_id
from tests.support.chat.boards import toggle
from tests.support.chat.places import dms_of, refuse_in
from tests.support.chat.reminders import DAY, add, contents_in, listed, poll_hourly, posts_in, steer
from tests.support.world import World


async def test_the_adder_is_informed_once(world: World) -> None:
    """After three refusals over an hour, the adder gets one direct message with the reason and what to do."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    await poll_hourly(world, 2)
    assert dms_of(world) == []
    await poll_hourly(world, 24)
    (message,) = dms_of(world)
    assert message.startswith(
        "⚠️ MiniMax reminders can't be delivered in 1 channel:\n- #pipeline: the bot lacks a permission"
    )
    assert "Nothing is lost" in message


async def test_one_message_lists_all_channels(world: World) -> None:
    """The adder gets one message about all refusing channels of a server."""
    other = world.env.guild.create_text_channel("other")
    await add(world, "123456")
    await add(world, "123456", channel=other)
    for channel in (world.channel, other):
        refuse_in(world, channel, code=50001)
    await poll_hourly(world, 12)
    (message,) = dms_of(world)
    assert "- #pipeline: the bot may not see the channel\n- #other: the bot may not see the channel" in message


async def test_a_working_channel_gets_the_message_if_the_adder_accepts_none(world: World) -> None:
    """If the adder accepts no direct messages, another channel with a reminder gets the message."""
    other = world.env.guild.create_text_channel("other")
    await add(world, "234567")
    await add(world, "345678", channel=other)
    refuse_in(world, world.channel)
    await world.poll_once()
    refuse_in(world, world.manager.user.dm_channel, code=50007)
    await poll_hourly(world, 24)
    assert [line for line in contents_in(other) if "can't be delivered" in line] == contents_in(other)[-1:]


async def test_only_the_list_shows_it_if_nobody_can_be_informed(world: World) -> None:
    """Without any direct message or other channel, the list shows the failure, and the adder is tried once."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    refuse_in(world, world.manager.user.dm_channel, code=50007)
    await poll_hourly(world, 24)
    assert "⚠️ It does not arrive: the bot lacks a permission in the channel." in await listed(world)
    tries = [
        one for one in world.env.http_requests if one.path == f"/channels/{world.manager.user.dm_channel.id}/messages"
    ]
    assert len(tries) == 1


async def test_the_first_success_ends_it(world: World) -> None:
    """A channel that works again gets what is due then, and the adder is informed of a later failure again."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    await poll_hourly(world, 12)
    world.env.backend.faults.clear()
    await poll_hourly(world, 7)
    assert contents_in(world.channel) == ["⏰ MiniMax login Jane Doe (123456) expires in 12 days."]
    refuse_in(world, world.channel)
    await world.env.advance_time(5 * DAY)
    await poll_hourly(world, 24)
    assert len(dms_of(world)) == 2


async def test_a_daily_check_finds_a_deleted_channel(world: World) -> None:
    """The adder is informed within a day that a channel was deleted, long before the next reminder."""
    world.api.accounts = by_id(build_account("9", days=300))
    doomed = world.env.guild.create_text_channel("doomed")
    await add(world, "9", channel=doomed)
    await world.poll_once()
    world.env.backend.delete_channel(doomed.id)
    await poll_hourly(world, 24)
    assert dms_of(world) == []
    await poll_hourly(world, 3 * 24)
    (message,) = dms_of(world)
    assert "- #doomed: the channel is gone" in message
    assert "⚠️ Would not arrive: the channel is gone." in await listed(world)


async def test_a_check_that_breaks_off_keeps_its_findings(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The adder is informed of channels that were checked before Discord failed; the others are checked later."""
    world.api.accounts = by_id(build_account("9", days=300))
    first, second = (world.env.guild.create_text_channel(name) for name in ("first", "second"))
    for channel in (first, second):
        await add(world, "9", channel=channel)
    await world.poll_once()
    for channel in (first, second):
        world.env.backend.delete_channel(channel.id)
    world.env.inject_error("GET", f"/channels/{second.id}", status=500, times=None)
    await poll_hourly(world, 26)
    (message,) = dms_of(world)
    assert "in 1 channel:\n- #first: the channel is gone" in message
    assert "only 1 of 2 channels were checked" in caplog.text
    world.env.backend.faults.clear()
    await poll_hourly(world, 24)
    assert "in 1 channel:\n- #second: the channel is gone" in dms_of(world)[-1]


async def test_a_daily_check_finds_a_deleted_role(world: World) -> None:
    """The adder is informed that a role was deleted; the reminder itself is still sent."""
    world.api.accounts = by_id(build_account("9", days=16))
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "9", mention=role)
    await world.poll_once()
    world.env.backend.delete_role(world.env.guild.id, role.id)
    await poll_hourly(world, 26)
    (message,) = dms_of(world)
    assert "the role to mention is gone, so nobody would be notified" in message
    await world.env.advance_time(DAY)
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1


async def test_daily_checks_of_working_channels_send_nothing(world: World) -> None:
    """Days of checks send no message to a channel or a user."""
    world.api.accounts = by_id(build_account("9", days=300))
    thread_parent = world.env.guild.create_text_channel("above")
    await add(world, "9", channel=thread_parent)
    await add(world, "9")
    await poll_hourly(world, 72)
    assert (dms_of(world), posts_in(world.channel), posts_in(thread_parent)) == ([], [], [])
    checks = [one for one in world.env.http_requests if one.path == f"/guilds/{world.env.guild.id}/channels"]
    assert len(checks) == 2


async def test_a_failure_ends_with_the_last_reminder(world: World) -> None:
    """The failure of a channel without reminders is deleted."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    await world.poll_once()
    await steer(world, "remove")
    await world.poll_once()
    async with world.database.begin() as tx:
        assert await get_failures(tx, {world.env.guild.id}, MessageKind.NOTIFICATIONS) == {}


async def test_a_message_about_many_channels_fits(world: World) -> None:
    """The message about a server that refuses everything names five channels and counts the others."""
    for number in range(8):
        channel = world.env.guild.create_text_channel(f"{number}-{'x' * 90}")
        await add(world, "123456", channel=channel)
        refuse_in(world, channel, code=50001)
    await poll_hourly(world, 12)
    (message,) = dms_of(world)
    assert "in 8 channels" in message
    assert "- and 3 more, see `/minimax-reminders list`" in message


async def test_a_working_channel_gets_the_message_about_a_board(world: World) -> None:
    """If the adder of a board accepts no direct messages, a channel that accepts reminders gets the message."""
    refusing, other = (world.env.guild.create_text_channel(name) for name in ("refusing", "other"))
    for channel in (refusing, other):
        await add(world, "345678", channel=channel)
    refuse_in(world, refusing)
    await world.poll_once()
    await toggle(world)
    refuse_in(world, world.manager.user.dm_channel, code=50007)
    world.env.inject_error("PATCH", f"/channels/{world.channel.id}/messages/*", status=403, code=50013, times=None)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    await poll_hourly(world, 24)
    (message,) = contents_in(other)[2:]
    assert message == (
        "⚠️ The board of MiniMax accounts can't be kept up to date in 1 channel:\n"
        f"- {world.channel.mention}: the bot lacks a permission in the channel\n"
        "Fix that there, or remove the board with `/minimax-reminders board`."
    )


async def refuse_once(world: World) -> None:
    """Let the channel refuse the message of the next poll."""
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013)
    await world.poll_once()
    assert contents_in(world.channel) == []


async def test_a_week_without_polls_deletes_nothing(world: World) -> None:
    """A notification that a channel refused is sent after the bot was off for more than a week."""
    await add(world, "345678")
    await refuse_once(world)
    await world.env.advance_time(8 * DAY)
    await world.poll_once()
    assert contents_in(world.channel) == ["🔴 MiniMax login Sam Reed (345678) expired 10 days ago."]


async def test_a_week_of_refusals_deletes_nothing(world: World) -> None:
    """A channel that works again after a week of refusals gets the stage of that moment, once."""
    await add(world, "345678")
    await refuse_once(world)
    await world.env.advance_time(8 * DAY)
    await refuse_once(world)
    await world.env.advance_time(DAY)
    for _ in range(2):
        await world.poll_once()
    assert contents_in(world.channel) == ["🔴 MiniMax login Sam Reed (345678) expired 11 days ago."]
