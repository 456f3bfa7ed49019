"""Posts reminders, at the pace that Discord allows the bot's token."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord
from aiolimiter import AsyncLimiter

from bot.chat.recheck import reminder_view
from bot.reminding.delivery import Refused, Uncertain

_LOG = logging.getLogger(__name__)

_DELETED_SINCE = 10008
# Codes with which a channel says no until somebody changes something.
_LASTING = {10003, 10004, 50001, 50013, 50083, 160005, 50008, 50024, 50009, 200000}
_TOO_MANY = 429
_TROUBLE = (discord.DiscordException, aiohttp.ClientError, OSError)
_SEARCHED = 200
POSTS_A_SECOND = 45
# A channel that never answers must not hold up a pass for aiohttp's five minutes.
_POST_SECONDS = 15.0
# discord.py repeats a request by itself after some errors, the first time after this pause.
_OWN_REPEAT_AFTER = 1.0


class DiscordSender:
    """The Sender over discord.py's REST side; needs a login, not the gateway."""

    def __init__(self, client: discord.Client, limiter: AsyncLimiter) -> None:
        self._client = client
        self._limiter = limiter

    async def post(self, channel_id: int, payload: dict[str, Any], nonce: str) -> int | None:
        """Post a message and return its id, None if it arrived and was deleted.

        Raises:
            Refused, Uncertain.
        """
        roles = [discord.Object(role_id) for role_id in payload["roles"]]
        await self._limiter.acquire()
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(_POST_SECONDS):
                message = await self._client.get_partial_messageable(channel_id).send(
                    payload["content"],
                    embeds=[discord.Embed.from_dict(card) for card in payload["embeds"]],
                    view=reminder_view(),
                    nonce=nonce,
                    allowed_mentions=discord.AllowedMentions(everyone=False, users=False, roles=roles),
                )
        except _TROUBLE as error:
            if isinstance(error, discord.NotFound) and error.code == _DELETED_SINCE:
                return None
            judged = _judge(error)
            if isinstance(judged, Refused) and clock() - started >= _OWN_REPEAT_AFTER:
                # An earlier try of discord.py's own may have arrived.
                raise Uncertain(f"{judged}, perhaps after a repeat") from None
            raise judged from None
        return message.id

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:
        """Look for our message in the channel's history since then; return its id, None if it is not there.

        Raises:
            Refused: the history may not be read. Uncertain: it can't be read now.
        """
        channel = self._client.get_partial_messageable(channel_id)
        await self._limiter.acquire()
        try:
            async for message in channel.history(
                limit=_SEARCHED, after=after - timedelta(minutes=1), oldest_first=True
            ):
                if any(footer_id in (card.footer.text or "") for card in message.embeds):
                    return message.id
        except aiohttp.ClientConnectorError:
            raise Uncertain("Discord can't be reached") from None
        except _TROUBLE as error:
            raise _judge(error) from None
        return None


def _refusal(error: discord.HTTPException) -> Refused:
    return Refused(f"Discord's code {error.code or error.status}", is_lasting=error.code in _LASTING)


def _judge(error: Exception) -> Exception:
    """Return what a failed request means: certainly not done, or perhaps done."""
    match error:
        case discord.DiscordServerError():
            return Uncertain(f"status {error.status}")
        case discord.HTTPException() if error.status == _TOO_MANY:
            return Uncertain("too many requests")
        case discord.HTTPException():
            return _refusal(error)
        case aiohttp.ClientConnectorError():
            return Refused("Discord can't be reached", is_lasting=False)
        case _:
            return Uncertain(type(error).__name__)
