"""Answers interactions in time: at once if the work is quick, else deferred; and in words if it fails."""

import asyncio
import functools
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import aiohttp
import discord

from bot.chat.rest.command_links import CommandLinks
from bot.chat.rest.failures import DISCORD_ERRORS
from bot.chat.views.components import Reply
from bot.chat.views.errors import error_embed, error_text
from bot.core.changes import Change
from bot.core.rate_limit import BUTTONS, COMMANDS, GUILD_BUTTONS, MESSAGE_BUTTONS, RateLimit
from bot.core.repeats import Repeats
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.errors import BotError, InternalError, OperatorError, Stopping, TooManyLookUps, UserError

_LOG = logging.getLogger(__name__)

# How long the event may have been on its way here; a longer time means a wrong clock.
_LONGEST_WAY = timedelta(seconds=1.5)
# The time that a deferral takes: in a crowd all may have to be deferred at once, and the last one in time.
_DEFERRAL_SECONDS = 0.0005
# A request that hangs holds one of the connections that all share.
_REQUEST_SECONDS = 30.0
_BAD_REQUEST, _ALREADY_ACKNOWLEDGED = 400, 40060
# Discord may deliver an event twice, within moments.
_REMEMBERED = 1_000
# So many refusals of one kind are more than the mistakes of people.
_FLOOD = 10

Interaction = discord.Interaction[Any]
# Returns an answer with something added to it.
Extension = Callable[[Interaction, Reply], Awaitable[Reply]]
# Posts a change to its channel, by the id of its server and of the user who made it.
Announcement = Callable[[int, int, Change], Awaitable[None]]
# An error in an embed, or in plain text where Discord refuses the embed.
Apology = discord.Embed | str


class Surface(Protocol):
    """Where an answer appears."""

    async def defer(self) -> None:
        """Acknowledge the interaction; the answer follows."""

    async def show(self, reply: Reply) -> None:
        """Show the answer."""

    async def add(self, reply: Reply) -> None:
        """Show something more to the user alone, after the answer."""

    async def refuse(self, apology: Apology) -> None:
        """Show an error to the user alone."""


async def _follow_up(interaction: Interaction, reply: Reply) -> None:
    view = discord.utils.MISSING if reply.view is None else reply.view
    await interaction.followup.send(reply.content, embeds=reply.embeds, view=view, ephemeral=True)


def _body(apology: Apology) -> dict[str, Any]:
    return {"content": apology} if isinstance(apology, str) else {"embed": apology}


async def _repeat_once(request: Callable[[], Awaitable[object]]) -> None:
    """Make a request, and again if its connection broke: Discord does it only once, however often it comes."""
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
        """Show the answer, in one request if nothing was deferred; a form can't follow a deferral."""
        content = reply.content or None
        if reply.form is not None and not self._is_deferred:
            await self._interaction.response.send_modal(reply.form)
            return
        if self._is_deferred:
            await self._interaction.edit_original_response(content=content, embeds=reply.embeds, view=reply.view)
            return
        view = discord.utils.MISSING if reply.view is None else reply.view
        await self._interaction.response.send_message(
            content, embeds=reply.embeds, view=view, ephemeral=not self._share
        )

    async def add(self, reply: Reply) -> None:
        """Show something more to the user alone."""
        await _follow_up(self._interaction, reply)

    async def refuse(self, apology: Apology) -> None:
        """Show an error privately; a public "thinking" is deleted, since a deferred answer can't turn private."""
        if not self._is_deferred:
            await _repeat_once(lambda: self._interaction.response.send_message(**_body(apology), ephemeral=True))
        elif not self._share:
            await _repeat_once(lambda: self._interaction.edit_original_response(**_body(apology)))
        else:
            # A follow-up to an answer still "thinking" would become that public answer, so it is completed first.
            await _repeat_once(lambda: self._interaction.edit_original_response(content="Nothing to share."))
            await self._interaction.followup.send(**_body(apology), ephemeral=True)
            await self._interaction.delete_original_response()


