"""`/minimax-account`, its completion, and the buttons under every card."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import discord
from discord import app_commands

from bot.chat.gateway.responder import Interaction, NewMessage, Reply, Responder, SameMessage, Surface
from bot.chat.views.account import account_card, choice_label
from bot.chat.views.text import MAX_CUSTOM_ID
from bot.core.accounts import Account
from bot.core.wording import SETUP_GUIDE
from bot.errors import ServerNotListed
from bot.useapi.directory import AccountDirectory, AccountSnapshot
from bot.useapi.guild_access import GuildAccess

MAX_CHOICES = 25
MAX_ASKED = 64
# Building buttons takes longer than building a card, and those of an account are always the same.
_VIEWS = 128


class LookUps:
    """Reads accounts for one server and makes them into replies."""

    def __init__(self, *, guild_access: GuildAccess, responder: Responder, now: Callable[[], datetime]) -> None:
        self._guild_access = guild_access
        self._responder = responder
        self._now = now

    async def look_up(self, interaction: Interaction, asked: str, *, share: bool) -> None:
        """Answer with the card of the account that has this id or name."""
        await self._answer(
            interaction, NewMessage(interaction, share=share), lambda directory: directory.look_up(asked)
        )

    async def check_now(self, interaction: Interaction, account_id: str) -> None:
        """Read the account past every cache and renew the card in place."""
        await self._answer(interaction, SameMessage(interaction), lambda directory: directory.read_again(account_id))

    async def complete(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Return up to 25 accounts whose id or name holds what was typed, soonest expiry first."""
        try:
            directory = self._guild_access.directory_for(interaction.guild_id)
        except ServerNotListed:
            return []
        wanted = typed.strip().casefold()
        matching = [account for account in await directory.offer() if _matches(account, wanted)]
        now = self._now()
        return [
            app_commands.Choice(name=choice_label(account, now), value=account.id) for account in matching[:MAX_CHOICES]
        ]

    async def _answer(
        self,
        interaction: Interaction,
        surface: Surface,
        read: Callable[[AccountDirectory], Awaitable[AccountSnapshot]],
    ) -> None:
        async def work() -> Reply:
            directory = self._guild_access.directory_for(interaction.guild_id)
            reading = await read(directory)
            return Reply([account_card(reading, self._now())], account_view(reading.account.id))

        await self._responder.answer(interaction, surface, work)


def _matches(account: Account, wanted: str) -> bool:
    is_choosable = 0 < len(account.id) <= MAX_ASKED
    return is_choosable and (wanted in account.id.casefold() or wanted in (account.name or "").casefold())


class _AccountButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=re.compile("(?!)")):
    """A button whose id holds an account, so that it outlives restarts."""

    prefix: ClassVar[str]
    label: ClassVar[str]
    emoji: ClassVar[str]

    def __init__(self, account_id: str) -> None:
        super().__init__(discord.ui.Button(label=self.label, emoji=self.emoji, custom_id=self.prefix + account_id))
        self.account_id = account_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls(match["account"])


class CheckNow(_AccountButton, template=re.compile(r"minimax:check:(?P<account>.+)", re.DOTALL)):
    """The button that reads an account again."""

    prefix, label, emoji = "minimax:check:", "Check now", "🔄"

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Read the account and renew the card."""
        await interaction.client.commands.look_ups.check_now(interaction, self.account_id)


class RemindHere(_AccountButton, template=re.compile(r"minimax:remind:(?P<account>.+)", re.DOTALL)):
    """The button that has the channel reminded of an account."""

    prefix, label, emoji = "minimax:remind:", "Remind here", "⏰"

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Add a watch with the defaults."""
        await interaction.client.commands.watching.remind_here(interaction, self.account_id)


@lru_cache(_VIEWS)
def account_view(account_id: str) -> discord.ui.View:
    """Return the buttons under a card; those that hold the account are left out where its id is too long for them."""
    view = discord.ui.View(timeout=None)
    for button in (CheckNow, RemindHere):
        if len(button.prefix + account_id) <= MAX_CUSTOM_ID:
            view.add_item(button(account_id))
    view.add_item(discord.ui.Button(label="How to renew", url=SETUP_GUIDE))
    return view


def build_account_command(look_ups: LookUps) -> app_commands.Command[Any, Any, None]:
    """Return the command; who may use it is up to Discord and the server's admins."""

    @app_commands.command(name="minimax-account", description="Show a MiniMax account: user, capabilities, expiry")
    @app_commands.describe(
        account="Account id, or a user name only one account has",
        share="Show the answer to everyone in this channel (default: no)",
    )
    @app_commands.default_permissions(manage_guild=True)
    async def minimax_account(
        interaction: discord.Interaction[Any],
        account: app_commands.Range[str, 1, MAX_ASKED],
        share: Literal["yes", "no"] = "no",
    ) -> None:
        await look_ups.look_up(interaction, account, share=share == "yes")

    @minimax_account.autocomplete("account")
    async def complete(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await look_ups.complete(interaction, typed)

    return minimax_account
