"""Answers in time: at once if the work is quick, else deferred; and in words, whatever went wrong."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiohttp
import discord

from bot.chat.views.account import problem_card, problem_text
from bot.core.rate_limit import UserRateLimit
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.core.wording import explain
from bot.errors import BotError, OperatorError, Stopping, TooManyLookUps

_LOG = logging.getLogger(__name__)

# Discord forgets an interaction that is not acknowledged within 3 s; deferring costs part of a round trip.
ANSWER_WITHIN = timedelta(seconds=1.8)
# What the event may have spent on its way here; more than this is a clock that is off.
_LONGEST_WAY = timedelta(seconds=1.5)
# What a deferral takes: all who ask at once may have to be deferred at once, and the last one in time.
_DEFERRAL = timedelta(milliseconds=0.5)
# A request that hangs holds one of the connections that all share.
_REQUEST_SECONDS = 30.0
_BAD_REQUEST, _ALREADY_ACKNOWLEDGED = 400, 40060
# Discord may deliver an event twice, within moments.
_REMEMBERED = 1_000
_DISCORD_TROUBLE = (discord.DiscordException, aiohttp.ClientError, OSError)

Interaction = discord.Interaction[Any]
# How it is said that something went wrong: by a card, or in plain words where Discord takes no card.
Apology = discord.Embed | str


@dataclass(frozen=True, slots=True)
class Reply:
    """What to show when all went well."""

    cards: Sequence[discord.Embed]
    view: discord.ui.View | None = None
    content: str = ""

    def __post_init__(self) -> None:
        """Finish the view: its buttons are found by their ids, and discord.py would keep it for 15 minutes."""
        if self.view is not None:
            self.view.stop()


class Surface(Protocol):
    """Where an answer appears."""

    async def defer(self) -> None:
        """Tell Discord that the answer comes later."""

    async def show(self, reply: Reply) -> None:
        """Show the answer."""

    async def refuse(self, apology: Apology) -> None:
        """Tell the asker, and nobody else, what went wrong."""


def _said(apology: Apology) -> dict[str, Any]:
    return {"content": apology} if isinstance(apology, str) else {"embed": apology}


async def _make_sure(request: Callable[[], Awaitable[object]]) -> None:
    """Make a request again if its connection broke: it is one that Discord does only once, however often it comes."""
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            await request()
    except (aiohttp.ClientError, OSError):
        async with asyncio.timeout(_REQUEST_SECONDS):
            await request()


class NewMessage:
    """A new message, private unless shared."""

    def __init__(self, interaction: Interaction, *, share: bool) -> None:
        self._interaction = interaction
        self._share = share
        self._is_deferred = False

    async def defer(self) -> None:
        """Show "thinking" in place of the answer."""
        self._is_deferred = True
        await self._interaction.response.defer(ephemeral=not self._share, thinking=True)

    async def show(self, reply: Reply) -> None:
        """Show the answer, in one request if nothing was deferred."""
        if self._is_deferred:
            await self._interaction.edit_original_response(embeds=reply.cards, view=reply.view)
            return
        view = discord.utils.MISSING if reply.view is None else reply.view
        await self._interaction.response.send_message(embeds=reply.cards, view=view, ephemeral=not self._share)

    async def refuse(self, apology: Apology) -> None:
        """Tell the asker privately; a public "thinking" is taken away, since a deferred answer can't turn private."""
        if not self._is_deferred:
            await _make_sure(lambda: self._interaction.response.send_message(**_said(apology), ephemeral=True))
        elif not self._share:
            await _make_sure(lambda: self._interaction.edit_original_response(**_said(apology)))
        else:
            # A follow-up to an answer still "thinking" would become that public answer, so it is completed first.
            await _make_sure(lambda: self._interaction.edit_original_response(content="Nothing to share."))
            await self._interaction.followup.send(**_said(apology), ephemeral=True)
            await self._interaction.delete_original_response()


