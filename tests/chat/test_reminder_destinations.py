"""Tests of where `/minimax-reminders add` lets reminders go, and whom it lets them mention."""

from collections.abc import Callable
from typing import Any

import discord
import pytest
import simcord

from tests.support.chat.answers import embed_of
from tests.support.chat.reminders import add, sent_contents, posts_in, contents_in, show
from tests.support.world import World

Overwrites = dict[
    simcord.RoleHandle
    | simcord.MemberActor
    | simcord.UserHandle
    | discord.Role
    | discord.Member
    | discord.User
    | discord.ClientUser,
    discord.PermissionOverwrite,
]


def bot_user(world: World) -> discord.ClientUser:
    """Return the bot's own user."""
    user = world.application.bot.user
    assert user is not None
    return user


def channel_with(
    world: World, *, bot: dict[str, bool] | None = None, manager: dict[str, bool] | None = None
) -> simcord.ChannelHandle:
    """Create a channel in which the bot or the manager may more or less than elsewhere."""
    overwrites: Overwrites = {
        bot_user(world): discord.PermissionOverwrite(**(bot or {})),
        world.manager: discord.PermissionOverwrite(**(manager or {})),
    }
    return world.env.guild.create_text_channel("target", overwrites=overwrites)


def thread_in(world: World, parent: simcord.ChannelHandle, kind: discord.ChannelType) -> simcord.ChannelHandle:
    """Let the manager start a thread."""
    world.env.backend.create_thread(parent.id, "thread", world.manager.id, type=kind.value)
    (thread,) = parent.threads
    return thread


def naming(channel: simcord.ChannelHandle, *, named: bool) -> dict[str, Any]:
    """Return the options that name a channel, or none."""
    return {"channel": channel} if named else {}


async def assert_nothing_stored(world: World) -> None:
    """Fail if there is any watch."""
    assert "No reminders yet" in (embed_of(await show(world)).description or "")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("right", ["view_channel", "send_messages", "embed_links", "read_message_history"])
async def test_refuses_a_channel_where_the_bot_lacks_a_right(world: World, right: str, *, named: bool) -> None:
    """A channel that the bot can't see, write in, post cards in or read back is refused, with the right's name."""
    target = channel_with(world, bot={right: False})
    if named:
        answer = await add(world, channel=target)
    else:
        world.channel = target
        answer = await add(world)
    assert "The bot lacks permissions in that channel: " in answer
    assert right.replace("_", " ") in answer
    assert "Grant them to the bot's role" in answer
    await assert_nothing_stored(world)


@pytest.mark.parametrize("named", [True, False])
async def test_refuses_a_channel_where_the_asker_may_not_write(world: World, *, named: bool) -> None:
    """Nobody reaches through the bot into a channel they may not write in themselves."""
    target = channel_with(world, manager={"send_messages": False})
    if named:
        answer = await add(world, channel=target)
    else:
        world.channel = target
        answer = await add(world)
    assert "You lack permissions in that channel: send messages." in answer
    await assert_nothing_stored(world)


async def test_names_every_right_that_is_missing(world: World) -> None:
    """All missing rights are told at once, not one after the other."""
    target = channel_with(world, bot={"embed_links": False, "read_message_history": False})
    assert "in that channel: embed links, read message history." in await add(world, channel=target)


async def test_takes_a_channel_that_allows_what_the_server_does_not(world: World) -> None:
    """The channel's own settings count, not the server's alone."""
    world.env.backend.edit_role(world.env.guild.id, world.env.guild.default_role.id, {"permissions": 0})
    world.env.backend.edit_role(world.env.guild.id, world.env.guild.roles["TestBot"].id, {"permissions": 0})
    rights = dict.fromkeys(("view_channel", "send_messages", "embed_links", "read_message_history"), True)
    assert (await add(world, channel=channel_with(world, bot=rights))).startswith("Reminder added")
    assert "The bot lacks rights" in await add(world, channel=channel_with(world))


CREATE: dict[str, Callable[[simcord.GuildHandle], simcord.ChannelHandle]] = {
    "voice": lambda guild: guild.create_voice_channel("wrong"),
    "stage": lambda guild: guild.create_stage_channel("wrong"),
    "category": lambda guild: guild.create_category("wrong"),
    "forum": lambda guild: guild.create_forum_channel("wrong"),
}


@pytest.mark.parametrize("kind", CREATE)
async def test_refuses_channels_of_other_kinds(world: World, kind: str) -> None:
    """Voice, stage, category and forum channels are refused, with those that will do."""
    answer = await add(world, channel=CREATE[kind](world.env.guild))
    assert "Reminders go to text channels, announcement channels and threads." in answer
    await assert_nothing_stored(world)


async def test_takes_announcement_channels(world: World) -> None:
    """An announcement channel is told like a text channel."""
    target = world.env.guild.create_news_channel("news")
    assert (await add(world, "123456", channel=target)).startswith("Reminder added")
    await world.poll_once()
    assert contents_in(target) == ["⏰ MiniMax login Jane Doe (123456) expires in 12 days."]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("parent", ["text", "forum"])
