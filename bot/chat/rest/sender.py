"""Sends, edits and finds messages over discord.py's REST side."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

import discord
from discord.http import handle_message_parameters

from bot.chat.rest.command_links import CommandLinks
from bot.chat.rest.failures import DISCORD_ERRORS, NEVER_SENT, UNKNOWN_USER, Remedy, classify, judge
from bot.chat.rest.permissions import fetch_timeout, find_absent_channels, find_channel_problems
from bot.chat.rest.rate_limit import count_attempts
from bot.chat.views.components import embeds_of, message_view
from bot.core.clock import TOLERANCE
from bot.core.limits import MAX_CONTENT
from bot.core.messages import Message, OutgoingMessage
from bot.core.plainer import make_plainer
from bot.core.subscriptions import Ping
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.core.wording import say_timed_out
from bot.reminders.context import Refused, Save, Uncertain

_LOG = logging.getLogger(__name__)

_SEARCHED = 200
# For several requests in turn.
_SEARCH_SECONDS = 60.0
# Between the machine and Discord, after a correction.
_CLOCKS_APART = timedelta(minutes=1)
_NO_MESSAGE = OutgoingMessage("")
_T = TypeVar("_T")


class DiscordSender:
    """Implements `bot.reminders.context.Sender`; needs a login, not the gateway."""

    def __init__(
        self, client: discord.Client, timing: Timing = DEFAULT_TIMING, links: CommandLinks | None = None
    ) -> None:
        self._client = client
        self._seconds = timing.discord_request
        self._links = links or CommandLinks()

    async def post(
        self,
        channel_id: int,
        message: OutgoingMessage,
        nonce: str,
        *,
        guild_id: int | None = None,
        save: Save | None = None,
    ) -> int | None:
        """Post a message and return its id, None if it arrived and was deleted."""

        async def attempt(version: OutgoingMessage) -> int:
            view = message_view(version)
            sent = await self._client.get_partial_messageable(channel_id).send(
                self._links.in_text(guild_id, version.content, MAX_CONTENT),
                embeds=self._links.in_embeds(guild_id, embeds_of(version)),
                view=discord.utils.MISSING if view is None else view,
                nonce=nonce,
                silent=version.is_silent,
                allowed_mentions=discord.AllowedMentions(
                    everyone=False,
                    users=[discord.Object(user_id) for user_id in version.users],
                    roles=[discord.Object(role_id) for role_id in version.roles],
                ),
            )
            return sent.id

        try:
            return await self._persist(attempt, (guild_id, channel_id), message, save=save, is_repeatable=False)
        except Refused as refusal:
            if refusal.is_message_gone:
                return None
            raise

    async def find(self, message: Message) -> int | None:
        """Search the history of a message's channel for it; return its Discord id, None if it is absent."""
        channel = self._client.get_partial_messageable(message.channel_id)
        own_id = self._client.user.id if self._client.user is not None else None
        # The clock that gave the time may be ahead by as much as is tolerated.
        since = message.first_attempt_at - TOLERANCE - _CLOCKS_APART
        async with _classified(_SEARCH_SECONDS, is_open_if_never_sent=True):
            # Then among the newest: the clock that gave the time may have been wrong.
            for bound in (since, None):
                async for found in channel.history(limit=_SEARCHED, after=bound):
                    words = self._links.out_of_text(found.content)
                    # A message that had to be posted as text has its footer in it.
                    lines = [line for line in words.splitlines() if line.startswith("-# ")]
                    footers = [*(embed.footer.text or "" for embed in found.embeds), *lines[-1:]]
                    # Only a footer is one of a kind: an older message may have the same words, or have got them since.
                    content = words if found.created_at >= since and found.edited_at is None else ""
                    if found.author.id == own_id and message.is_shown_as(content, footers):
                        return found.id
        return None

    async def edit(
        self, channel_id: int, message_id: int, message: OutgoingMessage, *, guild_id: int | None = None
    ) -> None:
        """Replace the content of one of the bot's messages; mentions nobody."""

        async def attempt(version: OutgoingMessage) -> None:
            with handle_message_parameters(
                content=self._links.in_text(guild_id, version.content, MAX_CONTENT),
                embeds=self._links.in_embeds(guild_id, embeds_of(version)),
                view=message_view(version),
                allowed_mentions=discord.AllowedMentions.none(),
                # Embeds that somebody has hidden show again.
                flags=discord.MessageFlags(suppress_embeds=False),
            ) as params:
                await self._client.http.edit_message(channel_id, message_id, params=params)

        await self._persist(attempt, (guild_id, channel_id), message)

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Delete one of the bot's messages."""
        channel = self._client.get_partial_messageable(channel_id)

        async def attempt(_version: OutgoingMessage) -> None:
            await channel.get_partial_message(message_id).delete()

        await self._persist(attempt, (None, channel_id), _NO_MESSAGE)

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

    async def check_channels(self, guild_id: int, pings: Mapping[int, Collection[Ping]]) -> Mapping[int, str | None]:
        """Return what would keep messages out of each channel, or its pings from arriving."""
        findings: dict[int, str | None] = {}
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                async for channel_id, problem in find_channel_problems(self._client, guild_id, pings):
                    findings[channel_id] = problem  # noqa: PERF403  (kept if it breaks off)
        except DISCORD_ERRORS as error:
            failure = classify(error)
            if findings:
                _LOG.warning("The check of the channels in server %s broke off (%s)", guild_id, failure)
                return findings
            if isinstance(failure, Refused) and failure.is_lasting:
                return dict.fromkeys(pings, str(failure))
            raise failure from None
        return findings

    async def find_absent(self, guild_id: int, channel_ids: Collection[int]) -> Collection[int]:
        """Return which of these channels and threads the guild does not have."""
        async with _classified(_SEARCH_SECONDS):
            return await find_absent_channels(self._client, guild_id, channel_ids)

    async def _persist(
        self,
        attempt: Callable[[OutgoingMessage], Awaitable[_T]],
        place: tuple[int | None, int],
        message: OutgoingMessage,
        *,
        save: Save | None = None,
        is_repeatable: bool = True,
    ) -> _T:
        """Attempt something; after a refusal do what may help, and attempt it again, all within one time limit.

        Each attempt follows a certain refusal, so that nothing is there yet.
        """
        guild_id, channel_id = place
        deadline, is_opened = asyncio.get_running_loop().time() + self._seconds, False
        while True:
            with count_attempts() as attempts:
                try:
                    async with asyncio.timeout_at(deadline):
                        return await attempt(message)
                except DISCORD_ERRORS as error:
                    verdict = judge(error)
            failure = verdict.failure
            if isinstance(failure, Refused) and not failure.is_message_gone:
                if attempts.count > 1 and not is_repeatable:
                    # An earlier attempt of discord.py's own may have arrived.
                    raise Uncertain(f"{failure}, after a repetition")
                if verdict.remedy is Remedy.OPEN_THREAD and not is_opened:
                    is_opened = True
                    await self._open_thread(channel_id)
                    continue
                if verdict.remedy is Remedy.PLAINER and (plainer := make_plainer(message, verdict.parts)):
                    _LOG.warning("Channel %s refuses a message (%s); trying it with less in it", channel_id, failure)
                    if save is not None:
                        await save(plainer)
                    message = plainer
                    continue
                if verdict.remedy is Remedy.ASK_FOR_TIMEOUT and guild_id is not None:
                    failure = await self._find_timeout(guild_id) or failure
            raise failure

    async def _open_thread(self, channel_id: int) -> None:
        """Open an archived thread; one that a moderator has locked stays as it is.

        Raises:
            Refused: it is locked, or the bot may not open it. Uncertain: it can't be found out.
        """
        http = self._client.http
        async with _classified(self._seconds):
            thread: Mapping[str, Any] = await http.get_channel(channel_id)
        if thread.get("thread_metadata", {}).get("locked"):
            raise Refused("the thread is locked", is_lasting=True)
        try:
            async with _classified(self._seconds):
                await http.edit_channel(channel_id, archived=False)
        except Refused as refusal:
            raise Refused(f"the thread is archived and can't be opened: {refusal}", is_lasting=True) from None

    async def _find_timeout(self, guild_id: int) -> Refused | None:
        """Return the refusal of a bot that a moderator has timed out; None if it is not, or can't be seen now."""
        try:
            async with asyncio.timeout(self._seconds):
                until = await fetch_timeout(self._client, guild_id)
        except DISCORD_ERRORS:
            return None
        return None if until is None else Refused(say_timed_out(until), is_lasting=True, ends_at=until)


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
