"""The permissions that the bot needs, and whether it, and the person who asks, have them in a channel."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord
from discord import app_commands

from bot.chat.rest.failures import DISCORD_ERRORS
from bot.chat.rest.obstacles import find_obstacle
from bot.core.subscriptions import Ping, PingKind
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.core.wording import say_timed_out
from bot.errors import (
    BotCannotPing,
    BotCannotPost,
    BotNotInThread,
    BotTimedOut,
    ChannelGone,
    DiscordSilent,
    NotAllowed,
    OptionIncomplete,
    PersonCannotSee,
    PingsBot,
    PingsEveryone,
    PingsStranger,
    ThreadLocked,
    UserCannotPing,
    UserCannotPost,
    WrongChannelKind,
)

NEEDED = ("view_channel", "send_messages", "send_messages_in_threads", "embed_links", "read_message_history")
# What the invite link asks for.
INVITED = discord.Permissions(**dict.fromkeys(NEEDED, True))
Channel = app_commands.AppCommandChannel | app_commands.AppCommandThread
Pingable = discord.Role | discord.Member | discord.User
_CHANNELS = {discord.ChannelType.text, discord.ChannelType.news}
_THREADS = {
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
}
_UNKNOWN_CHANNEL = 10003
_NONE: Mapping[int, discord.abc.GuildChannel] = {}


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel that reminders may go to, and whom they ping."""

    channel_id: int
    ping: Ping | None = None


def find_missing(permissions: discord.Permissions, *, is_thread: bool | None = None) -> str:
    """Return which needed permissions are missing, in words: in a channel, in a thread, or (None) in a guild."""
    return ", ".join(name.lower() for name in _missing(permissions, _needed(is_thread=is_thread)))


def _needed(*, is_thread: bool | None) -> list[str]:
    unused = {None: None, True: "send_messages", False: "send_messages_in_threads"}[is_thread]
    return [name for name in NEEDED if name != unused]


def _missing(permissions: discord.Permissions, needed: Iterable[str]) -> list[str]:
    """Return which permissions are missing, as Discord's settings call them: "Send Messages in Threads"."""
    missing = (name for name in needed if not getattr(permissions, name))
    return [name.replace("_", " ").title().replace(" In ", " in ") for name in missing]


