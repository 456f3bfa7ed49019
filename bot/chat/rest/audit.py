"""Sees, without sending anything, whether channels would take reminders."""

from collections.abc import AsyncIterator, Collection, Mapping

import discord

from bot.chat.rest.permissions import fetch_rights, find_missing


async def find_problems(
    client: discord.Client, guild_id: int, roles: Mapping[int, Collection[int]]
) -> AsyncIterator[tuple[int, str | None]]:
    """Yield, of one channel after the other, what would keep reminders out of it, or its roles from being told.

    It takes three requests a server, and one or two for each thread.

    Raises:
        discord.DiscordException: it can't be found out.
    """
    assert client.user is not None
    guild = await client.fetch_guild(guild_id, with_counts=False)
    bot = await guild.fetch_member(client.user.id)
    known = {channel.id: channel for channel in await guild.fetch_channels()}
    for channel_id, role_ids in roles.items():
        yield channel_id, await _find_problem(guild, bot, known, channel_id, role_ids)


async def _find_problem(
    guild: discord.Guild,
    bot: discord.Member,
    known: Mapping[int, discord.abc.GuildChannel],
    channel_id: int,
    role_ids: Collection[int],
) -> str | None:
    try:
        rights = await fetch_rights(guild, bot, channel_id, known)
    except discord.NotFound:
        return "the channel is gone"
    except discord.Forbidden:
        return "the bot may not see the channel"
    # What is not among the server's channels is a thread.
    missing = find_missing(rights, is_thread=channel_id not in known)
    if missing:
        return f"the bot lacks rights in the channel: {missing}"
    return _find_role_problem(guild, rights, role_ids)


def _find_role_problem(guild: discord.Guild, rights: discord.Permissions, role_ids: Collection[int]) -> str | None:
    for role_id in role_ids:
        role = guild.get_role(role_id)
        if role is None:
            return "the role to mention is gone, so nobody would be notified"
        if not role.mentionable and not rights.mention_everyone:
            return "the bot may not mention the role, so nobody would be notified"
    return None