class SameMessage:
    """The message whose button was pressed; an error leaves it as it is."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self._is_deferred = False

    async def defer(self) -> None:
        """Acknowledge the press without a visible change."""
        self._is_deferred = True
        await self._interaction.response.defer()

    async def show(self, reply: Reply) -> None:
        """Edit the message."""
        content = reply.content or None
        if self._is_deferred:
            await self._interaction.edit_original_response(content=content, embeds=reply.embeds, view=reply.view)
            return
        # Embeds that somebody has hidden show again.
        await self._interaction.response.edit_message(
            content=content, embeds=reply.embeds, view=reply.view, suppress_embeds=False
        )

    async def add(self, reply: Reply) -> None:
        """Show something more to the user alone."""
        await _follow_up(self._interaction, reply)

    async def refuse(self, apology: Apology) -> None:
        """Show an error privately."""
        if self._is_deferred:
            await self._interaction.followup.send(**_body(apology), ephemeral=True)
            return
        await _repeat_once(lambda: self._interaction.response.send_message(**_body(apology), ephemeral=True))


async def _defer(surface: Surface) -> None:
    """Defer; an interaction that is already acknowledged was so by this bot, and the answer got lost."""
    try:
        await _repeat_once(surface.defer)
    except discord.HTTPException as error:
        if error.code != _ALREADY_ACKNOWLEDGED:
            raise


@asynccontextmanager
async def _deferring(surface: Surface, seconds: float) -> AsyncIterator[None]:
    """Defer if the block takes longer than that; the deferral is complete when the block is left."""
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
    """Show the result, or that Discord refuses it; return whether it is the result that was shown."""
    try:
        if isinstance(result, Reply):
            await _repeat_once(lambda: surface.show(result))
            if (aside := result.aside) is not None:
                await _repeat_once(lambda: surface.add(aside))
        else:
            await surface.refuse(result)
        return True
    except discord.HTTPException as error:
        if error.status != _BAD_REQUEST or error.code == _ALREADY_ACKNOWLEDGED:
            raise
        code = error.code
    _LOG.error("Discord refuses answer %s: code %s", reference, code)
    await surface.refuse(error_text(InternalError(), reference))
    return False


def _name_of(interaction: Interaction) -> str:
    """Return the name of a command, "button" or "form"; "other" for everything else that Discord sends."""
    if interaction.type is discord.InteractionType.component:
        return "button"
    if interaction.type is discord.InteractionType.modal_submit:
        return "form"
    return "other" if interaction.command is None else interaction.command.qualified_name


class Responder:
    """Runs the work behind a command or button, and answers."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        timing: Timing = DEFAULT_TIMING,
        telemetry: Telemetry = NO_TELEMETRY,
        links: CommandLinks | None = None,
    ) -> None:
        self._now = now
        self._links = links or CommandLinks()
        self._extend: Extension | None = None
        self._announce: Announcement | None = None
        self._answer_within = timing.answer_within
        self._telemetry = telemetry
        self._commands, self._buttons = RateLimit(COMMANDS), RateLimit(BUTTONS)
        self._message_buttons, self._guild_buttons = RateLimit(MESSAGE_BUTTONS), RateLimit(GUILD_BUTTONS)
        self._repeats = Repeats()
        self._is_open = True
        self._seen: dict[int, None] = {}
        self._in_flight: set[asyncio.Task[Any]] = set()

    def extend_with(self, extend: Extension) -> None:
        """Let a function add to the answer of each command."""
        self._extend = extend

    def announce_with(self, announce: Announcement) -> None:
        """Let a function post to channels what people change."""
        self._announce = announce

    async def answer(self, interaction: Interaction, surface: Surface, work: Callable[[], Awaitable[Reply]]) -> None:
        """Do the work and show its reply or its error, acknowledged in time; a failing Discord is only logged.

        After that, the channel for which the work has changed something gets a line about it.
        """
        if self._has_seen(interaction.id):
            _LOG.info("Interaction %s came twice; it is answered once", interaction.id)
            return
        task = asyncio.current_task()
        assert task is not None
        self._in_flight.add(task)
        try:
            change = await self._answer(interaction, surface, work)
            # Such answers are private, so that the channel does not know yet.
            if change is not None and change.news and self._announce is not None:
                await self._announce(interaction.guild_id or 0, interaction.user.id, change)
        finally:
            self._in_flight.discard(task)

    async def _answer(
        self, interaction: Interaction, surface: Surface, work: Callable[[], Awaitable[Reply]]
    ) -> Change | None:
        """Do the work and show its reply or its error; return what the work has changed."""
        reference, result = secrets.token_hex(4), None
        clock = asyncio.get_running_loop().time
        started, outcome = clock(), "not_shown"
        log_fields = {"guild_id": interaction.guild_id, "user_id": interaction.user.id, "reference": reference}
        try:
            async with _deferring(surface, self._seconds_left(interaction)):
                result, reached = await self._run(interaction, work, log_fields)
            if await _show(surface, result, reference):
                outcome = reached
        except DISCORD_ERRORS as error:
            # Not repeated: Discord also reports 10062 and 40060 for answers that people did see.
            code = getattr(error, "code", 0)
            cause = type(error).__name__
            _LOG.warning("Answer %s may not have been shown: %s, code %s", reference, cause, code, extra=log_fields)
        finally:
            self._telemetry.answered(_name_of(interaction), outcome, clock() - started)
        return result.change if isinstance(result, Reply) else None

    async def refuse(self, interaction: Interaction, error: Exception) -> None:
        """Answer a command with an error alone; one that is no BotError is logged with its traceback."""

        async def fail() -> Reply:
            raise error

        await self.answer(interaction, NewMessage(interaction, share=False), fail)

    def close(self) -> None:
        """Accept no new work: from now on every answer is that the bot is restarting."""
        self._is_open = False

    async def drain(self, seconds: float) -> None:
        """Wait until all answers are given, at most this long."""
        if self._in_flight:
            await asyncio.wait(set(self._in_flight), timeout=seconds)

    def _has_seen(self, interaction_id: int) -> bool:
        """Whether this interaction came before; remembers the newest thousand."""
        if interaction_id in self._seen:
            return True
        self._seen[interaction_id] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return False

    def _seconds_left(self, interaction: Interaction) -> float:
        way = min(max(self._now() - interaction.created_at, timedelta(0)), _LONGEST_WAY)
        return max(0.0, self._answer_within - way.total_seconds() - len(self._in_flight) * _DEFERRAL_SECONDS)

    def _admit(self, interaction: Interaction) -> None:
        """Keep the user, and all who press the buttons of a message or server, within their budgets.

        Raises:
            Stopping: the bot stops. TooManyLookUps: a budget is used up.
        """
        if not self._is_open:
            raise Stopping("the bot is stopping")
        budgets = [(self._commands, interaction.user.id, "commands")]
        if interaction.type is not discord.InteractionType.application_command:
            message_id = interaction.message.id if interaction.message is not None else 0
            budgets = [
                (self._buttons, interaction.user.id, "clicks"),
                (self._message_buttons, message_id, "clicks on this message"),
                (self._guild_buttons, interaction.guild_id or 0, "clicks in this server"),
            ]
        for limit, key, what in budgets:
            if wait := limit.take(key, self._now()):
                raise TooManyLookUps(wait, what)

    async def _run(
        self, interaction: Interaction, work: Callable[[], Awaitable[Reply]], log_fields: Mapping[str, Any]
    ) -> tuple[Reply | discord.Embed, str]:
        """Do the work; return what to show and the outcome: "answered", "crashed" or the error's name."""
        origin = "server {guild_id}, user {user_id}, reference {reference}".format_map(log_fields)
        is_command = interaction.type is discord.InteractionType.application_command
        try:
            self._admit(interaction)
            reply = await work()
            if reply.change is not None:
                _LOG.info("Changed: %s; %s", reply.change.say_for_log(), origin, extra=log_fields)
            if self._extend is not None and is_command:
                reply = await self._extend(interaction, reply)
        except BotError as error:
            self._log_refusal(error, origin, log_fields)
            # Everybody who sees a message can press its buttons.
            may_see_accounts = is_command or interaction.permissions.manage_guild
            apology = error_embed(error, log_fields["reference"], may_see_accounts=may_see_accounts)
            (linked,) = self._links.in_embeds(interaction.guild_id, [apology])
            return linked, type(error).__name__
        except Exception:  # whatever a command runs into, the user gets words and the log the traceback
            _LOG.exception("Failed; %s", origin, extra=log_fields)
            return error_embed(InternalError(), log_fields["reference"]), "crashed"
        _LOG.debug("Answered; %s", origin, extra=log_fields)
        return self._links.in_reply(interaction.guild_id, reply), "answered"

    def _log_refusal(self, error: BotError, origin: str, log_fields: Mapping[str, Any]) -> None:
        """Log an error, and one that comes again and again in one line a minute."""
        kind, level = type(error).__name__, logging.ERROR if isinstance(error, OperatorError) else logging.WARNING
        if isinstance(error, UserError):
            # Nobody has to act on a mistake of a user, but on a flood of them.
            level = logging.DEBUG
            if count := self._repeats.count(kind, self._now(), least=_FLOOD):
                _LOG.info("Refused%s: %s; the last one: %s", _say_more(count), kind, origin, extra=log_fields)
        # People may ask the operator about a code, which must be found.
        count = 1 if error.has_code or level == logging.DEBUG else self._repeats.count(kind, self._now())
        if count:
            more = _say_more(count)
            _LOG.log(level, "Not answered: %s (%s); %s%s", kind, error, origin, more, extra=log_fields)


def _say_more(count: int) -> str:
    """Return how many events a line of the log stands for, if it stands for several."""
    return "" if count == 1 else f" ({count} times since the last such line)"


class Responding(Protocol):
    """An object whose methods are commands."""

    @property
    def responder(self) -> Responder:
        """Return what answers for it."""


Owner = TypeVar("Owner", bound=Responding)
Options = ParamSpec("Options")


def responds(
    method: Callable[Concatenate[Owner, Interaction, Options], Awaitable[Reply]],
) -> Callable[Concatenate[Owner, Interaction, Options], Coroutine[Any, Any, None]]:
    """Turn a method that returns a reply into a command that gives it; an option `share` of "yes" makes it public."""

    @functools.wraps(method)
    async def respond(self: Owner, interaction: Interaction, /, *args: Options.args, **options: Options.kwargs) -> None:
        surface = NewMessage(interaction, share=options.get("share") == "yes")
        await self.responder.answer(interaction, surface, lambda: method(self, interaction, *args, **options))

    return respond
