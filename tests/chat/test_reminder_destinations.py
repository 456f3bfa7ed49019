"""Tests of the channels and roles that `/minimax-reminders add` accepts."""

from collections.abc import Callable
from typing import Any

import discord
import pytest
import simcord
from simcord.backend.errors import SetupError

from tests.support.chat.answers import text_of
from tests.support.chat.places import channel_with, thread_in
from tests.support.chat.reminders import add, contents_in, listed, posts_in, say_expiring, sent_contents
from tests.support.world import World


def naming(channel: simcord.ChannelHandle, *, named: bool) -> dict[str, Any]:
    """Return the option that names a channel, or none, for a use of the command in that channel."""
    return {"channel": channel} if named else {}


async def assert_nothing_saved(world: World) -> None:
    """Fail if there is any reminder."""
    assert "No reminders yet" in await listed(world)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("permission", ["view_channel", "send_messages", "embed_links", "read_message_history"])
async def test_refuses_a_channel_where_the_bot_lacks_a_permission(
    world: World, permission: str, *, named: bool
) -> None:
    """A channel in which the bot lacks a permission is refused with the permission's name."""
    target = channel_with(world, bot={permission: False})
    if named:
        answer = await add(world, channel=target)
    else:
        world.channel = target
        answer = await add(world)
    name = permission.replace("_", " ").title()
    assert answer.startswith("The bot can't post in #target\nGive its role *")
    assert f"*{name}*" in answer
    assert answer.endswith(" there, then try again.")
    await assert_nothing_saved(world)


@pytest.mark.parametrize("named", [True, False])
async def test_refuses_a_channel_where_the_user_may_not_write(world: World, *, named: bool) -> None:
    """A user can't add a reminder to a channel in which they may not write themselves."""
    target = channel_with(world, manager={"send_messages": False})
    if named:
        answer = await add(world, channel=target)
    else:
        world.channel = target
        answer = await add(world)
    assert answer == (
        "You can't post in #target\nYou don't have *Send Messages* there. Pick a channel that you can write in."
    )
    await assert_nothing_saved(world)


async def test_names_every_missing_permission(world: World) -> None:
    """The answer names all missing permissions at once."""
    target = channel_with(world, bot={"embed_links": False, "read_message_history": False})
    assert "Give its role *Embed Links* and *Read Message History* there" in await add(world, channel=target)


async def test_accepts_a_channel_whose_own_permissions_suffice(world: World) -> None:
    """The channel's own permissions count, not only the server's."""
    world.env.backend.edit_role(world.env.guild.id, world.env.guild.default_role.id, {"permissions": 0})
    world.env.backend.edit_role(world.env.guild.id, world.env.guild.roles["TestBot"].id, {"permissions": 0})
    needed = dict.fromkeys(("view_channel", "send_messages", "embed_links", "read_message_history"), True)
    assert (await add(world, channel=channel_with(world, bot=needed))).startswith("Reminder added")
    assert "The bot can't post in" in await add(world, channel=channel_with(world))


CREATE: dict[str, Callable[[simcord.GuildHandle], simcord.ChannelHandle]] = {
    "voice": lambda guild: guild.create_voice_channel("wrong"),
    "stage": lambda guild: guild.create_stage_channel("wrong"),
    "category": lambda guild: guild.create_category("wrong"),
    "forum": lambda guild: guild.create_forum_channel("wrong"),
}


@pytest.mark.parametrize("command", ["minimax-reminders add", "minimax-board add", "minimax-board remove"])
@pytest.mark.parametrize("kind", CREATE)
async def test_offers_no_channels_of_other_kinds(world: World, kind: str, command: str) -> None:
    """Discord offers text channels, announcement channels and threads alone, and refuses the others."""
    options = {"account": "all"} if command == "minimax-reminders add" else {}
    with pytest.raises(SetupError):
        await world.manager.slash(world.channel, command, channel=CREATE[kind](world.env.guild), **options)
    await assert_nothing_saved(world)


@pytest.mark.parametrize("command", ["minimax-reminders add", "minimax-board add"])
async def test_refuses_this_channel_if_it_is_of_another_kind(world: World, command: str) -> None:
    """In the chat of a voice channel, which is the default there, the commands are refused with the accepted kinds."""
    options = {"account": "all"} if command == "minimax-reminders add" else {}
    voice = world.env.guild.create_voice_channel("talk")
    answer = text_of(await world.manager.slash(voice, command, **options))
    assert answer == (
        "Wrong kind of channel\nReminders and boards go to text channels, announcement channels and threads. "
        "Pick one of those."
    )
    await assert_nothing_saved(world)


async def test_accepts_announcement_channels(world: World) -> None:
    """An announcement channel gets reminders like a text channel."""
    target = world.env.guild.create_news_channel("news")
    assert (await add(world, "123456", channel=target)).startswith("Reminder added")
    await world.poll_once()
    assert contents_in(target) == [say_expiring("Jane Doe", "12 days")]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("parent", ["text", "forum"])
async def test_accepts_threads(world: World, parent: str, *, named: bool) -> None:
    """A thread gets reminders like a channel, whether it is named or the command is used in it."""
    guild = world.env.guild
    above = guild.create_text_channel("above") if parent == "text" else guild.create_forum_channel("above")
    thread = thread_in(world, above, discord.ChannelType.public_thread)
    if not named:
        world.channel = thread
    answer = await add(world, "123456", **naming(thread, named=named))
    assert f"**Jane Doe** → {thread.mention}" in answer
    await world.poll_once()
    assert contents_in(thread) == [say_expiring("Jane Doe", "12 days")]


