"""Tests of channels that refuse reminders: who is informed, when, and what happens to pending notifications."""

import pytest

from bot.core.messages import MessageKind
from bot.store.channel_failures import get_failures
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import embed_of, fields_of
from tests.support.chat.boards import add_board
from tests.support.chat.links import command_link
from tests.support.chat.places import dms_of, refuse_in
from tests.support.chat.reminders import (
    DAY,
    HOUR,
    add,
    contents_in,
    listed,
    poll_for,
    poll_hourly,
    posts_in,
    say_expired,
    say_expiring,
    steer,
)
from tests.support.world import World


async def test_the_adder_is_informed_once(world: World) -> None:
    """After an hour of refusals, the adder gets one direct message with the reason and what to do."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    await world.poll_once()
    assert dms_of(world) == []
    await poll_hourly(world, 24)
    (message,) = dms_of(world)
    assert message.startswith(
        f"⚠️ MiniMax reminders can't be delivered in 1 channel:\n- {world.channel.mention}: the bot lacks a permission"
    )
    assert "Nothing is lost" in message


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 50035), (400, 160006), (400, 987654), (403, 50005), (403, 987654), (404, 0), (413, 40005)],
)
async def test_a_refusal_of_any_kind_is_known_and_loses_nothing(world: World, status: int, code: int) -> None:
    """Whatever the code is: the adder is informed within an hour, status and list show it, and nothing is lost."""
    await add(world, "123456")
    path = f"/channels/{world.channel.id}/messages"
    world.env.inject_error("POST", path, status=status, code=code, times=None)
    await poll_hourly(world, 2)
    assert len(dms_of(world)) == 1
    assert "Not delivered" in await listed(world)
    problems = fields_of(embed_of(await world.manager.slash(world.channel, "minimax-status")))["Problems"]
    assert f"- {world.channel.mention}: " in problems
    assert "Fix that, or move the reminder." in problems
    await poll_for(world, 10)
    assert len(dms_of(world)) == 1
    world.env.backend.faults.clear()
    await world.env.advance_time(6 * HOUR)
    await world.poll_once()
    assert contents_in(world.channel) == [say_expiring("Jane Doe", "2 days")]


def time_out_bot(world: World, until: str | None) -> None:
    """Let a moderator time the bot out, or end that."""
    assert world.application.bot.user is not None
    changes = {"timed_out_until": until}
    world.env.backend.edit_member(world.env.guild.id, world.application.bot.user.id, changes)


async def test_a_timeout_is_named_and_ends(world: World) -> None:
    """A reminder that meets a moderator's timeout says that and until when, also in private, and is sent after it."""
    await add(world, "123456")
    time_out_bot(world, "2099-01-01T00:00:00+00:00")
    await poll_hourly(world, 2)
    assert "the bot is timed out until <t:4070908800:f>; remove the timeout" in await listed(world)
    embed = embed_of(await world.manager.slash(world.channel, "minimax-status"))
    assert "the bot is timed out until <t:4070908800:f>; remove the timeout." in fields_of(embed)["Problems"]
    (message,) = dms_of(world)
    assert f"- {world.channel.mention}: the bot is timed out until <t:4070908800:f>; remove the timeout" in message
    time_out_bot(world, None)
    await poll_hourly(world, 7)
    assert contents_in(world.channel) == [say_expiring("Jane Doe", "12 days")]


async def test_a_daily_check_names_a_timeout(world: World) -> None:
    """The daily check says that the bot is timed out, not that it lacks permissions."""
    world.api.accounts = by_id(build_account("9", days=300))
    await add(world, "9")
    await world.poll_once()
    time_out_bot(world, "2099-01-01T00:00:00+00:00")
    await poll_hourly(world, 26)
    (message,) = dms_of(world)
    assert f"- {world.channel.mention}: the bot is timed out until <t:4070908800:f>; remove the timeout" in message


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_new_reminder_meets_a_timeout(world: World, *, is_named: bool) -> None:
    """While the bot is timed out no reminder is added, and the answer says what to remove, and until when it lasts."""
    time_out_bot(world, "2099-01-01T00:00:00+00:00")
    other = world.env.guild.create_text_channel("other")
    answer = await (add(world, "123456", channel=other) if is_named else add(world, "123456"))
    assert answer == (
        "The bot is timed out in this server\nA moderator did that; it ends <t:4070908800:f>. "
        "Remove the timeout in the bot's menu in the member list, then try again."
    )


async def test_one_message_lists_all_channels(world: World) -> None:
    """The adder gets one message about all refusing channels of a server."""
    other = world.env.guild.create_text_channel("other")
    await add(world, "123456")
    await add(world, "123456", channel=other)
    for channel in (world.channel, other):
        refuse_in(world, channel, code=50001)
    await poll_hourly(world, 12)
    (message,) = dms_of(world)
    assert f"- {world.channel.mention}: the bot can't see the channel\n- {other.mention}: the bot can't see" in message


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
    assert "⚠️ Not delivered: the bot lacks a permission in the channel." in await listed(world)
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
    assert contents_in(world.channel) == [say_expiring("Jane Doe", "12 days")]
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
    assert f"- {doomed.mention}: the channel is gone" in message
    assert "⚠️ Will fail: the channel is gone." in await listed(world)


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
    assert f"in 1 channel:\n- {first.mention}: the channel is gone" in message
    assert "only 1 of 2 channels were checked" in caplog.text
    world.env.backend.faults.clear()
    await poll_hourly(world, 24)
    assert f"in 1 channel:\n- {second.mention}: the channel is gone" in dms_of(world)[-1]


async def test_a_daily_check_finds_a_deleted_role(world: World) -> None:
    """The adder is informed that a role was deleted; the reminder itself is still sent."""
    world.api.accounts = by_id(build_account("9", days=16))
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "9", ping=role)
    await world.poll_once()
    world.env.backend.delete_role(world.env.guild.id, role.id)
    await poll_hourly(world, 26)
    (message,) = dms_of(world)
    assert "the role to ping is gone, so nobody would be pinged" in message
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
    await add_board(world)
    refuse_in(world, world.manager.user.dm_channel, code=50007)
    world.env.inject_error("PATCH", f"/channels/{world.channel.id}/messages/*", status=403, code=50013, times=None)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    await poll_hourly(world, 24)
    (message,) = contents_in(other)[2:]
    assert message == (
        "⚠️ The board of MiniMax accounts can't be kept up to date in 1 channel. "
        f"Server managers see which, and why: {command_link(world, 'minimax-reminders list')}"
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
    assert contents_in(world.channel) == [say_expired("Sam Reed `345678`")]


async def test_a_week_of_refusals_deletes_nothing(world: World) -> None:
    """A channel that works again after a week of refusals gets the stage of that moment, once."""
    await add(world, "345678")
    await refuse_once(world)
    await world.env.advance_time(8 * DAY)
    await refuse_once(world)
    await world.env.advance_time(DAY)
    for _ in range(2):
        await world.poll_once()
    assert contents_in(world.channel) == [say_expired("Sam Reed `345678`")]
