"""Posts and edits reminders over discord.py's REST side."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import aiohttp
import discord

from bot.chat.rest.audit import find_problems
from bot.chat.rest.rate_limit import HeldBack, count_tries
from bot.chat.views.account_menu import board_view
from bot.chat.views.reminder_buttons import reminder_view
from bot.reminders.context import Payload, Refused, Uncertain

_LOG = logging.getLogger(__name__)

_NO_SUCH_MESSAGE = 10008
_NO_SUCH_CHANNEL = 10003
# Codes with which a channel says no until somebody changes something, in words for people.
_LASTING = {
    _NO_SUCH_CHANNEL: "the channel is gone",
    10004: "the bot is not in the server any more",
    50001: "the bot may not see the channel",
    50013: "the bot lacks a right in the channel",
    50083: "the thread is archived",
    160005: "the thread is locked",
    50008: "messages can't be sent to this kind of channel",
    50024: "messages can't be sent to this kind of channel",
    50009: "the channel asks for a verification that bots can't pass",
    200000: "AutoMod blocks the message",
}
_TOO_MANY = 429
_SERVER_ERROR = 500
# Neither of them has reached Discord.
_AWAY = (aiohttp.ClientConnectorError, HeldBack)
_TROUBLE = (discord.DiscordException, aiohttp.ClientError, OSError)
_SEARCHED = 200
# A channel that never answers must not hold up a pass for aiohttp's five minutes.
_REQUEST_SECONDS = 15.0
# For several requests in turn.
_SEARCH_SECONDS = 60.0


class DiscordSender:
    """The Sender; needs a login, not the gateway."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def post(self, channel_id: int, payload: Payload, nonce: str) -> int | None:
        """Post a message and return its id, None if it arrived and was deleted.

        Raises:
            Refused, Uncertain.
        """
        channel = self._client.get_partial_messageable(channel_id)
        view = _view(payload)
        with count_tries() as tries:
            try:
                async with asyncio.timeout(_REQUEST_SECONDS):
                    message = await channel.send(
                        payload["content"],
                        embeds=_embeds(payload),
                        view=discord.utils.MISSING if view is None else view,
                        nonce=nonce,
                        allowed_mentions=_mentions(payload),
                    )
            except _TROUBLE as error:
                judged = _judge(error)
                if isinstance(judged, Refused) and judged.is_gone:
                    return None
                if isinstance(judged, Refused) and tries.count > 1:
                    # An earlier try of discord.py's own may have arrived.
                    raise Uncertain(f"{judged}, after a repeat") from None
                raise judged from None
        return message.id

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:
        """Look for our message in the channel's history since then; return its id, None if it is not there.

        Raises:
            Refused: the history may not be read. Uncertain: it can't be read now.
        """
        channel = self._client.get_partial_messageable(channel_id)
        since = after - timedelta(minutes=1)
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                # Then among the newest: the clock that told the time may have been wrong.
                for bound in (since, None):
                    async for message in channel.history(limit=_SEARCHED, after=bound):
                        if any(footer_id in (card.footer.text or "") for card in message.embeds):
                            return message.id
        except _AWAY as error:
            raise Uncertain(str(_judge(error))) from None
        except _TROUBLE as error:
            raise _judge(error) from None
        return None

    async def write_to(self, user_id: int, text: str) -> None:
        """Send a direct message.

        Raises:
            Refused, Uncertain.
        """
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                channel = await self._client.create_dm(discord.Object(user_id))
                await channel.send(text)
        except _AWAY as error:
            raise Uncertain(str(_judge(error))) from None
        except _TROUBLE as error:
            raise _judge(error) from None

    async def audit(self, guild_id: int, roles: Mapping[int, Collection[int]]) -> Mapping[int, str | None]:
        """Return what would keep messages out of each channel; as the protocol says.

        Raises:
            Refused, Uncertain.
        """
        findings: dict[int, str | None] = {}
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                async for channel_id, problem in find_problems(self._client, guild_id, roles):
                    findings[channel_id] = problem  # noqa: PERF403  (kept if it breaks off)
        except _TROUBLE as error:
            judged = _judge(error)
            if findings:
                _LOG.warning("The audit of server %s broke off (%s)", guild_id, judged)
                return findings
            if isinstance(judged, Refused) and judged.is_lasting:
                return dict.fromkeys(roles, str(judged))
            raise judged from None
        return findings

    async def edit(self, channel_id: int, message_id: int, payload: Payload) -> None:
        """Put something else into a message of ours; mentions nobody.

        Raises:
            Refused, Uncertain.
        """
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                await message.edit(
                    content=payload["content"],
                    embeds=_embeds(payload),
                    view=_view(payload),
                    allowed_mentions=discord.AllowedMentions.none(),
                )
        except _TROUBLE as error:
            raise _judge(error) from None

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Delete a message of ours.

        Raises:
            Refused, Uncertain.
        """
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                await message.delete()
        except _TROUBLE as error:
            raise _judge(error) from None


def _view(payload: Payload) -> discord.ui.View | None:
    if "options" in payload:
        return board_view(payload["options"])
    return reminder_view(payload)


def _embeds(payload: Payload) -> list[discord.Embed]:
    return [discord.Embed.from_dict(card) for card in payload["embeds"]]


def _mentions(payload: Payload) -> discord.AllowedMentions:
    roles = [discord.Object(role_id) for role_id in payload["roles"]]
    users = [discord.Object(user_id) for user_id in payload.get("users", ())]
    return discord.AllowedMentions(everyone=False, users=users, roles=roles)


def _refusal(error: discord.HTTPException) -> Refused:
    reason = _LASTING.get(error.code, f"Discord's code {error.code or error.status}")
    return Refused(
        reason,
        is_lasting=error.code in _LASTING,
        is_gone=error.code == _NO_SUCH_MESSAGE,
        is_channel_gone=error.code == _NO_SUCH_CHANNEL,
    )


def _judge(error: Exception) -> Exception:
    """Return what a failed request means: certainly not done, or perhaps done."""
    match error:
        case discord.HTTPException() if error.status >= _SERVER_ERROR:
            return Uncertain(f"status {error.status}")
        case discord.HTTPException() if error.status == _TOO_MANY:
            return Uncertain("too many requests")
        case discord.HTTPException():
            return _refusal(error)
        case aiohttp.ClientConnectorError():
            return Refused("Discord can't be reached", is_lasting=False)
        case HeldBack():
            return Refused("Discord refuses too much at the moment", is_lasting=False)
        case _:
            return Uncertain("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
