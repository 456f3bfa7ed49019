"""The Discord client: no privileged intents, no cache, commands in the listed servers only."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import discord
from discord import app_commands

from bot.chat.gateway.events import narrow_events
from bot.chat.gateway.registration import Registrar
from bot.chat.gateway.resolved import complete_resolved
from bot.chat.gateway.responder import Responder
from bot.chat.gateway.router import Router
from bot.chat.rest.command_links import CommandLinks
from bot.chat.rest.rate_limit import DiscordLimits, build_trace
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.errors import CommandChanged, OptionIncomplete, ServerNotListed
from bot.useapi.guild_access import GuildAccess

_LOG = logging.getLogger(__name__)

# Discord ends a session as soon as it is asked to; its own answer need not be waited for.
_HANG_UP_SECONDS = 1.0
_ROUTED = (discord.InteractionType.component, discord.InteractionType.modal_submit)


class CommandTree(app_commands.CommandTree[Any]):
    """Also answers what no command answers; leaves everything to another process once this one is not active."""

    def __init__(
        self, client: discord.Client, *, access: GuildAccess, responder: Responder, is_active: Callable[[], bool]
    ) -> None:
        super().__init__(client)
        self._access = access
        self._responder = responder
        self._is_active = is_active

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Whether a command, or its completion, is for this process, and can be read."""
        if not _is_for_this_process(interaction, self._is_active):
            return False
        try:
            complete_resolved(cast("Mapping[str, Any]", interaction.data or {}))
            # discord.py reads the options after this check, where an error would leave the user without an answer.
            _ = interaction.namespace
        except Exception as error:  # whatever the library makes of it, the user gets words
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                await self._responder.refuse(interaction, OptionIncomplete(type(error).__name__))
            return False
        return True

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /) -> None:
        """Refuse in words: a server that is not listed, an outdated command, an incomplete option, any other error."""
        if interaction.type is discord.InteractionType.autocomplete:
            await interaction.response.autocomplete([])
            return
        if interaction.guild_id not in self._access.listed:
            await self._responder.refuse(interaction, ServerNotListed("not a listed server"))
        elif isinstance(error, app_commands.CommandSignatureMismatch | app_commands.CommandNotFound):
            await self._responder.refuse(interaction, CommandChanged(type(error).__name__))
        elif isinstance(error, app_commands.TransformerError):
            await self._responder.refuse(interaction, OptionIncomplete(error.type.name))
        else:
            await self._responder.refuse(interaction, error)


def _is_for_this_process(interaction: discord.Interaction[Any], is_active: Callable[[], bool]) -> bool:
    if is_active():
        return True
    _LOG.info("Interaction %s is left to the active process", interaction.id)
    return False


def _options() -> dict[str, Any]:
    # discord.py would warn at each start that there is no voice.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    return {
        # Only to hear of servers that remove or invite the bot.
        "intents": discord.Intents(guilds=True),
        "allowed_mentions": discord.AllowedMentions.none(),
        "member_cache_flags": discord.MemberCacheFlags.none(),
        "max_messages": None,
    }


def build_client() -> discord.Client:
    """Return a client without commands, for requests over REST."""
    return discord.Client(**_options())


class AccountBot(discord.Client):
    """Connects the commands to Discord; `logged_in` is set once REST requests work.

    Once `is_active` says no, it makes no request and executes no command. `witness` gets the `Date` of each answer of
    Discord, `links` the ids of the commands.
    """

    def __init__(
        self,
        *,
        access: GuildAccess,
        responder: Responder,
        jitter: Callable[[], float],
        timing: Timing = DEFAULT_TIMING,
        telemetry: Telemetry = NO_TELEMETRY,
        limits: DiscordLimits | None = None,
        is_active: Callable[[], bool] = lambda: True,
        witness: Callable[[str | None], None] = lambda _date: None,
        links: CommandLinks | None = None,
    ) -> None:
        limits = limits or DiscordLimits(timing)
        self.refusals, self.obstacles = limits.refusals, limits.obstacles
        trace = build_trace(limits, open_gate=self._open_gate, is_active=is_active, witness=witness)
        super().__init__(**_options(), http_trace=trace)
        self.logged_in = asyncio.Event()
        self.tree = CommandTree(self, access=access, responder=responder, is_active=is_active)
        self.router = Router(responder)
        self._is_active = is_active
        self._listed = access.listed
        self.registrar = Registrar(self.tree, access.listed, jitter=jitter, timing=timing, links=links)
        self._telemetry = telemetry
        self._registering: asyncio.Task[None] | None = None
        narrow_events(self, self.registrar)

    def add_commands(self, commands: Iterable[app_commands.Command[Any, ..., Any] | app_commands.Group]) -> None:
        """Offer these commands in the listed servers."""
        listed = [discord.Object(guild_id) for guild_id in self._listed]
        for command in commands:
            self.tree.add_command(command, guilds=listed)

    async def setup_hook(self) -> None:
        """Keep the commands registered in the background; a failure there must not stop the start."""
        self.logged_in.set()
        self._registering = asyncio.create_task(self.registrar.keep(), name="register-commands")

    async def on_connect(self) -> None:
        """Count a new session with Discord."""
        self._telemetry.connected()

    async def on_resumed(self) -> None:
        """Count a session that goes on over another connection."""
        self._telemetry.connected()

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer buttons, menus and forms; commands go through the tree."""
        if interaction.type in _ROUTED and _is_for_this_process(interaction, self._is_active):
            await self.router.route(interaction)

    def _open_gate(self) -> None:
        """Let requests through again after a global limit; discord.py forgets it if an attempt was given up."""
        self.http._global_over.set()  # noqa: SLF001  (nothing public opens it)

    @property
    def is_connected(self) -> bool:
        """Whether the gateway's socket is open; discord.py closes it when heartbeats stay unanswered for a minute."""
        return self.ws is not None and self.ws.open

    async def hang_up(self) -> None:
        """End the session with Discord's gateway, if there is one; requests over REST go on."""
        if self.is_connected:
            closing = asyncio.create_task(self.ws.close(code=1000), name="hang-up")
            await asyncio.wait({closing}, timeout=_HANG_UP_SECONDS)
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)

    async def close(self) -> None:
        """Stop registering and close the connection."""
        if self._registering is not None:
            self._registering.cancel()
        await super().close()
