"""Keeps the names of a server's channels for a moment: completion asks for them with each key."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import discord

from bot.chat.gateway.responder import Interaction
from bot.chat.rest.guild_channels import GuildChannels, fetch_channels, name_of_own
from bot.reminders.context import Context
from bot.useapi.shared_calls import SharedCalls

_REUSE_FOR = timedelta(seconds=15)
_WAIT_SECONDS = 1.0


class ChannelNames:
    """Names channels to those who may see them. Nothing is stored for longer than it takes to choose a reminder."""

    def __init__(self, context: Context, client: discord.Client) -> None:
        self._client, self._now = client, context.now
        self._seconds = context.timing.discord_request
        self._calls = SharedCalls[GuildChannels | None]()
        self._read: dict[int, tuple[datetime, GuildChannels | None]] = {}

    async def names_for(self, interaction: Interaction, channel_ids: Collection[int]) -> Mapping[int, str]:
        """Return the names of those of these channels that the interaction's user may see; all in a second at most."""
        own, guild_id = name_of_own(interaction), interaction.guild_id
        if guild_id is None or not isinstance(interaction.user, discord.Member) or not set(channel_ids) - own.keys():
            return own
        channels = await self._channels_of(guild_id, channel_ids)
        if channels is None:
            return own
        names = {one: channels.name_for(interaction.user, one) for one in channel_ids}
        return {one: name for one, name in names.items() if name is not None} | own

    async def _channels_of(self, guild_id: int, channel_ids: Collection[int]) -> GuildChannels | None:
        read_at, known = self._read.get(guild_id, (None, None))
        if read_at is not None and abs(self._now() - read_at) <= _REUSE_FOR:
            return known
        call = self._calls.join(guild_id, lambda: self._fetch(guild_id, channel_ids))
        await asyncio.wait({call}, timeout=_WAIT_SECONDS)
        return call.result() if call.done() else None

    async def _fetch(self, guild_id: int, channel_ids: Collection[int]) -> GuildChannels | None:
        asked_at, channels = self._now(), None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                channels = await fetch_channels(self._client, guild_id, channel_ids)
        # A failure too: each key would ask again, and Discord counts refused requests.
        self._read[guild_id] = asked_at, channels
        return channels
