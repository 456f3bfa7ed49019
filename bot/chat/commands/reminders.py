"""`/minimax-reminders`: which channel hears about which account, and the board of a channel."""

from dataclasses import replace
from typing import Any, Literal

import discord
from discord import app_commands

from bot.chat.commands.account import complete_accounts
from bot.chat.commands.overview import read_overview
from bot.chat.gateway.responder import Interaction, Responder, responds
from bot.chat.gateway.router import component, page_of
from bot.chat.rest.permissions import Destination, Destinations
from bot.chat.views.components import Reply, notice
from bot.chat.views.reminder import render
from bot.chat.views.reminder_list import (
    ALL_LABEL,
    Setup,
    added_embed,
    list_reply,
    names_of,
    present_embed,
    say_accounts,
    say_next,
    say_place,
    say_terms,
)
from bot.chat.views.text import MAX_ACCOUNT_ID, MAX_CHOICE, MAX_CHOICES, message_link
from bot.chat.views.upcoming import preview_reply
from bot.core.boards import Board
from bot.core.entries import Entry
from bot.core.forecast import next_by_subscription
from bot.core.messages import MessageKind, footer_id_of, new_nonce
from bot.core.notifications import Kind, Notification
from bot.core.status import AMBER, GREEN, GREY
from bot.core.subscriptions import NewSubscription, Subscription, parse_lead_times
from bot.core.text import plain
from bot.errors import BotError, CannotRemind, DeliveryFailed, NotAllowed, StaleButton
from bot.reminders.boards import Boards
from bot.reminders.context import Context, Refused, Uncertain
from bot.reminders.loading import load_entries, load_forecast
from bot.reminders.planning import delete_unwanted, pair_up
from bot.store.accounts import get_snapshots
from bot.store.boards import get_boards
from bot.store.channel_failures import get_failures
from bot.store.messages import get_last_messages
from bot.store.subscriptions import (
    delete_subscription,
    get_subscription,
    get_subscriptions,
    put_subscription,
    set_paused,
)

ALL = "all"
MAX_SUBSCRIPTIONS = 50
# The database's ids have up to 18 digits.
_MAX_DIGITS = 18
_SubscriptionId = app_commands.Range[str, 1, MAX_CHOICE]
_Channel = app_commands.AppCommandChannel | app_commands.AppCommandThread


