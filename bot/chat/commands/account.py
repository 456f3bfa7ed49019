"""`/minimax-account`: look one account up."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.commands.completion import complete_accounts
from bot.chat.gateway.responder import Interaction, Responder, responds
from bot.chat.gateway.router import component
from bot.chat.views.account import account_reply
from bot.chat.views.components import Reply
from bot.core.accounts import AccountSnapshot
from bot.core.limits import MAX_LABEL
from bot.core.overview import find_covering
from bot.core.subscriptions import Subscription
from bot.errors import StaleButton, StoreError
from bot.reminders.context import Context
from bot.store.subscriptions import get_subscriptions
from bot.useapi.shared_calls import SharedCalls

_LOG = logging.getLogger(__name__)

# Part of the time in which an answer needs no deferral.
_LOAD_SECONDS = 1.0


class AccountCommands(commands.Cog):
    """The command, and the buttons and menus that show an account's card."""

    def __init__(self, context: Context, responder: Responder) -> None:
        self.context, self.responder = context, responder
        self._loading = SharedCalls[list[Subscription] | None]()

    @app_commands.command(name="minimax-account", description="Show one MiniMax account: user, capabilities, expiry")
    @app_commands.describe(
        account="Pick an account, or type its name or ID",
        share="Post the answer for everyone in this channel (default: no)",
    )
    @app_commands.default_permissions(manage_guild=True)
    @responds
    async def minimax_account(
        self,
        interaction: discord.Interaction[Any],
        account: app_commands.Range[str, 1, MAX_LABEL],
        share: Literal["yes", "no"] = "no",  # noqa: ARG002  (read by the decorator)
    ) -> Reply:
        """Show the card of the account with this id or name."""
        return await self._look_up(interaction, account)

    @minimax_account.autocomplete("account")
    async def complete(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """Offer accounts whose id or name contains the typed text, most urgent first."""
        return await complete_accounts(self.context, interaction, typed)

    @component("open")
    async def open(self, interaction: Interaction, account_id: str) -> Reply:
        """Show the card of an account that was chosen in a menu, or whose button was pressed."""
        if not account_id:
            raise StaleButton("not on offer")
        return await self._look_up(interaction, account_id)

    async def _look_up(self, interaction: Interaction, asked: str) -> Reply:
        directory = self.context.access.directory_for(interaction.guild_id)
        return await self._show(interaction, directory.look_up(asked))

    @component("check", in_place=True)
    async def check_now(self, interaction: Interaction, account_id: str) -> Reply:
        """Read the account without the cache and refresh the card."""
        if not account_id:
            raise StaleButton("no account")
        directory = self.context.access.directory_for(interaction.guild_id)
        return await self._show(interaction, directory.read_again(account_id))

    async def _show(self, interaction: Interaction, reading: Awaitable[AccountSnapshot]) -> Reply:
        """Return the card of an account, which is read while the server's subscriptions are loaded."""
        guild_id = self.context.access.guild_of(interaction.guild_id)
        # Equal look-ups share this query, as they share the call to the API.
        loading = self._loading.join(guild_id, lambda: self._load_subscriptions(guild_id))
        snapshot, subscriptions = await asyncio.gather(reading, asyncio.shield(loading))
        reminders = None if subscriptions is None else find_covering(snapshot.account.id, subscriptions)
        return account_reply(snapshot, reminders, self.context.now())

    async def _load_subscriptions(self, guild_id: int) -> list[Subscription] | None:
        """Return the server's subscriptions; None if the database has no answer in time: the card needs none."""
        try:
            async with asyncio.timeout(_LOAD_SECONDS), self.context.database.begin() as tx:
                return await get_subscriptions(tx, guild_id)
        except (StoreError, TimeoutError) as error:
            _LOG.warning("A card lacks its reminders: %s", str(error) or "no answer in time")
            return None