@pytest.mark.parametrize("named", [True, False])
async def test_accepts_a_thread_of_a_channel_that_accepts_no_messages(world: World, *, named: bool) -> None:
    """In a thread the permission to write in threads counts, for bot and user, not the one to write in its channel."""
    closed = {"send_messages": False, "send_messages_in_threads": True}
    thread = thread_in(world, channel_with(world, bot=closed, manager=closed), discord.ChannelType.public_thread)
    if not named:
        world.channel = thread
    assert (await add(world, **naming(thread, named=named))).startswith("Reminder added")


@pytest.mark.parametrize("who", ["bot", "manager"])
async def test_refuses_threads_without_the_permission_for_threads(world: World, who: str) -> None:
    """The permission to write in a channel is not enough for its threads."""
    closed = {"send_messages_in_threads": False}
    parent = channel_with(world, bot=closed) if who == "bot" else channel_with(world, manager=closed)
    thread = thread_in(world, parent, discord.ChannelType.public_thread)
    answer = await add(world, channel=thread)
    lacks = "The bot can't post" if who == "bot" else "You can't post"
    assert answer.startswith(f"{lacks} in #thread\n")
    assert "*Send Messages in Threads* there" in answer


@pytest.mark.parametrize("named", [True, False])
async def test_refuses_private_threads_without_the_bot(world: World, *, named: bool) -> None:
    """A private thread that the bot was not added to is refused."""
    parent = channel_with(world, bot={"manage_threads": False})
    thread = thread_in(world, parent, discord.ChannelType.private_thread)
    if not named:
        world.channel = thread
    answer = await add(world, **naming(thread, named=named))
    assert answer == (
        "The bot isn't in this private thread\nMention the bot in the thread, which lets it in, then try again."
    )
    await assert_nothing_saved(world)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("may_manage", [True, False])
async def test_a_locked_thread_needs_a_permission(world: World, *, may_manage: bool, named: bool) -> None:
    """A thread that a moderator has locked is refused, unless the bot may post there all the same."""
    thread = thread_in(
        world, channel_with(world, bot={"manage_threads": may_manage}), discord.ChannelType.public_thread
    )
    world.env.backend.edit_channel(thread.id, {}, thread_metadata={"locked": True})
    if not named:
        world.channel = thread
    answer = await add(world, **naming(thread, named=named))
    assert answer.startswith("Reminder added" if may_manage else "The thread #thread is locked\nUnlock it, ")


async def test_refuses_a_thread_whose_channel_is_gone(world: World) -> None:
    """A thread that was chosen just before its channel was deleted is refused with the reason."""
    thread = thread_in(world, world.env.guild.create_text_channel("above"), discord.ChannelType.public_thread)
    for path in (f"/channels/{thread.id}", f"/channels/{thread.id}/messages"):
        world.env.inject_error("GET", path, status=404, code=10003, times=None)
    assert await add(world, channel=thread) == "This channel is gone\nPick another one."
    await assert_nothing_saved(world)


async def test_refuses_to_mention_everyone(world: World) -> None:
    """The role that everyone has is refused, also for a user who may mention everyone."""
    world.channel = channel_with(world, manager={"mention_everyone": True})
    answer = await add(world, ping=world.env.guild.default_role)
    assert answer == "Reminders can't ping @\u200beveryone\nPick the role of the people who renew, or one person."
    await assert_nothing_saved(world)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("user", "bot", "answer"),
    [
        (False, True, "You can't ping @\u200bClosed"),
        (True, False, "The bot can't ping @\u200bClosed"),
        (True, True, "Reminder added"),
    ],
)
async def test_a_closed_role_needs_a_permission(
    world: World, answer: str, *, user: bool, bot: bool, named: bool
) -> None:
    """A role that not everybody may mention needs the permission to mention all roles, for user and bot."""
    role = world.env.guild.create_role("Closed")
    target = channel_with(world, bot={"mention_everyone": bot}, manager={"mention_everyone": user})
    if not named:
        world.channel = target
    assert answer in await add(world, ping=role, **naming(target, named=named))


async def test_an_open_role_needs_no_permission(world: World) -> None:
    """A role that everybody may mention needs no permission of user or bot."""
    role = world.env.guild.create_role("Open", mentionable=True)
    target = channel_with(world, bot={"mention_everyone": False}, manager={"mention_everyone": False})
    assert f"pings {role.mention}" in await add(world, channel=target, ping=role)


async def test_mentions_only_the_role_of_the_reminder(world: World) -> None:
    """A reminder notifies its role alone, whatever the account's name holds; a renewal notifies nobody."""
    guild = world.env.guild
    role, other = (guild.create_role(name, mentionable=True) for name in ("Ops", "Other"))
    jwt = world.api.accounts["123456"]["jwt"]
    jwt["user"]["name"] = f"{other.mention} @everyone {world.member.mention}"
    await add(world, "123456", ping=role, days="14")
    await world.poll_once()
    jwt["exp"] += 60 * 86_400
    await world.poll_twice()
    reminder, renewal = posts_in(world.channel)
    assert sent_contents(world)[0].endswith(role.mention)
    assert reminder.content.startswith("-# ✅")
    assert renewal.content.startswith("✅")
    assert (renewal.raw_role_mentions, renewal.raw_mentions, renewal.mention_everyone) == ([], [], False)
    posts = [one.json for one in world.env.http_requests if one.path == f"/channels/{world.channel.id}/messages"]
    assert [post["allowed_mentions"] for post in posts if post] == [
        {"parse": [], "users": [], "roles": [role.id]},
        {"parse": [], "users": [], "roles": []},
    ]
