"""Channels with other permissions than usual, and the direct messages of the manager."""

import discord
import simcord

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


def channel_with(
    world: World, *, bot: dict[str, bool] | None = None, manager: dict[str, bool] | None = None
) -> simcord.ChannelHandle:
    """Create a channel with own permissions for the bot or the manager."""
    bot_user = world.application.bot.user
    assert bot_user is not None
    overwrites: Overwrites = {
        bot_user: discord.PermissionOverwrite(**(bot or {})),
        world.manager: discord.PermissionOverwrite(**(manager or {})),
    }
    return world.env.guild.create_text_channel("target", overwrites=overwrites)


def thread_in(world: World, parent: simcord.ChannelHandle, kind: discord.ChannelType) -> simcord.ChannelHandle:
    """Let the manager start a thread."""
    world.env.backend.create_thread(parent.id, "thread", world.manager.id, type=kind.value)
    (thread,) = parent.threads
    return thread


def refuse_in(world: World, channel: simcord.ChannelHandle, code: int = 50013) -> None:
    """Let a channel refuse all messages from now on."""
    world.env.inject_error("POST", f"/channels/{channel.id}/messages", status=403, code=code, times=None)


def dms_of(world: World) -> list[str]:
    """Return the direct messages that the manager got."""
    return [message.content for message in world.manager.user.dm_channel.history()]
