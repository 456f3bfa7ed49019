"""Whether a channel can take reminders: asked before a watch is stored, so that it does not fail later."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot.errors import CannotRemind

Channel = app_commands.AppCommandChannel | app_commands.AppCommandThread
_KINDS = {
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
}
_NONE: Mapping[int, discord.abc.GuildChannel] = {}
_THREADS = _KINDS - {discord.ChannelType.text, discord.ChannelType.news}


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel that reminders may go to, with the role they mention."""

    channel_id: int
    channel_name: str
    role_id: int | None
    role_name: str | None


def _needed(*, is_thread: bool) -> tuple[str, ...]:
    return ("view_channel", "send_messages_in_threads" if is_thread else "send_messages")


def _missing(rights: discord.Permissions, needed: Iterable[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in needed if not getattr(rights, name))


async def _fetch_bot_rights(
    interaction: discord.Interaction[Any], channel_id: int, kind: discord.ChannelType
) -> discord.Permissions:
    """Return the bot's own rights in a channel of the server; Discord tells them only for the one one is in.

    It tells those of the channel above a thread, which say nothing of whether the bot was let into a private one.
    """
    if channel_id == interaction.channel_id and kind is not discord.ChannelType.private_thread:
        return interaction.app_permissions
    assert interaction.guild_id is not None
    client: discord.Client = interaction.client
    assert client.user is not None
    try:
        guild = await client.fetch_guild(interaction.guild_id, with_counts=False)
        bot = await guild.fetch_member(client.user.id)
        return await fetch_rights(guild, bot, channel_id)
    except (discord.Forbidden, discord.NotFound, discord.InvalidData):  # the last: a channel of another server
        return discord.Permissions.none()


async def fetch_rights(
    guild: discord.Guild, bot: discord.Member, channel_id: int, known: Mapping[int, discord.abc.GuildChannel] = _NONE
) -> discord.Permissions:
    """Return the bot's rights in a channel or thread; `known` are channels that need not be fetched."""
    channel = known.get(channel_id) or await guild.fetch_channel(channel_id)
    if isinstance(channel, discord.Thread):
        parent = known.get(channel.parent_id) or await guild.fetch_channel(channel.parent_id)
        assert isinstance(parent, discord.abc.GuildChannel)
        # The parent's own method takes rights away from whoever may send in its threads alone.
        return discord.abc.GuildChannel.permissions_for(parent, bot)
    return channel.permissions_for(bot)


def find_missing(rights: discord.Permissions, *, is_thread: bool) -> str:
    """Return which of the rights that reminders need are missing, in words."""
    return _missing(rights, (*_needed(is_thread=is_thread), "embed_links", "read_message_history"))


async def choose_destination(
    interaction: discord.Interaction[Any], channel: Channel | None, role: discord.Role | None
) -> Destination:
    """Return the target, the channel that one is in if none is named.

    Raises:
        CannotRemind: it is of the wrong kind, or somebody lacks a right.
    """
    here = interaction.channel
    place = channel if channel is not None else here
    kind = getattr(place, "type", None)
    if place is None or kind is None or kind not in _KINDS:
        raise CannotRemind("Reminders go to text channels, announcement channels and threads.", "Pick one of those.")
    is_thread = kind in _THREADS
    invoker = channel.permissions if channel is not None else interaction.permissions
    if missing := _missing(invoker, _needed(is_thread=is_thread)):
        raise CannotRemind(f"You lack rights in that channel: {missing}.", "Pick a channel that you may write in.")
    rights = await _fetch_bot_rights(interaction, place.id, kind)
    if missing := find_missing(rights, is_thread=is_thread):
        advice = "Grant them to the bot's role in that channel's settings, then try again."
        raise CannotRemind(f"The bot lacks rights in that channel: {missing}.", advice)
    if role is not None:
        _check_role(interaction, role, invoker, rights)
    name = getattr(place, "name", None) or str(place.id)
    return Destination(place.id, name, role.id if role else None, role.name if role else None)


def _check_role(
    interaction: discord.Interaction[Any], role: discord.Role, invoker: discord.Permissions, bot: discord.Permissions
) -> None:
    if role.id == interaction.guild_id:
        raise CannotRemind("Reminders do not mention everyone.", "Pick the role of those who renew the logins.")
    advice = "Allow everyone to mention that role in the server's settings, or pick another."
    if not role.mentionable and not invoker.mention_everyone:
        raise CannotRemind("You may not mention that role.", advice)
    if not role.mentionable and not bot.mention_everyone:
        raise CannotRemind("The bot may not mention that role.", advice)
