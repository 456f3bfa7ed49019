"""Tests of channels that take no reminders: who is told, when, and what becomes of what is owed."""

import pytest
import simcord

from bot.store.channel_failures import get_channel_failures
from tests.support.chat.answers import embed_of
from tests.support.chat.reminders import DAY, add, posts_in, contents_in, show
from tests.support.world import World, account

HOUR = 3600.0


def dms_of(world: World) -> list[str]:
    """Return the direct messages that the manager got."""
    return [message.content for message in world.manager.user.dm_channel.history()]


def refuse_in(world: World, channel: simcord.ChannelHandle, code: int = 50013) -> None:
    """Let a channel refuse all messages from now on."""
    world.env.inject_error("POST", f"/channels/{channel.id}/messages", status=403, code=code, times=None)


async def poll_hourly(world: World, hours: int) -> None:
    """Run a pass each hour."""
    for _ in range(hours):
        await world.poll_once()
        await world.env.advance_time(HOUR)


async def test_whoever_added_the_watch_is_told_once(world: World) -> None:
    """After three refusals over an hour the adder gets one direct message with the reason and what to do."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    await poll_hourly(world, 2)
    assert dms_of(world) == []
    await poll_hourly(world, 24)
    (told,) = dms_of(world)
    assert told.startswith(
        "⚠️ MiniMax reminders can't be delivered in 1 channel:\n- #pipeline: the bot lacks a right"
    )
    assert "Nothing is lost" in told


async def test_one_message_tells_of_all_channels(world: World) -> None:
    """Trouble with a whole server is told in one message."""
    other = world.env.guild.create_text_channel("other")
    await add(world, "123456")
    await add(world, "123456", channel=other)
    for channel in (world.channel, other):
        refuse_in(world, channel, code=50001)
    await poll_hourly(world, 12)
    (told,) = dms_of(world)
    assert "- #pipeline: the bot may not see the channel\n- #other: the bot may not see the channel" in told


async def test_another_channel_is_told_if_the_adder_takes_no_messages(world: World) -> None:
    """Who takes no direct messages is told where the bot can still write: in another watched channel."""
    other = world.env.guild.create_text_channel("other")
    await add(world, "234567")
    await add(world, "345678", channel=other)
    refuse_in(world, world.channel)
    await world.poll_once()
    refuse_in(world, world.manager.user.dm_channel, code=50007)
    await poll_hourly(world, 24)
    assert [line for line in contents_in(other) if "There is trouble" in line] == contents_in(other)[-1:]


async def test_the_list_tells_if_nobody_else_can(world: World) -> None:
    """With nobody to write to and no other channel, the list shows it, and nobody is bothered in every pass."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    refuse_in(world, world.manager.user.dm_channel, code=50007)
    await poll_hourly(world, 24)
    assert "⚠️ It does not arrive: the bot lacks a permission in the channel." in (
        embed_of(await show(world)).description or ""
    )
    tries = [
        one for one in world.env.http_requests if one.path == f"/channels/{world.manager.user.dm_channel.id}/messages"
    ]
    assert len(tries) == 1


async def test_the_first_success_ends_it(world: World) -> None:
    """A channel that works again gets what is due then, and later trouble is news again."""
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


async def test_an_audit_tells_before_a_reminder_is_due(world: World) -> None:
    """A channel that is deleted long before the next reminder is told of within a day, without a message there."""
    world.standin.accounts = {"9": account("9", days=300)}
    doomed = world.env.guild.create_text_channel("doomed")
    await add(world, "9", channel=doomed)
    await world.poll_once()
    world.env.backend.delete_channel(doomed.id)
    await poll_hourly(world, 24)
    assert dms_of(world) == []
    await poll_hourly(world, 3 * 24)
    (told,) = dms_of(world)
    assert "- #doomed: the channel is gone" in told
    assert "⚠️ Trouble ahead: the channel is gone." in (embed_of(await show(world)).description or "")


async def test_an_audit_that_breaks_off_keeps_what_it_found(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What was found until Discord went away is told; of the channels after that nothing is taken for granted."""
    world.standin.accounts = {"9": account("9", days=300)}
    first, second = (world.env.guild.create_text_channel(name) for name in ("first", "second"))
    for channel in (first, second):
        await add(world, "9", channel=channel)
    await world.poll_once()
    for channel in (first, second):
        world.env.backend.delete_channel(channel.id)
    world.env.inject_error("GET", f"/channels/{second.id}", status=500, times=None)
    await poll_hourly(world, 26)
    (told,) = dms_of(world)
    assert "in 1 channel:\n- #first: the channel is gone" in told
    assert "only 1 of 2 channels were audited" in caplog.text
    world.env.backend.faults.clear()
    await poll_hourly(world, 24)
    assert "in 1 channel:\n- #second: the channel is gone" in dms_of(world)[-1]


async def test_an_audit_says_when_nobody_would_be_notified(world: World) -> None:
    """A role that was deleted is trouble too; the reminder itself still comes."""
    world.standin.accounts = {"9": account("9", days=16)}
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "9", mention=role)
    await world.poll_once()
    world.env.backend.delete_role(world.env.guild.id, role.id)
    await poll_hourly(world, 26)
    (told,) = dms_of(world)
    assert "the role to mention is gone, so nobody would be notified" in told
    await world.env.advance_time(DAY)
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1


async def test_an_audit_of_channels_that_work_says_nothing(world: World) -> None:
    """Days of audits post nothing, and tell nobody of anything."""
    world.standin.accounts = {"9": account("9", days=300)}
    thread_parent = world.env.guild.create_text_channel("above")
    await add(world, "9", channel=thread_parent)
    await add(world, "9")
    await poll_hourly(world, 72)
    assert (dms_of(world), posts_in(world.channel), posts_in(thread_parent)) == ([], [], [])
    audits = [one for one in world.env.http_requests if one.path == f"/guilds/{world.env.guild.id}/channels"]
    assert len(audits) == 2


async def test_trouble_goes_with_the_last_watch(world: World) -> None:
    """Nothing is said any more of a channel that nobody wants to be told in."""
    await add(world, "123456")
    refuse_in(world, world.channel)
    await world.poll_once()
    await world.manager.slash(world.channel, "minimax-reminders remove", reminder="1")
    await world.poll_once()
    async with world.database.begin() as tx:
        assert await get_channel_failures(tx, {world.env.guild.id}) == {}


async def test_news_of_many_channels_fit_one_message(world: World) -> None:
    """A server that is closed to the bot altogether is told of in one message, which names some of its channels."""
    for number in range(8):
        channel = world.env.guild.create_text_channel(f"{number}-{'x' * 90}")
        await add(world, "123456", channel=channel)
        refuse_in(world, channel, code=50001)
    await poll_hourly(world, 12)
    (told,) = dms_of(world)
    assert "in 8 channels" in told
    assert "- and 3 more, see `/minimax-reminders list`" in told