class SameMessage:
    """The message whose button was pressed; if there is nothing better to show, it stays as it is."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self._is_deferred = False

    async def defer(self) -> None:
        """Acknowledge the press without a visible change."""
        self._is_deferred = True
        await self._interaction.response.defer()

    async def show(self, reply: Reply) -> None:
        """Edit the message."""
        edit = (
            self._interaction.edit_original_response if self._is_deferred else self._interaction.response.edit_message
        )
        await edit(content=reply.content or None, embeds=reply.cards, view=reply.view)

    async def refuse(self, apology: Apology) -> None:
        """Tell the presser privately."""
        if self._is_deferred:
            await self._interaction.followup.send(**_said(apology), ephemeral=True)
            return
        await _make_sure(lambda: self._interaction.response.send_message(**_said(apology), ephemeral=True))


async def _defer(surface: Surface) -> None:
    """Defer; that the interaction is already acknowledged can only be our own doing, whose answer got lost."""
    try:
        await _make_sure(surface.defer)
    except discord.HTTPException as error:
        if error.code != _ALREADY_ACKNOWLEDGED:
            raise


@asynccontextmanager
async def _deferring(surface: Surface, seconds: float) -> AsyncIterator[None]:
    """Defer if the block takes longer than that; the deferral is through when the block is left.

    The block itself is no task of its own: most are quick, and a task for each costs a crowd a twentieth of its time.
    """
    deferrals: list[asyncio.Task[None]] = []
    timer = asyncio.get_running_loop().call_later(
        seconds, lambda: deferrals.append(asyncio.create_task(_defer(surface), name="defer"))
    )
    try:
        yield
    finally:
        timer.cancel()
        for deferral in deferrals:
            await deferral


async def _show(surface: Surface, result: Reply | Apology, reference: str) -> bool:
    """Show the answer, or that Discord does not take it; return whether it is the answer that was shown."""
    try:
        if isinstance(result, Reply):
            await _make_sure(lambda: surface.show(result))
        else:
            await surface.refuse(result)
        return True
    except discord.HTTPException as error:
        if error.status != _BAD_REQUEST or error.code == _ALREADY_ACKNOWLEDGED:
            raise
        code = error.code
    _LOG.error("Discord does not take answer %s: code %s", reference, code)
    await surface.refuse(problem_text(explain(None), reference))
    return False


def _name_of(interaction: Interaction) -> str:
    """Return what was used, by one of few names: whatever else Discord sends is "other"."""
    if interaction.type is discord.InteractionType.component:
        return "button"
    return "other" if interaction.command is None else interaction.command.qualified_name


class Responder:
    """Runs the work behind a command or button and sees to its answer."""

    def __init__(self, *, now: Callable[[], datetime], telemetry: Telemetry = NO_TELEMETRY) -> None:
        self._now = now
        self._telemetry = telemetry
        self._allowance = UserRateLimit()
        self._is_open = True
        self._seen: dict[int, None] = {}
        self._in_flight: set[asyncio.Task[Any]] = set()

    async def answer(self, interaction: Interaction, surface: Surface, work: Callable[[], Awaitable[Reply]]) -> None:
        """Do the work and show its reply or its problem, acknowledged in time; trouble with Discord is only logged."""
        if self._has_seen(interaction.id):
            _LOG.info("Interaction %s came twice; it is answered once", interaction.id)
            return
        task = asyncio.current_task()
        assert task is not None
        self._in_flight.add(task)
        reference = secrets.token_hex(4)
        clock = asyncio.get_running_loop().time
        started, ended = clock(), "not_shown"
        who = {"guild_id": interaction.guild_id, "user_id": interaction.user.id, "reference": reference}
        try:
            async with _deferring(surface, self._seconds_left(interaction)):
                result, how = await self._outcome(interaction, work, who)
            if await _show(surface, result, reference):
                ended = how
        except _DISCORD_TROUBLE as error:
            # Not repeated: Discord reports 10062 and 40060 also for answers that people did see.
            code = getattr(error, "code", 0)
            cause = type(error).__name__
            _LOG.warning("Answer %s may not have been shown: %s, code %s", reference, cause, code, extra=who)
        finally:
            self._in_flight.discard(task)
            self._telemetry.answered(_name_of(interaction), ended, clock() - started)

    async def refuse(self, interaction: Interaction, error: BotError | None) -> None:
        """Answer a command with a problem alone; None stands for an error nobody foresaw."""

        async def fail() -> Reply:
            raise error if error is not None else RuntimeError("no such command handler")

        await self.answer(interaction, NewMessage(interaction, share=False), fail)

    def close(self) -> None:
        """Take no new work: whoever asks from now on is told that the bot is restarting."""
        self._is_open = False

    async def drain(self, seconds: float) -> None:
        """Wait until all answers are given, at most this long."""
        if self._in_flight:
            await asyncio.wait(set(self._in_flight), timeout=seconds)

    def _has_seen(self, interaction_id: int) -> bool:
        """Whether this is not the first time; remembers the newest, in the order in which they came."""
        if interaction_id in self._seen:
            return True
        self._seen[interaction_id] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False

    def _seconds_left(self, interaction: Interaction) -> float:
        way = min(max(self._now() - interaction.created_at, timedelta(0)), _LONGEST_WAY)
        return max(0.0, (ANSWER_WITHIN - way - len(self._in_flight) * _DEFERRAL).total_seconds())

    def _admit(self, interaction: Interaction) -> None:
        if not self._is_open:
            raise Stopping("the bot is stopping")
        wait = self._allowance.take(interaction.user.id, self._now())
        if wait:
            raise TooManyLookUps(wait)

    async def _outcome(
        self, interaction: Interaction, work: Callable[[], Awaitable[Reply]], who: Mapping[str, Any]
    ) -> tuple[Reply | discord.Embed, str]:
        """Return what to show, and how it ended: "answered", "crashed" or the error's name."""
        asked = "server {guild_id}, person {user_id}, reference {reference}".format_map(who)
        try:
            self._admit(interaction)
            reply = await work()
        except BotError as error:
            level = logging.ERROR if isinstance(error, OperatorError) else logging.WARNING
            _LOG.log(level, "Not answered: %s (%s); %s", type(error).__name__, error, asked, extra=who)
            return problem_card(explain(error), who["reference"]), type(error).__name__
        except Exception:  # the edge of every command: the asker gets words, the log the traceback
            _LOG.exception("Failed; %s", asked, extra=who)
            return problem_card(explain(None), who["reference"]), "crashed"
        _LOG.debug("Answered; %s", asked, extra=who)
        return reply, "answered"
