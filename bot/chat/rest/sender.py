"""Sends, edits and finds messages over discord.py's REST side."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import discord

from bot.chat.rest.failures import DISCORD_ERRORS, NEVER_SENT, UNKNOWN_USER, classify
from bot.chat.rest.permissions import find_absent_channels, find_channel_problems
from bot.chat.rest.rate_limit import count_attempts
from bot.chat.views.components import embeds_of, message_view
from bot.core.messages import OutgoingMessage
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.reminders.context import Refused, Uncertain

_LOG = logging.getLogger(__name__)

_SEARCHED = 200
# For several requests in turn.
_SEARCH_SECONDS = 60.0


class DiscordSender:
    """Implements `bot.reminders.context.Sender`; needs a login, not the gateway."""

    def __init__(self, client: discord.Client, timing: Timing = DEFAULT_TIMING) -> None:
        self._client = client
        self._seconds = timing.discord_request

    async def post(self, channel_id: int, message: OutgoingMessage, nonce: str) -> int | None:
        """Post a message and return its id, None if it arrived and was deleted."""
        view = message_view(message)
        with count_attempts() as attempts:
            try:
                async with asyncio.timeout(self._seconds):
                    sent = await self._client.get_partial_messageable(channel_id).send(
                        message.content,
                        embeds=embeds_of(message),
                        view=discord.utils.MISSING if view is None else view,
                        nonce=nonce,
                        allowed_mentions=discord.AllowedMentions(
                            everyone=False,
                            users=[discord.Object(user_id) for user_id in message.users],
                            roles=[discord.Object(role_id) for role_id in message.roles],
                        ),
                    )
            except DISCORD_ERRORS as error:
                failure = classify(error)
                if isinstance(failure, Refused) and failure.is_message_gone:
                    return None
                if isinstance(failure, Refused) and attempts.count > 1:
                    # An earlier attempt of discord.py's own may have arrived.
                    raise Uncertain(f"{failure}, after a repetition") from None
                raise failure from None
        return sent.id

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:
        """Search a channel's history since then for the bot's message; return its id, None if it is absent."""
        channel = self._client.get_partial_messageable(channel_id)
        async with _classified(_SEARCH_SECONDS, is_open_if_never_sent=True):
            # Then among the newest: the clock that gave the time may have been wrong.
            for bound in (after - timedelta(minutes=1), None):
                async for message in channel.history(limit=_SEARCHED, after=bound):
                    if any(footer_id in (embed.footer.text or "") for embed in message.embeds):
                        return message.id
        return None

    async def edit(self, channel_id: int, message_id: int, message: OutgoingMessage) -> None:
        """Replace the content of one of the bot's messages; mentions nobody."""
        async with _classified(self._seconds):
            await self._partial(channel_id, message_id).edit(
                content=message.content,
                embeds=embeds_of(message),
                view=message_view(message),
                allowed_mentions=discord.AllowedMentions.none(),
            )

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Delete one of the bot's messages."""
        async with _classified(self._seconds):
            await self._partial(channel_id, message_id).delete()

    async def send_direct(self, user_id: int, text: str) -> None:
        """Send a direct message."""
        async with _classified(self._seconds, is_open_if_never_sent=True):
            channel = await self._client.create_dm(discord.Object(user_id))
            await channel.send(text)

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Whether a user is in a guild."""
        try:
            async with asyncio.timeout(self._seconds):
                guild = await self._client.fetch_guild(guild_id, with_counts=False)
                await guild.fetch_member(user_id)
        except discord.NotFound as error:
            if error.code in UNKNOWN_USER:
                return False
            raise classify(error) from None
        except DISCORD_ERRORS as error:
            raise classify(error) from None
        return True

    async def check_channels(self, guild_id: int, roles: Mapping[int, Collection[int]]) -> Mapping[int, str | None]:
        """Return what would keep messages out of each channel, or its roles from being notified."""
        findings: dict[int, str | None] = {}
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                async for channel_id, problem in find_channel_problems(self._client, guild_id, roles):
                    findings[channel_id] = problem  # noqa: PERF403  (kept if it breaks off)
        except DISCORD_ERRORS as error:
            failure = classify(error)
            if findings:
                _LOG.warning("The check of the channels in server %s broke off (%s)", guild_id, failure)
                return findings
            if isinstance(failure, Refused) and failure.is_lasting:
                return dict.fromkeys(roles, str(failure))
            raise failure from None
        return findings

    async def find_absent(self, guild_id: int, channel_ids: Collection[int]) -> Collection[int]:
        """Return which of these channels and threads the guild does not have."""
        async with _classified(_SEARCH_SECONDS):
            return await find_absent_channels(self._client, guild_id, channel_ids)

    def _partial(self, channel_id: int, message_id: int) -> discord.PartialMessage:
        return self._client.get_partial_messageable(channel_id).get_partial_message(message_id)


@asynccontextmanager
async def _classified(seconds: float, *, is_open_if_never_sent: bool = False) -> AsyncIterator[None]:
    """Raise failures as Refused or Uncertain; a question that never reached Discord leaves the answer open."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except DISCORD_ERRORS as error:
        failure = classify(error)
        if is_open_if_never_sent and isinstance(error, NEVER_SENT):
            failure = Uncertain(str(failure))
        raise failure from None
