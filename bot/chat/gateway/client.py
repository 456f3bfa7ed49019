"""The Discord client: no intents, no cache, commands in the listed servers only."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot.chat.commands.account import CheckNow, LookUps, RemindHere, build_account_command
from bot.chat.commands.board import BoardKeeper
from bot.chat.commands.followup import FollowUp
from bot.chat.commands.outlook import Outlook
from bot.chat.commands.overview import OverviewCommands, build_overview_command
from bot.chat.commands.reminders import build_reminder_commands
from bot.chat.commands.status import StatusReport, build_status_command
from bot.chat.commands.watching import Watching
from bot.chat.gateway.registration import keep_registering
from bot.chat.gateway.responder import Interaction, Responder, SameMessage
from bot.chat.rest.rate_limit import Refusals, build_trace
from bot.chat.views.account_menu import OpenAccount, RefreshAccounts, RefreshBoard
from bot.chat.views.pages import PageButton, may_turn
from bot.chat.views.reminder_buttons import Recheck, Take
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.errors import NotAllowed, ServerNotListed, StaleButton
from bot.useapi.guild_access import GuildAccess

_LOG = logging.getLogger(__name__)

# Buttons of messages that may be older than this process; the ids of all begin alike.
_BUTTONS = (CheckNow, RemindHere, Recheck, Take, PageButton, OpenAccount, RefreshAccounts, RefreshBoard)
_PREFIX = "minimax:"


class CommandTree(app_commands.CommandTree[Any]):
    """Answers also what no command answers."""

    def __init__(self, client: discord.Client, *, guild_access: GuildAccess, responder: Responder) -> None:
        super().__init__(client)
        self._guild_access = guild_access
        self._responder = responder

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /) -> None:
        """Refuse in words: a server that is not listed, a command that is no longer there, anything unforeseen."""
        if interaction.type is discord.InteractionType.autocomplete:
            await interaction.response.autocomplete([])
            return
        if interaction.guild_id not in self._guild_access.listed:
            await self._responder.refuse(interaction, ServerNotListed("not a listed server"))
            return
        _LOG.error("A command failed in server %s", interaction.guild_id, exc_info=error)
        await self._responder.refuse(interaction, None)


def _expect_no_voice() -> None:
    """Keep discord.py from warning at each start that there is no voice."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


def _options() -> dict[str, Any]:
    return {
        "intents": discord.Intents.none(),
        "allowed_mentions": discord.AllowedMentions.none(),
        "member_cache_flags": discord.MemberCacheFlags.none(),
        "max_messages": None,
    }


def build_client() -> discord.Client:
    """Return a client without commands, for questions over REST."""
    _expect_no_voice()
    return discord.Client(**_options())


@dataclass(frozen=True, slots=True)
class Commands:
    """What the commands and buttons do, one part for each group of them."""

    look_ups: LookUps
    watching: Watching
    outlook: Outlook
    followup: FollowUp
    overview: OverviewCommands
    boards: BoardKeeper
    status: StatusReport


class AccountBot(discord.Client):
    """Connects the commands to Discord."""

    commands: Commands

    def __init__(
        self,
        *,
        guild_access: GuildAccess,
        responder: Responder,
        jitter: Callable[[], float],
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        _expect_no_voice()
        self.refusals = Refusals()
        super().__init__(**_options(), http_trace=build_trace(self.refusals, self._open_gate))
        self.logged_in = asyncio.Event()
        self.tree = CommandTree(self, guild_access=guild_access, responder=responder)
        self._responder = responder
        self._listed = guild_access.listed
        self._jitter = jitter
        self._telemetry = telemetry
        self._registering: asyncio.Task[None] | None = None

    def add_commands(self, commands: Commands) -> None:
        """Offer these commands in the listed servers."""
        self.commands = commands
        listed = [discord.Object(guild_id) for guild_id in self._listed]
        for command in (
            build_account_command(commands.look_ups),
            build_overview_command(commands.overview),
            build_reminder_commands(
                commands.watching, commands.outlook, commands.followup, commands.boards, commands.look_ups.complete
            ),
            build_status_command(commands.status),
        ):
            self.tree.add_command(command, guilds=listed)

    async def turn_page(self, interaction: Interaction, name: str, page: int) -> None:
        """Show another page of a list in place."""
        lists = {
            "watches": self.commands.outlook.show_list,
            "preview": self.commands.outlook.show_preview,
            "accounts": self.commands.overview.turn_to,
        }
        if name not in lists:
            await self._responder.refuse(interaction, StaleButton("no such list"))
            return
        # Whoever sees a list of accounts may turn it, as they may refresh it; the others tell how the server is set up.
        if name != "accounts" and not may_turn(interaction):
            await self._responder.refuse(interaction, NotAllowed("the list is not theirs to turn"))
            return
        await lists[name](interaction, page, SameMessage(interaction))

    async def setup_hook(self) -> None:
        """Make old buttons work, and register the commands meanwhile; a failure there must not stop the start."""
        self.add_dynamic_items(*_BUTTONS)
        self.logged_in.set()
        registering = keep_registering(self.tree, self._listed, jitter=self._jitter)
        self._registering = asyncio.create_task(registering, name="register-commands")

    async def on_connect(self) -> None:
        """Note that a session with Discord has begun."""
        self._telemetry.connected()

    async def on_resumed(self) -> None:
        """Note that a session goes on over another connection."""
        self._telemetry.connected()

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Refuse in words the press of a button that nothing else here answers."""
        data: Any = interaction.data or {}
        pressed = str(data.get("custom_id", ""))
        if interaction.type is not discord.InteractionType.component or not pressed.startswith(_PREFIX):
            return
        if not any(button.__discord_ui_compiled_template__.fullmatch(pressed) for button in _BUTTONS):
            await self._responder.refuse(interaction, StaleButton("no such button"))

    def _open_gate(self) -> None:
        """Let requests through again after a global limit; discord.py forgets it if a try was given up meanwhile."""
        self.http._global_over.set()  # noqa: SLF001  (nothing public opens it)

    @property
    def is_connected(self) -> bool:
        """Whether the gateway's socket is open; discord.py closes it when heartbeats stay unanswered for a minute."""
        return self.ws is not None and self.ws.open

    async def close(self) -> None:
        """Stop registering and close the connection."""
        if self._registering is not None:
            self._registering.cancel()
        await super().close()