class ReminderCommands(
    app_commands.Group,
    name="minimax-reminders",
    description="Reminders in channels before MiniMax logins expire",
    default_permissions=discord.Permissions(manage_guild=True),
):
    """The command group, and the buttons of its answers."""

    def __init__(self, context: Context, responder: Responder, *, destinations: Destinations, boards: Boards) -> None:
        super().__init__()
        self.context, self.responder = context, responder
        self._destinations, self._boards = destinations, boards

    @app_commands.command(name="add", description="Add a reminder for an account, or for all of them")
    @app_commands.describe(
        account="Account id or name, or all",
        channel="Channel for the reminders (default: this one)",
        days='Days before the expiry, such as "14, 7, 3, 1"',
        mention="Role to mention",
        follow_ups="Remind again after the expiry, until the login is renewed (default: yes)",
    )
    @app_commands.rename(follow_ups="follow-ups")
    @responds
    async def add(
        self,
        interaction: discord.Interaction[Any],
        account: app_commands.Range[str, 1, MAX_ACCOUNT_ID],
        channel: _Channel | None = None,
        days: app_commands.Range[str, 1, 100] | None = None,
        mention: discord.Role | None = None,
        follow_ups: Literal["yes", "no"] = "yes",
    ) -> Reply:
        """Save a subscription in place of the one on the same account in the same channel."""
        directory = self.context.access.directory_for(interaction.guild_id)
        # The label too: somebody who types it without picking the choice sends it as it is.
        is_for_all = account.strip().casefold() in (ALL, ALL_LABEL.casefold())
        account_id = None if is_for_all else (await directory.look_up(account)).account.id
        lead_times = self.context.lead_times if days is None else _parse(days)
        destination = await self._destinations.choose(interaction, channel, mention)
        return await self._save(interaction, destination, account_id, lead_times, follow_ups=follow_ups == "yes")

    @add.autocomplete("account")
    async def complete_account(
        self, interaction: discord.Interaction[Any], typed: str
    ) -> list[app_commands.Choice[str]]:
        """Offer all accounts, and each of them."""
        offered = await complete_accounts(self.context, interaction, typed)
        is_all = typed.strip().casefold() in ALL_LABEL.casefold()
        return [*([app_commands.Choice(name=ALL_LABEL, value=ALL)] if is_all else []), *offered][:MAX_CHOICES]

    @component("remind")
    async def remind_here(self, interaction: Interaction, account_id: str) -> Reply:
        """Save a subscription with the defaults in the channel of a look-up; one that covers the account stays."""
        guild_id = self.context.access.guild_of(interaction.guild_id)
        if not account_id:
            raise StaleButton("no account")
        # Discord shows the button to everybody who sees the card.
        if not interaction.permissions.manage_guild:
            raise NotAllowed("Manage Server is needed")
        async with self.context.database.begin() as tx:
            subscriptions = await get_subscriptions(tx, guild_id)
        here = [one for one in subscriptions if one.channel_id == interaction.channel_id]
        present = [one for one in here if one.account_id in (account_id, None)]
        if present:
            return Reply([present_embed(min(present, key=lambda one: one.is_for_all))])
        snapshot = await self.context.access.directory_for(guild_id).read(account_id)
        destination = await self._destinations.choose(interaction, None)
        return await self._save(interaction, destination, snapshot.account.id, self.context.lead_times)

    async def _save(
        self,
        interaction: Interaction,
        destination: Destination,
        account_id: str | None,
        lead_times: tuple[int, ...],
        *,
        follow_ups: bool = True,
    ) -> Reply:
        guild_id, now = self.context.access.guild_of(interaction.guild_id), self.context.now()
        new = NewSubscription(
            guild_id=guild_id,
            channel_id=destination.channel_id,
            channel_name=destination.channel_name,
            account_id=account_id,
            lead_times=lead_times,
            role_id=destination.role_id,
            added_by=interaction.user.id,
            follow_ups=follow_ups,
        )
        async with self.context.database.begin() as tx:
            subscription, replaced = await put_subscription(tx, new)
            # Counted afterwards, when nobody else can add one; the error rolls this one back.
            if replaced is None and len(await get_subscriptions(tx, guild_id)) > MAX_SUBSCRIPTIONS:
                raise CannotRemind(f"This server has {MAX_SUBSCRIPTIONS} reminders already.", "Remove one first.")
            comes_next = next_by_subscription(await load_forecast(tx, [subscription], now)).get(subscription.id)
        self.context.poll_requested.set()
        return Reply([added_embed(subscription, replaced, say_next(comes_next, now))])

    @app_commands.command(name="list", description="Show all reminders in this server, the next one first")
    @responds
    async def list_all(self, interaction: discord.Interaction[Any]) -> Reply:
        """Show the first page of the server's subscriptions and boards."""
        return await self._list(interaction, 0)

    # "watches" is the list's name in messages of version 0.1.
    @component("page:reminders", "page:watches", in_place=True)
    async def turn_list(self, interaction: Interaction, page: str) -> Reply:
        """Show another page of the list."""
        _ensure_may_turn(interaction)
        return await self._list(interaction, page_of(page))

    async def _list(self, interaction: Interaction, page: int) -> Reply:
        guild_id, now = self.context.access.guild_of(interaction.guild_id), self.context.now()
        async with self.context.database.begin() as tx:
            subscriptions = await get_subscriptions(tx, guild_id)
            account_ids = {one.account_id for one in subscriptions if one.account_id is not None}
            setup = Setup(
                subscriptions=subscriptions,
                boards=await get_boards(tx, [guild_id]),
                comes_next=next_by_subscription(await load_forecast(tx, subscriptions, now)),
                failures=await get_failures(tx, [guild_id], MessageKind.NOTIFICATIONS),
                board_failures=await get_failures(tx, [guild_id], MessageKind.BOARD),
                last_messages=await get_last_messages(tx, {one.channel_id for one in subscriptions}),
                names=names_of(await get_snapshots(tx, account_ids)),
            )
        return list_reply(setup, page, now)

    @app_commands.command(name="preview", description="Show the reminders of the next 30 days")
    @responds
    async def preview(self, interaction: discord.Interaction[Any]) -> Reply:
        """Show the first page of the messages to come."""
        return await self._preview(interaction, 0)

    @component("page:preview", in_place=True)
    async def turn_preview(self, interaction: Interaction, page: str) -> Reply:
        """Show another page of the messages to come."""
        _ensure_may_turn(interaction)
        return await self._preview(interaction, page_of(page))

    async def _preview(self, interaction: Interaction, page: int) -> Reply:
        guild_id, now = self.context.access.guild_of(interaction.guild_id), self.context.now()
        async with self.context.database.begin() as tx:
            upcoming = await load_forecast(tx, await get_subscriptions(tx, guild_id), now)
        return preview_reply(upcoming, page, now)

    @app_commands.command(name="board", description="Keep a board of all accounts in a channel, or remove it")
    @app_commands.describe(channel="Channel of the board")
    @responds
    async def board(self, interaction: discord.Interaction[Any], channel: _Channel) -> Reply:
        """Add a board to a channel, or remove the one that is there."""
        guild_id = self.context.access.guild_of(interaction.guild_id)
        try:
            is_removed = await self._boards.remove(guild_id, channel.id)
        except (Refused, Uncertain) as error:
            line = (
                f"The board in <#{channel.id}> is not kept up to date any more, but its message may still be there "
                f"({error}). Delete it by hand."
            )
            return notice("Board removed", line, AMBER)
        if is_removed:
            line = f"The board in <#{channel.id}> is gone. The same command brings it back."
            return notice("Board removed", line, GREY)
        destination = await self._destinations.choose(interaction, channel)
        place = f"<#{destination.channel_id}>"
        overview = await read_overview(self.context, interaction)
        try:
            await self._boards.add(Board(guild_id, destination.channel_id, interaction.user.id), overview)
        except Refused as refusal:
            raise CannotRemind(f"{place} does not accept the board: {refusal}.", "Fix that, then try again.") from None
        except Uncertain:
            self.context.poll_requested.set()
            line = f"The board will be in {place} within minutes: Discord did not answer at once."
            return notice("Board on its way", line, AMBER)
        line = (
            f"{place} shows all accounts from now on, in one message that is edited when something changes. "
            "The same command removes it."
        )
        return notice("Board added", line, GREEN)

    @app_commands.command(name="test", description="Send a reminder now, marked as a test; nobody is notified")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def test(self, interaction: discord.Interaction[Any], reminder: _SubscriptionId) -> Reply:
        """Send a subscription's next reminder as it would be now, marked as a test."""
        subscription = await self._find(interaction, reminder)
        entry = await self._load_next_entry(subscription)
        nonce = new_nonce()
        message, _ = render([entry], footer_id_of(nonce), self.context.now())
        message = replace(message, content=f"🧪 Test: {message.content}", roles=(), users=(), actions=())
        try:
            message_id = await self.context.sender.post(subscription.channel_id, message, nonce)
        except Refused as refusal:
            raise DeliveryFailed(str(refusal)) from None
        except Uncertain:
            raise DeliveryFailed("none in time; it may have arrived all the same, so look first") from None
        if message_id is None:
            return notice("Test sent", f"{say_place(subscription)}: a test arrived, and was deleted at once.", AMBER)
        link = message_link(subscription.guild_id, subscription.channel_id, message_id)
        role = subscription.role_id
        mention = f" It shows <@&{role}>, whom it did not notify." if role else ""
        line = f"{say_place(subscription)}: [a test]({link}) arrived.{mention}"
        return notice("Test sent", line, GREEN)

    async def _load_next_entry(self, subscription: Subscription) -> Entry:
        """Return the subscription's next reminder, or one about the account that expires first."""
        # A paused one can be tested too.
        active, now = replace(subscription, paused_at=None), self.context.now()
        async with self.context.database.begin() as tx:
            upcoming = next_by_subscription(await load_forecast(tx, [active], now)).get(subscription.id)
            pairs = await pair_up(tx, [subscription], await get_snapshots(tx))
            logins = {snapshot.account.id: snapshot.login for _, snapshot in pairs if snapshot.login}
            if not logins:
                raise CannotRemind(
                    "None of its accounts has a known expiry yet.",
                    "Try again in a minute, or see `/minimax-reminders list`.",
                )
            soonest = min(logins.values(), key=lambda login: login.expires_at).account_id
            account_id, stage = (soonest, 0)
            if upcoming is not None and upcoming.kind is Kind.STAGE:
                account_id, stage = upcoming.account.id, upcoming.stage
            notification = Notification(
                subscription.guild_id, subscription.channel_id, account_id, Kind.STAGE, logins[account_id].id, stage
            )
            (entry,) = await load_entries(tx, [notification], now)
        return replace(entry, subscription=active)

    @app_commands.command(name="pause", description="Pause a reminder")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def pause(self, interaction: discord.Interaction[Any], reminder: _SubscriptionId) -> Reply:
        """Pause a subscription and delete its pending notifications."""
        subscription = await self._find(interaction, reminder)
        async with self.context.database.begin() as tx:
            await set_paused(tx, subscription, subscription.paused_at or self.context.now())
            await delete_unwanted(tx, subscription.channel_id)
        line = f"{say_place(subscription)}: paused until you resume it with `/minimax-reminders resume`."
        return notice("Reminder paused", line, GREY)

    @app_commands.command(name="resume", description="Resume a paused reminder")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def resume(self, interaction: discord.Interaction[Any], reminder: _SubscriptionId) -> Reply:
        """Resume a subscription: it sends the stage that is due then, and none of those that it missed."""
        subscription = await self._find(interaction, reminder)
        now = self.context.now()
        async with self.context.database.begin() as tx:
            await set_paused(tx, subscription, None)
            resumed = replace(subscription, paused_at=None)
            comes_next = next_by_subscription(await load_forecast(tx, [resumed], now)).get(subscription.id)
        self.context.poll_requested.set()
        title = "Reminder resumed" if subscription.paused_at else "This reminder was not paused"
        lines = [say_terms(subscription), f"Next reminder: {say_next(comes_next, now)}"]
        return notice(title, "\n".join(lines), GREEN)

    @app_commands.command(name="remove", description="Delete a reminder")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def remove(self, interaction: discord.Interaction[Any], reminder: _SubscriptionId) -> Reply:
        """Delete a subscription and its pending notifications."""
        subscription = await self._find(interaction, reminder)
        async with self.context.database.begin() as tx:
            await delete_subscription(tx, subscription)
            await delete_unwanted(tx, subscription.channel_id)
        self.context.poll_requested.set()
        line = f"{say_place(subscription)}: no reminders any more."
        return notice("Reminder removed", line, GREY)

    @test.autocomplete("reminder")
    @remove.autocomplete("reminder")
    @pause.autocomplete("reminder")
    @resume.autocomplete("reminder")
    async def complete_reminder(
        self, interaction: discord.Interaction[Any], typed: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the server's reminders: to pause those that are not paused, to resume those that are."""
        command = interaction.command.name if interaction.command else ""
        is_paused = {"pause": {False}, "resume": {True}}.get(command, {True, False})
        try:
            guild_id = self.context.access.guild_of(interaction.guild_id)
            async with self.context.database.begin() as tx:
                subscriptions = await get_subscriptions(tx, guild_id)
                account_ids = {one.account_id for one in subscriptions if one.account_id is not None}
                names = names_of(await get_snapshots(tx, account_ids))
        except BotError:
            return []
        labels = {
            one.id: plain(f"{say_accounts(one, names)} in #{one.channel_name}", MAX_CHOICE)
            for one in subscriptions
            if (one.paused_at is not None) in is_paused
        }
        wanted = typed.strip().casefold()
        offered = [key for key, label in labels.items() if wanted in label.casefold()]
        return [app_commands.Choice(name=labels[key], value=str(key)) for key in offered[:MAX_CHOICES]]

    async def _find(self, interaction: Interaction, picked: str) -> Subscription:
        guild_id = self.context.access.guild_of(interaction.guild_id)
        # A text that was typed instead of picked is no id.
        is_id = picked.isascii() and picked.isdigit() and len(picked) <= _MAX_DIGITS
        async with self.context.database.begin() as tx:
            subscription = await get_subscription(tx, guild_id, int(picked)) if is_id else None
        if subscription is None:
            raise CannotRemind("There is no such reminder in this server.", "Pick one that completion offers.")
        return subscription


def _parse(days: str) -> tuple[int, ...]:
    try:
        return parse_lead_times(days)
    except ValueError as error:
        raise CannotRemind(str(error), 'Type them like this: "14, 7, 3, 1".') from None


def _ensure_may_turn(interaction: Interaction) -> None:
    """Let only people turn a page who got the list privately, or who may manage the server.

    Raises:
        NotAllowed: the user may not.
    """
    # Discord let the user run the command whose private answer this is.
    is_private = interaction.message is not None and interaction.message.flags.ephemeral
    if not (is_private or interaction.permissions.manage_guild):
        raise NotAllowed("the list may not be turned")