class PostableChannel(app_commands.Transformer):
    """An option that offers the channels and threads that messages can be posted in."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """Return that the option is for a channel."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """Return the kinds on offer; Discord refuses the others."""
        return sorted(_CHANNELS | _THREADS, key=lambda kind: kind.value)

    async def transform(self, _interaction: discord.Interaction[Any], value: Any, /) -> Channel:
        """Return the channel as it is."""
        chosen: Channel = value
        return chosen


def ensure_is_manager(interaction: discord.Interaction[Any]) -> None:
    """Raise NotAllowed unless the user may manage the server."""
    if not interaction.permissions.manage_guild:
        raise NotAllowed("Manage Server is needed")


class Destinations:
    """Checks, before a subscription or a board is saved, that messages will arrive."""

    def __init__(self, client: discord.Client, timing: Timing = DEFAULT_TIMING) -> None:
        self._client = client
        self._seconds = timing.discord_request

    async def choose(
        self, interaction: discord.Interaction[Any], channel: Channel | None, pinged: Pingable | None = None
    ) -> Destination:
        """Return the destination, the channel of the interaction if none is named.

        Raises:
            OptionIncomplete: Discord does not describe the channel. WrongChannelKind: nothing can be posted there.
            UserCannotPost, BotCannotPost: somebody lacks a permission.
            BotTimedOut: a moderator has timed the bot out. DiscordSilent: Discord does not answer.
            ThreadLocked, BotNotInThread: a thread is closed to the bot. ChannelGone: there is no such channel any more.
            PingsEveryone, UserCannotPing, BotCannotPing: the role can't be pinged.
            PingsBot, PingsStranger, PersonCannotSee: the ping would reach nobody.
        """
        if isinstance(channel, discord.Object) or isinstance(pinged, discord.Object):
            raise OptionIncomplete("only an id")
        place = channel if channel is not None else interaction.channel
        kind = getattr(place, "type", None)
        if place is None or kind not in _CHANNELS | _THREADS:
            raise WrongChannelKind(f"kind {kind}")
        is_thread = kind in _THREADS
        name = getattr(place, "name", None) or str(place.id)
        own = channel.permissions if channel is not None else interaction.permissions
        posting = "send_messages_in_threads" if is_thread else "send_messages"
        if missing := _missing(own, ("view_channel", posting)):
            raise UserCannotPost(name if own.view_channel else None, missing)
        permissions = await self._fetch_own(interaction, place.id, kind)
        if missing := _missing(permissions, _needed(is_thread=is_thread)):
            if until := await self._fetch_timeout(interaction):
                raise BotTimedOut(until)
            raise BotCannotPost(name, missing)
        if getattr(place, "locked", False) and not permissions.manage_threads:
            raise ThreadLocked(name)
        if pinged is None:
            return Destination(place.id)
        if isinstance(pinged, discord.Role):
            _check_role(interaction, pinged, own, permissions)
            return Destination(place.id, Ping(PingKind.ROLE, pinged.id))
        if pinged.bot:
            raise PingsBot
        if not isinstance(pinged, discord.Member):
            raise PingsStranger(pinged.display_name)
        if not await self._can_see(interaction, pinged, place.id):
            raise PersonCannotSee(pinged.display_name, name)
        return Destination(place.id, Ping(PingKind.MEMBER, pinged.id))

    async def _can_see(self, interaction: discord.Interaction[Any], member: discord.Member, channel_id: int) -> bool:
        """Whether a member sees a channel; an interaction brings the permissions in its own one."""
        if channel_id == interaction.channel_id and member.resolved_permissions is not None:
            return member.resolved_permissions.view_channel
        assert interaction.guild_id is not None
        async with self._limited():
            guild = await self._client.fetch_guild(interaction.guild_id, with_counts=False)
            return (await _fetch_permissions(guild, member, channel_id)).view_channel

    async def _fetch_own(
        self, interaction: discord.Interaction[Any], channel_id: int, kind: discord.ChannelType | None
    ) -> discord.Permissions:
        """Return the bot's permissions in a channel of the guild.

        An interaction brings those of its own channel; in a thread, those of the channel above it, which say nothing
        about whether the bot was let into a private thread.
        """
        if channel_id == interaction.channel_id and kind is not discord.ChannelType.private_thread:
            return interaction.app_permissions
        assert interaction.guild_id is not None
        try:
            async with self._limited():
                guild, bot = await fetch_bot_member(self._client, interaction.guild_id)
                return await _fetch_permissions(guild, bot, channel_id)
        except discord.NotFound:
            raise ChannelGone("no such channel") from None
        except (discord.Forbidden, discord.InvalidData):  # the last: a channel of another guild
            if kind is discord.ChannelType.private_thread:
                raise BotNotInThread("not let in") from None
            return discord.Permissions.none()

    async def _fetch_timeout(self, interaction: discord.Interaction[Any]) -> datetime | None:
        assert interaction.guild_id is not None
        try:
            async with self._limited():
                return await fetch_timeout(self._client, interaction.guild_id)
        except (discord.Forbidden, discord.NotFound):
            return None

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        """Limit a wait for Discord, which nothing else does; whatever is no answer to the question is one error."""
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except (discord.Forbidden, discord.NotFound, discord.InvalidData):
            raise
        except DISCORD_ERRORS as error:
            raise DiscordSilent(type(error).__name__, find_obstacle(error)) from None


def _check_role(
    interaction: discord.Interaction[Any], role: discord.Role, own: discord.Permissions, bot: discord.Permissions
) -> None:
    if role.id == interaction.guild_id:
        raise PingsEveryone("the role of everybody")
    if not role.mentionable and not own.mention_everyone:
        raise UserCannotPing(role.name)
    if not role.mentionable and not bot.mention_everyone:
        raise BotCannotPing(role.name)


async def fetch_bot_member(client: discord.Client, guild_id: int) -> tuple[discord.Guild, discord.Member]:
    """Return a guild, and the bot as its member; two requests."""
    assert client.user is not None
    guild = await client.fetch_guild(guild_id, with_counts=False)
    return guild, await guild.fetch_member(client.user.id)


async def fetch_timeout(client: discord.Client, guild_id: int) -> datetime | None:
    """Return until when a moderator has timed the bot out of a guild; one request."""
    assert client.user is not None
    member = await client.http.get_member(guild_id, client.user.id)
    until = discord.utils.parse_time(member.get("communication_disabled_until"))
    return until if until is not None and until > discord.utils.utcnow() else None


async def _fetch_permissions(
    guild: discord.Guild, member: discord.Member, channel_id: int, known: Mapping[int, discord.abc.GuildChannel] = _NONE
) -> discord.Permissions:
    """Return a member's permissions in a channel or thread; `known` channels need not be fetched."""
    channel = known.get(channel_id) or await guild.fetch_channel(channel_id)
    if isinstance(channel, discord.Thread):
        parent = known.get(channel.parent_id) or await guild.fetch_channel(channel.parent_id)
        assert isinstance(parent, discord.abc.GuildChannel)
        # The parent's own method removes permissions from members who may only send in its threads.
        return discord.abc.GuildChannel.permissions_for(parent, member)
    return channel.permissions_for(member)


