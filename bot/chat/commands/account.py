"""`/minimax-account`: look one account up."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.commands.completion import complete_accounts
from bot.chat.gateway.responder import Interaction, Responder, responds
from bot.chat.gateway.router import component, form, rest_of
from bot.chat.rest.permissions import ensure_is_manager
from bot.chat.views.account import account_reply, note_form, note_saved_reply
from bot.chat.views.components import Reply
from bot.core.accounts import Account, AccountSnapshot, is_possible_id
from bot.core.changes import Act, Change
from bot.core.incidents import Reason
from bot.core.limits import MAX_LABEL
from bot.core.links import RenewalLinks
from bot.core.notes import Note, parse_note
from bot.core.overview import find_covering
from bot.core.subscriptions import Subscription
from bot.errors import BotError, StaleButton, StoreError
from bot.reminders.context import Context
from bot.store.accounts import get_snapshots
from bot.store.heard import schedule_last_edits_in_guild
from bot.store.incidents import get_failing
from bot.store.notes import get_note, get_notes, set_note
from bot.store.subscriptions import get_subscriptions
from bot.useapi.shared_calls import SharedCalls

_LOG = logging.getLogger(__name__)

# Part of the time in which an answer needs no deferral.
_LOAD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept about accounts: a server's subscriptions, its notes by guild and account, and whose jobs fail."""

    subscriptions: Sequence[Subscription]
    notes: Mapping[tuple[int, str], Note]
    failing: Mapping[str, Reason | None]


class AccountCommands(commands.Cog):
    """The command, the buttons and menus that show an account's card, and the form for its note."""

    def __init__(self, context: Context, responder: Responder, renewal: RenewalLinks) -> None:
        self.context, self.responder = context, responder
        self._renewal = renewal
        self._loading = SharedCalls[_Kept | None]()

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
        share: Literal["yes", "no"] = "no",
    ) -> Reply:
        """Show the card of the account with this id or name."""
        return await self._look_up(interaction, account, is_shared=share == "yes")

    @minimax_account.autocomplete("account")
    async def complete(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """Offer accounts whose id or name contains the typed text, most urgent first."""
        return await complete_accounts(self.context, interaction, typed)

    @component("open")
    async def open(self, interaction: Interaction, account_id: str) -> Reply:
        """Show the card of an account that was chosen in a menu, or whose button was pressed."""
        if not account_id:
            raise StaleButton("not on offer")
        return await self._look_up(interaction, account_id, is_shared=False)

    async def _look_up(self, interaction: Interaction, asked: str, *, is_shared: bool) -> Reply:
        directory = self.context.access.directory_for(interaction.guild_id)
        return await self._show(interaction, directory.look_up(asked), is_shared=is_shared)

    @component("check", in_place=True)
    async def check_now(self, interaction: Interaction, account_id: str) -> Reply:
        """Read the account without the cache and refresh the card."""
        if not account_id:
            raise StaleButton("no account")
        directory = self.context.access.directory_for(interaction.guild_id)
        return await self._show(interaction, directory.read_again(account_id), is_shared=_is_shared(interaction))

    @component("edit-note")
    async def edit_note(self, interaction: Interaction, account_id: str) -> Reply:
        """Open the form with the server's note on an account."""
        guild_id = self.context.access.guild_of(interaction.guild_id)
        ensure_is_manager(interaction)
        if not is_possible_id(account_id):
            raise StaleButton("no account")
        try:
            # A form can't be deferred, so only the database is asked.
            async with asyncio.timeout(_LOAD_SECONDS), self.context.database.begin() as tx:
                note = await get_note(tx, guild_id, account_id)
                known = (await get_snapshots(tx, {account_id})).get(account_id)
        except TimeoutError:
            raise StoreError("no answer in time") from None
        return note_form(known.account if known is not None else Account(account_id), note)

    @form("note")
    async def save_note(self, interaction: Interaction, typed: str) -> Reply:
        """Save the server's note on an account, or delete it if the text is empty, and refresh the card."""
        guild_id, account_id = self.context.access.guild_of(interaction.guild_id), rest_of(interaction)
        ensure_is_manager(interaction)
        if not is_possible_id(account_id):
            raise StaleButton("no account")
        directory = self.context.access.directory_for(guild_id)
        text = parse_note(typed, directory.finds_secret)
        if text:
            # No note is kept on an account that never was, or is gone.
            await directory.read(account_id)
        now = self.context.now()
        async with self.context.database.begin() as tx:
            await set_note(tx, guild_id, account_id, Note(text, interaction.user.id, now) if text else None)
            await schedule_last_edits_in_guild(tx, guild_id, [account_id], now)
        # It edits the reminders that show the note.
        self.context.poll_requested.set()
        try:
            reply = await self._show(interaction, directory.read(account_id), is_shared=_is_shared(interaction))
        except BotError:
            reply = note_saved_reply(text)
        act = Act.NOTE_CHANGED if text else Act.NOTE_DELETED
        return replace(reply, change=Change(act, interaction.channel_id or 0, (account_id,)))

    async def _show(self, interaction: Interaction, reading: Awaitable[AccountSnapshot], *, is_shared: bool) -> Reply:
        """Return the card of an account, which is read while what the server keeps is loaded.

        The button for the note is there for those who may use it, and on a shared card for all.
        """
        guild_id = self.context.access.guild_of(interaction.guild_id)
        # Equal look-ups share this query, as they share the call to the API.
        loading = self._loading.join(guild_id, lambda: self._load_kept(guild_id))
        snapshot, kept = await asyncio.gather(reading, asyncio.shield(loading))
        account_id = snapshot.account.id
        return account_reply(
            snapshot,
            self.context.now(),
            None if kept is None else find_covering(account_id, kept.subscriptions),
            None if kept is None else kept.notes.get((guild_id, account_id)),
            self.context.access.directory_for(guild_id).usage.jobs_of(account_id),
            {} if kept is None else kept.failing,
            self._renewal,
            has_note_button=is_shared or interaction.permissions.manage_guild,
        )

    async def _load_kept(self, guild_id: int) -> _Kept | None:
        """Return what the server keeps; None if the database has no answer in time: the card needs none of it."""
        try:
            async with asyncio.timeout(_LOAD_SECONDS), self.context.database.begin() as tx:
                return _Kept(
                    await get_subscriptions(tx, guild_id), await get_notes(tx, [guild_id]), await get_failing(tx)
                )
        except (StoreError, TimeoutError) as error:
            _LOG.warning("A card lacks its reminders and note: %s", str(error) or "no answer in time")
            return None


def _is_shared(interaction: Interaction) -> bool:
    """Whether everybody sees the message of a button."""
    return interaction.message is not None and not interaction.message.flags.ephemeral