async def test_takes_threads(world: World, parent: str, *, named: bool) -> None:
    """A thread, named or the one that one is in, is told like a channel."""
    guild = world.env.guild
    above = guild.create_text_channel("above") if parent == "text" else guild.create_forum_channel("above")
    thread = thread_in(world, above, discord.ChannelType.public_thread)
    if not named:
        world.channel = thread
    answer = await add(world, "123456", **naming(thread, named=named))
    assert f"Account 123456 in {thread.mention}" in answer
    await world.poll_once()
    assert contents_in(thread) == ["⏰ MiniMax login Jane Doe (123456) expires in 12 days."]


@pytest.mark.parametrize("named", [True, False])
async def test_takes_a_thread_of_a_channel_that_is_closed_to_the_bot(world: World, *, named: bool) -> None:
    """In a thread the right to write in threads counts, for bot and asker, not the right to write above it."""
    closed = {"send_messages": False, "send_messages_in_threads": True}
    thread = thread_in(world, channel_with(world, bot=closed, manager=closed), discord.ChannelType.public_thread)
    if not named:
        world.channel = thread
    assert (await add(world, **naming(thread, named=named))).startswith("Reminder added")


@pytest.mark.parametrize("who", ["bot", "manager"])
async def test_refuses_threads_that_are_closed(world: World, who: str) -> None:
    """The right to write in the channel above does not open its threads."""
    closed = {"send_messages_in_threads": False}
    parent = channel_with(world, bot=closed) if who == "bot" else channel_with(world, manager=closed)
    thread = thread_in(world, parent, discord.ChannelType.public_thread)
    answer = await add(world, channel=thread)
    lacks = "The bot lacks" if who == "bot" else "You lack"
    assert f"{lacks} rights in that channel: send messages in threads" in answer


@pytest.mark.parametrize("named", [True, False])
async def test_refuses_private_threads_without_the_bot(world: World, *, named: bool) -> None:
    """A private thread that the bot was not added to takes no reminders."""
    parent = channel_with(world, bot={"manage_threads": False})
    thread = thread_in(world, parent, discord.ChannelType.private_thread)
    if not named:
        world.channel = thread
    answer = await add(world, **naming(thread, named=named))
    assert "The bot lacks permissions in that channel: view channel" in answer
    await assert_nothing_stored(world)


async def test_refuses_to_mention_everyone(world: World) -> None:
    """The role that everyone has is not mentioned, even by those who may."""
    world.channel = channel_with(world, manager={"mention_everyone": True})
    answer = await add(world, mention=world.env.guild.default_role)
    assert "Reminders do not mention everyone." in answer
    await assert_nothing_stored(world)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("asker", "bot", "answered"),
    [
        (False, True, "You may not mention that role."),
        (True, False, "The bot may not mention that role."),
        (True, True, "Reminder added"),
    ],
)
async def test_mentions_only_what_asker_and_bot_may(
    world: World, answered: str, *, asker: bool, bot: bool, named: bool
) -> None:
    """A role that is not open to mentions takes the right to mention every role, of the asker and of the bot."""
    role = world.env.guild.create_role("Closed")
    target = channel_with(world, bot={"mention_everyone": bot}, manager={"mention_everyone": asker})
    if not named:
        world.channel = target
    assert answered in await add(world, mention=role, **naming(target, named=named))


async def test_mentions_an_open_role_without_any_right(world: World) -> None:
    """A role that everybody may mention needs no right, of the asker or of the bot."""
    role = world.env.guild.create_role("Open", mentionable=True)
    target = channel_with(world, bot={"mention_everyone": False}, manager={"mention_everyone": False})
    assert f"mentions {role.mention}" in await add(world, channel=target, mention=role)


async def test_mentions_exactly_the_role_of_the_watch(world: World) -> None:
    """Discord is told to ping that role and nobody else, whatever an account calls itself; good news pings nobody."""
    guild = world.env.guild
    role, other = (guild.create_role(name, mentionable=True) for name in ("Ops", "Other"))
    jwt = world.standin.accounts["123456"]["jwt"]
    jwt["user"]["name"] = f"{other.mention} @everyone {world.member.mention}"
    await add(world, "123456", mention=role)
    await world.poll_once()
    jwt["exp"] += 60 * 86_400
    await world.poll_once()
    reminder, renewal = posts_in(world.channel)
    assert sent_contents(world)[0].endswith(role.mention)
    assert reminder.content == renewal.content
    assert renewal.content.startswith("✅")
    assert (renewal.raw_role_mentions, renewal.raw_mentions, renewal.mention_everyone) == ([], [], False)
    posts = [one.json for one in world.env.http_requests if one.path == f"/channels/{world.channel.id}/messages"]
    assert [post["allowed_mentions"] for post in posts if post] == [
        {"parse": [], "users": [], "roles": [role.id]},
        {"parse": [], "users": [], "roles": []},
    ]