async def find_channel_problems(
    client: discord.Client, guild_id: int, pings: Mapping[int, Collection[Ping]]
) -> AsyncIterator[tuple[int, str | None]]:
    """Yield, channel by channel, what would keep reminders out of it, or its pings from arriving.

    It takes three requests a guild, one for each person to ping, and one or two for each thread.

    Raises:
        discord.DiscordException: it can't be found out.
    """
    guild, bot = await fetch_bot_member(client, guild_id)
    known = {channel.id: channel for channel in await guild.fetch_channels()}
    person_ids = {one.id for some in pings.values() for one in some if one.kind is PingKind.MEMBER}
    members = {person_id: await _fetch_member(guild, person_id) for person_id in sorted(person_ids)}
    for channel_id, wanted in pings.items():
        yield channel_id, await _find_problem(guild, bot, known, members, channel_id, wanted)


async def _fetch_member(guild: discord.Guild, user_id: int) -> discord.Member | None:
    """Return a member of a guild, None if the user has left it."""
    try:
        return await guild.fetch_member(user_id)
    except discord.NotFound:
        return None


async def find_absent_channels(client: discord.Client, guild_id: int, channel_ids: Collection[int]) -> set[int]:
    """Return which channels are not among a guild's channels, and are no threads either.

    It takes two requests, and one for each thread.

    Raises:
        discord.DiscordException: it can't be found out.
    """
    guild = await client.fetch_guild(guild_id, with_counts=False)
    known = {channel.id for channel in await guild.fetch_channels()}
    absent = set()
    for channel_id in set(channel_ids) - known:
        try:
            await guild.fetch_channel(channel_id)
        except discord.NotFound as error:
            if error.code == _UNKNOWN_CHANNEL:
                absent.add(channel_id)
        except (discord.Forbidden, discord.InvalidData):
            continue
    return absent


async def _find_problem(
    guild: discord.Guild,
    bot: discord.Member,
    known: Mapping[int, discord.abc.GuildChannel],
    members: Mapping[int, discord.Member | None],
    channel_id: int,
    pings: Collection[Ping],
) -> str | None:
    try:
        permissions = await _fetch_permissions(guild, bot, channel_id, known)
    except discord.NotFound:
        return "the channel is gone"
    except discord.Forbidden:
        return "the bot can't see the channel"
    if bot.timed_out_until is not None and find_missing(permissions) and bot.is_timed_out():
        return say_timed_out(bot.timed_out_until)
    # A channel that is not among the guild's channels is a thread.
    if missing := find_missing(permissions, is_thread=channel_id not in known):
        return f"the bot lacks permissions in the channel: {missing}"
    for ping in pings:
        if ping.kind is PingKind.ROLE:
            problem = _find_role_problem(guild.get_role(ping.id), permissions)
        else:
            problem = await _find_person_problem(guild, known, members[ping.id], channel_id)
        if problem is not None:
            return f"{problem}, so nobody would be pinged"
    return None


def _find_role_problem(role: discord.Role | None, bot: discord.Permissions) -> str | None:
    if role is None:
        return "the role to ping is gone"
    if not role.mentionable and not bot.mention_everyone:
        return "the bot may not ping the role"
    return None


async def _find_person_problem(
    guild: discord.Guild,
    known: Mapping[int, discord.abc.GuildChannel],
    member: discord.Member | None,
    channel_id: int,
) -> str | None:
    if member is None:
        return "the person to ping has left the server"
    if not (await _fetch_permissions(guild, member, channel_id, known)).view_channel:
        return "the person to ping can't see the channel"
    return None
