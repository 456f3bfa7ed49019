"""`/minimax-account`: look one account up."""

from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.gateway.responder import Interaction, Responder, responds
from bot.chat.gateway.router import component
from bot.chat.views.account import account_reply, choice_label
from bot.chat.views.components import Reply
from bot.chat.views.text import MAX_ACCOUNT_ID, MAX_CHOICES
from bot.core.accounts import Account
from bot.errors import ServerNotListed, StaleButton
from bot.reminders.context import Context


class AccountCommands(commands.Cog):
    """The command, and the buttons and menus that show an account's card."""

    def __init__(self, context: Context, responder: Responder) -> None:
        self.context, self.responder = context, responder

    @app_commands.command(name="minimax-account", description="Show a MiniMax account: user, capabilities, expiry")
    @app_commands.describe(
        account="Account id, or a user name only one account has",
        share="Show the answer to everyone in this channel (default: no)",
    )
    @app_commands.default_permissions(manage_guild=True)
    @responds
    async def minimax_account(
        self,
        interaction: discord.Interaction[Any],
        account: app_commands.Range[str, 1, MAX_ACCOUNT_ID],
        share: Literal["yes", "no"] = "no",  # noqa: ARG002  (read by the decorator)
    ) -> Reply:
        """Show the card of the account with this id or name."""
        return await self._look_up(interaction, account)

    @minimax_account.autocomplete("account")
    async def complete(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """Offer accounts whose id or name contains the typed text, soonest expiry first."""
        return await complete_accounts(self.context, interaction, typed)

    @component("open", is_bare=True)
    async def open(self, interaction: Interaction, account_id: str) -> Reply:
        """Show the card of an account that was chosen in a menu."""
        if not account_id:
            raise StaleButton("not on offer")
        return await self._look_up(interaction, account_id)

    async def _look_up(self, interaction: Interaction, asked: str) -> Reply:
        directory = self.context.access.directory_for(interaction.guild_id)
        return account_reply(await directory.look_up(asked), self.context.now())

    @component("check", in_place=True)
    async def check_now(self, interaction: Interaction, account_id: str) -> Reply:
        """Read the account without the cache and refresh the card."""
        if not account_id:
            raise StaleButton("no account")
        directory = self.context.access.directory_for(interaction.guild_id)
        return account_reply(await directory.read_again(account_id), self.context.now())


async def complete_accounts(context: Context, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Return up to 25 accounts whose id or name contains the typed text, soonest expiry first."""
    try:
        directory = context.access.directory_for(interaction.guild_id)
    except ServerNotListed:
        return []
    wanted, now = typed.strip().casefold(), context.now()
    matching = [account for account in await directory.offer() if _matches(account, wanted)]
    return [
        app_commands.Choice(name=choice_label(account, now), value=account.id) for account in matching[:MAX_CHOICES]
    ]


def _matches(account: Account, wanted: str) -> bool:
    is_choosable = 0 < len(account.id) <= MAX_ACCOUNT_ID
    return is_choosable and (wanted in account.id.casefold() or wanted in (account.name or "").casefold())
