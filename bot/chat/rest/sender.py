"""Sends, edits and finds messages over discord.py's REST side."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import discord

from bot.chat.rest.failures import DISCORD_ERRORS, NEVER_SENT, judge
from bot.chat.rest.permissions import find_problems
from bot.chat.rest.rate_limit import count_attempts
from bot.chat.views.components import message_view
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
                        embeds=_embeds(message),
                        view=discord.utils.MISSING if view is None else view,
                        nonce=nonce,
                        allowed_mentions=discord.AllowedMentions(
                            everyone=False,
                            users=[discord.Object(user_id) for user_id in message.users],
                            roles=[discord.Object(role_id) for role_id in message.roles],
                        ),
                    )
            except DISCORD_ERRORS as error:
                failure = judge(error)
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
        async with self._reading(_SEARCH_SECONDS):
            # Then among the newest: the clock that gave the time may have been wrong.
            for bound in (after - timedelta(minutes=1), None):
                async for message in channel.history(limit=_SEARCHED, after=bound):
                    if any(footer_id in (embed.footer.text or "") for embed in message.embeds):
                        return message.id
        return None

    async def edit(self, channel_id: int, message_id: int, message: OutgoingMessage) -> None:
        """Replace the content of one of the bot's messages; mentions nobody."""
        async with self._writing():
            await self._partial(channel_id, message_id).edit(
                content=message.content,
                embeds=_embeds(message),
                view=message_view(message),
                allowed_mentions=discord.AllowedMentions.none(),
            )

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Delete one of the bot's messages."""
        async with self._writing():
            await self._partial(channel_id, message_id).delete()

    async def send_direct(self, user_id: int, text: str) -> None:
        """Send a direct message."""
        async with self._reading(self._seconds):
            channel = await self._client.create_dm(discord.Object(user_id))
            await channel.send(text)

    async def check(self, guild_id: int, roles: Mapping[int, Collection[int]]) -> Mapping[int, str | None]:
        """Return what would keep messages out of each channel, or its roles from being notified."""
        findings: dict[int, str | None] = {}
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                async for channel_id, problem in find_problems(self._client, guild_id, roles):
                    findings[channel_id] = problem  # noqa: PERF403  (kept if it breaks off)
        except DISCORD_ERRORS as error:
            failure = judge(error)
            if findings:
                _LOG.warning("The check of the channels in server %s broke off (%s)", guild_id, failure)
                return findings
            if isinstance(failure, Refused) and failure.is_lasting:
                return dict.fromkeys(roles, str(failure))
            raise failure from None
        return findings

    def _partial(self, channel_id: int, message_id: int) -> discord.PartialMessage:
        return self._client.get_partial_messageable(channel_id).get_partial_message(message_id)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except DISCORD_ERRORS as error:
            raise judge(error) from None

    @asynccontextmanager
    async def _reading(self, seconds: float) -> AsyncIterator[None]:
        """Judge failures; one that never reached Discord leaves the answer open."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except NEVER_SENT as error:
            raise Uncertain(str(judge(error))) from None
        except DISCORD_ERRORS as error:
            raise judge(error) from None


def _embeds(message: OutgoingMessage) -> list[discord.Embed]:
    return [discord.Embed.from_dict(embed) for embed in message.embeds]
