"""The names of channels, for people who may see the channels. Discord is asked for them, since they change."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import discord

_LOG = logging.getLogger(__name__)

_Place = discord.abc.GuildChannel | discord.Thread


@dataclass(frozen=True, slots=True)
class GuildChannels:
    """The channels of a guild, and those of its threads that were asked for, by id."""

    guild: discord.Guild
    places: Mapping[int, _Place]

    def name_for(self, member: discord.Member, channel_id: int) -> str | None:
        """Return a channel's name; None if there is no such channel, or the member may perhaps not see it."""
        place = self.places.get(channel_id)
        if not isinstance(place, discord.Thread):
            return place.name if place is not None and _permissions(place, member).view_channel else None
        parent = self.places.get(place.parent_id)
        if parent is None or isinstance(parent, discord.Thread):
            return None
        permissions = _permissions(parent, member)
        # Who was let into a private thread is not known here.
        is_open = not place.is_private() or permissions.manage_threads
        return place.name if permissions.view_channel and is_open else None


def _permissions(channel: discord.abc.GuildChannel, member: discord.Member) -> discord.Permissions:
    # Channels of some kinds remove other permissions from members who may not see or join them.
    return discord.abc.GuildChannel.permissions_for(channel, member)


async def fetch_channels(client: discord.Client, guild_id: int, channel_ids: Collection[int]) -> GuildChannels | None:
    """Return a guild's channels, and these ones if they are threads; None if Discord does not give them.

    It takes two requests, and one for each thread.
    """
    try:
        guild = await client.fetch_guild(guild_id, with_counts=False)
        places: dict[int, _Place] = {channel.id: channel for channel in await guild.fetch_channels()}
        threads = await asyncio.gather(
            *(guild.fetch_channel(one) for one in set(channel_ids) - places.keys()), return_exceptions=True
        )
    except Exception as error:  # whatever discord.py makes of an answer, labels can do without names
        _LOG.info("The names of channels in server %s can't be read now (%s)", guild_id, type(error).__name__)
        return None
    places.update({thread.id: thread for thread in threads if isinstance(thread, discord.Thread)})
    return GuildChannels(guild, places)


def name_of_own(interaction: discord.Interaction[Any]) -> dict[int, str]:
    """Return the name of an interaction's own channel, which its user sees, by the channel's id."""
    name = getattr(interaction.channel, "name", None)
    return {interaction.channel_id: name} if interaction.channel_id is not None and name else {}
