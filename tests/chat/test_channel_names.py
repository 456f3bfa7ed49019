"""Tests of the names of channels: as they are today, and only for those who may see the channels."""

import discord
import pytest
import simcord

from tests.support.chat.places import Overwrites, dms_of, refuse_in, thread_in
from tests.support.chat.reminders import add, contents_in, poll_hourly, steer
from tests.support.world import MEMBER, World


@pytest.fixture
def other_manager(world: World) -> simcord.MemberActor:
    """Return another person who may manage the server."""
    guild = world.env.guild
    role = guild.create_role("Others", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
    return guild.add_member(world.env.create_user("lou"), roles=[role])


def private_channel(world: World) -> simcord.ChannelHandle:
    """Create a channel that only the manager and the bot see."""
    bot = world.application.bot.user
    assert bot is not None
    seen, hidden = discord.PermissionOverwrite(view_channel=True), discord.PermissionOverwrite(view_channel=False)
    overwrites: Overwrites = {world.env.guild.default_role: hidden, bot: seen, world.manager: seen}
    return world.env.guild.create_text_channel("plans", overwrites=overwrites)


async def labels_for(world: World, member: simcord.MemberActor) -> list[str]:
    """Return the labels of the reminders that a person may remove."""
    await world.env.advance_time(60)
    choices = await member.autocomplete(world.channel, "minimax-reminders remove", "reminder", "")
    return [choice["name"].partition(" · ")[0] for choice in choices]


async def test_a_renamed_channel_has_its_new_name(world: World) -> None:
    """Labels have the name that a channel has today; two channels of one name have labels of their own."""
    other = world.env.guild.create_text_channel("old")
    await add(world, channel=other)
    await add(world)
    assert await labels_for(world, world.manager) == ["All accounts → old", "All accounts → pipeline"]
    world.env.backend.edit_channel(other.id, {"name": "pipeline"})
    await world.env.advance_time(60)
    choices = await world.manager.autocomplete(world.channel, "minimax-reminders remove", "reminder", "")
    assert [choice["name"].rpartition(" · ")[2] for choice in choices] == ["no. 1", "no. 2"]
    assert other.mention in await steer(world, "remove", choices[0]["name"])


async def test_a_private_channel_has_no_name_for_others(world: World, other_manager: simcord.MemberActor) -> None:
    """Who may not see a channel or thread reads the end of its id in its place, and can pick it all the same."""
    private = private_channel(world)
    thread = thread_in(world, world.channel, discord.ChannelType.public_thread)
    secret = thread_in(world, private, discord.ChannelType.public_thread)
    for channel in (private, thread, secret):
        await add(world, channel=channel)
    assert await labels_for(world, world.manager) == [
        "All accounts → plans",
        "All accounts → thread",
        "All accounts → thread",
    ]
    hidden = [f"All accounts → channel …{channel.id % 10_000:04}" for channel in (private, secret)]
    labels = await labels_for(world, other_manager)
    assert labels == [hidden[0], "All accounts → thread", hidden[1]]
    answer = await other_manager.slash(world.channel, "minimax-reminders pause", reminder=labels[0])
    assert answer.response is not None
    assert answer.response.embeds[0].title == "Reminder paused"


async def test_labels_do_without_names_while_discord_fails(world: World) -> None:
    """While Discord does not give the channels, labels have ids and still stand for their reminders; no key asks it."""
    other = world.env.guild.create_text_channel("other")
    await add(world, channel=other)
    world.env.inject_error("GET", f"/guilds/{world.env.guild.id}/channels", status=500, times=None)
    (label,) = await labels_for(world, world.manager)
    assert label == f"All accounts → channel …{other.id % 10_000:04}"
    asked = [one for one in world.env.http_requests if one.path.endswith("/channels")]
    await world.manager.autocomplete(world.channel, "minimax-reminders remove", "reminder", "all")
    assert [one for one in world.env.http_requests if one.path.endswith("/channels")] == asked
    world.env.backend.faults.clear()
    assert (await steer(world, "pause", label)).startswith("Reminder paused")


async def test_other_channels_read_how_many_fail(world: World) -> None:
    """A channel that hears of others that fail, as the adder accepts no message, reads how many, and no name."""
    private = private_channel(world)
    await add(world, "234567")
    await add(world, "345678", channel=private)
    refuse_in(world, private)
    refuse_in(world, world.manager.user.dm_channel, code=50007)
    await poll_hourly(world, 4)
    (line,) = (line for line in contents_in(world.channel) if "can't be delivered" in line)
    assert line.startswith("⚠️ MiniMax reminders can't be delivered in 1 channel. Server managers see which, and why: ")
    assert str(private.id) not in line
    assert dms_of(world) == []
