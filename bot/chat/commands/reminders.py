"""`/minimax-reminders`: which channel hears about which account."""

import re
from dataclasses import replace
from typing import Any, Literal

import discord
from discord import app_commands

from bot.chat.commands.channel_names import ChannelNames
from bot.chat.commands.completion import complete_accounts_or_all, complete_reminders, find_reminder, means_all
from bot.chat.gateway.responder import Interaction, Responder, responds
from bot.chat.gateway.router import component, page_of
from bot.chat.rest.permissions import Channel, Destination, Destinations, Pingable, PostableChannel, ensure_is_manager
from bot.chat.views.components import Reply, mark_of
from bot.chat.views.reminder_answers import (
    paused_reply,
    present_reply,
    removed_reply,
    resumed_reply,
    saved_reply,
    tested_reply,
)
from bot.chat.views.reminder_list import Setup, list_page, list_reply
from bot.chat.views.upcoming import FORESEEN, upcoming_page, upcoming_reply
from bot.core.accounts import Account, AccountSnapshot
from bot.core.limits import MAX_LABEL
from bot.core.messages import MessageKind, footer_id_of, new_nonce
from bot.core.subscriptions import NewSubscription, Subscription, WrongCount, parse_lead_times
from bot.errors import (
    CommandChanged,
    CreditsNotRead,
    DeliveryFailed,
    NoSuchReminder,
    StaleButton,
    TooManyReminders,
    WrongDays,
    WrongNumberOfDays,
)
from bot.reminders.concurrency import aside
from bot.reminders.context import Context, Refused, Uncertain
from bot.reminders.forecasts import load_forecast, load_next, load_outlook, load_sample, were_accounts_read
from bot.reminders.planning import delete_unwanted
from bot.store.accounts import get_snapshots
from bot.store.boards import get_boards
from bot.store.channel_failures import get_failures
from bot.store.heard import schedule_offer_edits
from bot.store.messages import get_last_messages
from bot.store.subscriptions import (
    delete_subscription,
    get_subscription,
    get_subscriptions,
    lock_guild,
    lock_subscription,
    put_subscription,
    set_paused,
    set_ping,
)

MAX_SUBSCRIPTIONS = 50
MAX_CREDITS = 1_000_000_000
# The ids of the reminder and of the role, with as many digits as the database and Discord give them.
_UNPING = re.compile(r"([0-9]{1,18}):([0-9a-f]{16})")
_Reminder = app_commands.Range[str, 1, MAX_LABEL]
_PostableChannel = app_commands.Transform[Channel, PostableChannel]


class ReminderCommands(
    app_commands.Group,
    name="minimax-reminders",
    description="Reminders before MiniMax logins expire",
    default_permissions=discord.Permissions(manage_guild=True),
):
    """The command group, and the buttons of its answers."""

    def __init__(
        self, context: Context, responder: Responder, *, destinations: Destinations, names: ChannelNames
    ) -> None:
        super().__init__()
        self.context, self.responder = context, responder
        self._destinations, self._names = destinations, names
        days = ", ".join(map(str, context.lead_times))
        # Only the settings know the default.
        app_commands.describe(days=f"Days before expiry (default: {days})")(self.add)

    @app_commands.command(name="add", description="Add a reminder for one account, or for all of them")
    @app_commands.describe(
        account="One account, or All accounts",
        channel="Channel for the reminders (default: this one)",
        days="Days before expiry",
        ping="Role or person to ping (default: nobody)",
        follow_ups="Remind again after the expiry, until the login is renewed (default: yes)",
        credits_below="Also announce fewer credits than this; 0 for never (default: never)",
    )
    @app_commands.rename(follow_ups="follow-ups", credits_below="credits-below")
    @responds
    async def add(
        self,
        interaction: discord.Interaction[Any],
        account: app_commands.Range[str, 1, MAX_LABEL],
        channel: _PostableChannel | None = None,
        days: app_commands.Range[str, 1, 100] | None = None,
        ping: Pingable | None = None,
        follow_ups: Literal["yes", "no"] | None = None,
        credits_below: app_commands.Range[int, 0, MAX_CREDITS] | None = None,
    ) -> Reply:
        """Save a subscription; one on the same account in the same channel keeps the terms that are left out."""
        directory = self.context.access.directory_for(interaction.guild_id)
        # An app that still shows the earlier option sends it, and discord.py would drop it: the ping would be lost.
        if "mention" in interaction.namespace:
            raise CommandChanged("mention:")
        if credits_below and not self.context.watches_jobs:
            raise CreditsNotRead("WATCH_JOBS is no")
        found = None if means_all(account) else (await directory.look_up(account)).account
        lead_times = None if days is None else _parse(days)
        destination = await self._destinations.choose(interaction, channel, ping)
        return await self._save(
            interaction,
            destination,
            found,
            lead_times,
            follow_ups=None if follow_ups is None else follow_ups == "yes",
            credits_below=credits_below,
        )

    @add.autocomplete("account")
    async def complete_account(
        self, interaction: discord.Interaction[Any], typed: str
    ) -> list[app_commands.Choice[str]]:
        """Offer all accounts, and each of them."""
        return await complete_accounts_or_all(self.context, interaction, typed)

    @component("remind")
    async def remind_of_one(self, interaction: Interaction, account_id: str) -> Reply:
        """Save a subscription with the defaults in the channel of a look-up; one that covers the account stays."""
        if not account_id:
            raise StaleButton("no account")
        return await self._remind_here(interaction, account_id)

    @component("remind-all", is_bare=True)
    async def remind_of_all(self, interaction: Interaction, _rest: str) -> Reply:
        """Save a subscription on all accounts with the defaults in this channel; one that is there stays."""
        return await self._remind_here(interaction, None)

    async def _remind_here(self, interaction: Interaction, account_id: str | None) -> Reply:
        guild_id = self.context.access.guild_of(interaction.guild_id)
        # Discord shows the button to everybody who sees the message.
        ensure_is_manager(interaction)
        async with self.context.database.begin() as tx:
            subscriptions = await get_subscriptions(tx, guild_id)
            accounts = _accounts_of(await get_snapshots(tx))
        here = [one for one in subscriptions if one.channel_id == interaction.channel_id]
        present = [one for one in here if one.account_id in (account_id, None)]
        if present:
            return present_reply(min(present, key=lambda one: one.is_for_all), account_id, accounts)
        account = None
        if account_id is not None:
            account = (await self.context.access.directory_for(guild_id).read(account_id)).account
        destination = await self._destinations.choose(interaction, None)
        return await self._save(interaction, destination, account, None)

    async def _save(
        self,
        interaction: Interaction,
        destination: Destination,
        account: Account | None,
        lead_times: tuple[int, ...] | None,
        *,
        follow_ups: bool | None = None,
        credits_below: int | None = None,
    ) -> Reply:
        """Save a subscription on an account, or on all (None); None also stands for terms that were left out.

        A threshold of 0 credits announces none.
        """
        guild_id, now = self.context.access.guild_of(interaction.guild_id), self.context.now()
        account_id = None if account is None else account.id
        async with self.context.database.begin() as tx:
            await lock_guild(tx, guild_id)
            in_guild = await get_subscriptions(tx, guild_id)
            in_channel = [one for one in in_guild if one.channel_id == destination.channel_id]
            present = next((one for one in in_channel if one.account_id == account_id), None)
            if present is None and len(in_guild) >= MAX_SUBSCRIPTIONS:
                raise TooManyReminders(MAX_SUBSCRIPTIONS)
            kept = present.credits_below if present else None
            new = NewSubscription(
                guild_id=guild_id,
                channel_id=destination.channel_id,
                account_id=account_id,
                lead_times=lead_times or (present.lead_times if present else self.context.lead_times),
                ping=destination.ping or (present.ping if present else None),
                added_by=interaction.user.id,
                follow_ups=follow_ups if follow_ups is not None else present is None or present.follow_ups,
                credits_below=(credits_below if credits_below is not None else kept) or None,
            )
            subscription, _ = await put_subscription(tx, new)
            await schedule_offer_edits(tx, destination.channel_id, now)
            snapshots = await get_snapshots(tx)
            outlook = await load_outlook(tx, subscription, snapshots, now)
        self.context.poll_requested.set()
        accounts = _accounts_of(snapshots)
        if account is not None:
            accounts[account.id] = account
        return saved_reply(
            subscription, present, in_channel, accounts, outlook, now, is_ping_kept=destination.ping is None
        )

    @component("unping", in_place=True)
    async def ping_nobody(self, interaction: Interaction, rest: str) -> Reply:
        """Take its ping away from a subscription, which else stays as it is."""
        guild_id, now = self.context.access.guild_of(interaction.guild_id), self.context.now()
        ensure_is_manager(interaction)
        found = _UNPING.fullmatch(rest)
        if found is None:
            raise StaleButton("no reminder")
        async with self.context.database.begin() as tx:
            await lock_guild(tx, guild_id)
            present = await get_subscription(tx, guild_id, int(found[1]))
            # The id of a reminder that was deleted may be that of another one today.
            if present is None or mark_of(present) != found[2]:
                raise NoSuchReminder
            await set_ping(tx, present, None)
            subscription = replace(present, ping=None)
            snapshots = await get_snapshots(tx)
            outlook = await load_outlook(tx, subscription, snapshots, now)
        return saved_reply(subscription, present, (), _accounts_of(snapshots), outlook, now)

    @app_commands.command(name="list", description="Show all reminders in this server")
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
            setup = Setup(
                subscriptions=subscriptions,
                boards=await get_boards(tx, [guild_id]),
                comes_next=await load_next(tx, subscriptions, now),
                failures=await get_failures(tx, [guild_id], MessageKind.NOTIFICATIONS),
                board_failures=await get_failures(tx, [guild_id], MessageKind.BOARD),
                last_messages=await get_last_messages(tx, {one.channel_id for one in subscriptions}),
                accounts=await get_snapshots(tx),
                were_read=await were_accounts_read(tx),
            )
        shown = await aside(len(subscriptions) * len(setup.accounts), lambda: list_page(setup, page, now))
        return list_reply(shown, has_reminders=bool(subscriptions))

    @app_commands.command(name="upcoming", description="Show reminders due in the next 30 days")
    @responds
    async def upcoming(self, interaction: discord.Interaction[Any]) -> Reply:
        """Show the first page of the messages to come."""
        return await self._upcoming(interaction, 0)

    # "preview" is the page's name in messages of an earlier version.
    @component("page:upcoming", "page:preview", in_place=True)
    async def turn_upcoming(self, interaction: Interaction, page: str) -> Reply:
        """Show another page of the messages to come."""
        _ensure_may_turn(interaction)
        return await self._upcoming(interaction, page_of(page))

    async def _upcoming(self, interaction: Interaction, page: int) -> Reply:
        guild_id, now = self.context.access.guild_of(interaction.guild_id), self.context.now()
        async with self.context.database.begin() as tx:
            subscriptions = await get_subscriptions(tx, guild_id)
            upcoming = await load_forecast(tx, subscriptions, now, now + FORESEEN)
        is_set_up = bool(subscriptions)
        shown = await aside(len(upcoming), lambda: upcoming_page(upcoming, page, now, is_set_up=is_set_up))
        return upcoming_reply(shown)

    @app_commands.command(name="test", description="Send a test reminder; nobody is pinged")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def test(self, interaction: discord.Interaction[Any], reminder: _Reminder) -> Reply:
        """Send a subscription's next reminder as it would be now, marked as a test."""
        subscription = await find_reminder(self.context, self._names, interaction, reminder)
        nonce, now = new_nonce(), self.context.now()
        async with self.context.database.begin() as tx:
            entry = await load_sample(tx, subscription, now)
        message = self.context.rendering.render([entry], footer_id_of(nonce), now)
        content = f"🧪 Test: {message.content}"
        message = replace(message, content=content, roles=(), users=(), actions=(), choices=(), is_silent=True)
        try:
            message_id = await self.context.sender.post(
                subscription.channel_id, message, nonce, guild_id=subscription.guild_id
            )
        except Refused as refusal:
            raise DeliveryFailed(str(refusal)) from None
        except Uncertain:
            raise DeliveryFailed("none in time; it may have arrived all the same, so look first") from None
        return tested_reply(subscription, message_id)

    @app_commands.command(name="pause", description="Pause a reminder")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def pause(self, interaction: discord.Interaction[Any], reminder: _Reminder) -> Reply:
        """Pause a subscription and delete its pending notifications."""
        subscription = await find_reminder(self.context, self._names, interaction, reminder)
        async with self.context.database.begin() as tx:
            subscription = _ensure_present(await lock_subscription(tx, subscription))
            await set_paused(tx, subscription, subscription.paused_at or self.context.now())
            await delete_unwanted(tx, subscription.channel_id)
            accounts = _accounts_of(await get_snapshots(tx))
        return paused_reply(subscription, accounts)

    @app_commands.command(name="resume", description="Resume a paused reminder")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def resume(self, interaction: discord.Interaction[Any], reminder: _Reminder) -> Reply:
        """Resume a subscription: it sends the stage that is due then, and none of those that it missed."""
        subscription = await find_reminder(self.context, self._names, interaction, reminder)
        now = self.context.now()
        async with self.context.database.begin() as tx:
            subscription = _ensure_present(await lock_subscription(tx, subscription))
            await set_paused(tx, subscription, None)
            snapshots = await get_snapshots(tx)
            outlook = await load_outlook(tx, subscription, snapshots, now)
        self.context.poll_requested.set()
        return resumed_reply(subscription, _accounts_of(snapshots), outlook, now)

    @app_commands.command(name="remove", description="Delete a reminder")
    @app_commands.describe(reminder="Which reminder")
    @responds
    async def remove(self, interaction: discord.Interaction[Any], reminder: _Reminder) -> Reply:
        """Delete a subscription and its pending notifications."""
        subscription = await find_reminder(self.context, self._names, interaction, reminder)
        async with self.context.database.begin() as tx:
            subscription = _ensure_present(await lock_subscription(tx, subscription))
            await delete_subscription(tx, subscription)
            await delete_unwanted(tx, subscription.channel_id)
            in_guild = await get_subscriptions(tx, subscription.guild_id)
            accounts = _accounts_of(await get_snapshots(tx))
        self.context.poll_requested.set()
        left = [one for one in in_guild if one.channel_id == subscription.channel_id]
        return removed_reply(subscription, left, accounts)

    @test.autocomplete("reminder")
    @remove.autocomplete("reminder")
    @pause.autocomplete("reminder")
    @resume.autocomplete("reminder")
    async def complete_reminder(
        self, interaction: discord.Interaction[Any], typed: str
    ) -> list[app_commands.Choice[str]]:
        """Offer the server's reminders: to pause those that are not paused, to resume those that are."""
        return await complete_reminders(self.context, self._names, interaction, typed)


def _ensure_present(subscription: Subscription | None) -> Subscription:
    """Return the subscription.

    Raises:
        NoSuchReminder: somebody has deleted it since it was picked.
    """
    if subscription is None:
        raise NoSuchReminder
    return subscription


def _accounts_of(snapshots: dict[str, AccountSnapshot]) -> dict[str, Account]:
    return {key: one.account for key, one in snapshots.items()}


def _parse(days: str) -> tuple[int, ...]:
    try:
        return parse_lead_times(days)
    except WrongCount:
        raise WrongNumberOfDays("wrong number of days") from None
    except ValueError:
        raise WrongDays(days) from None


def _ensure_may_turn(interaction: Interaction) -> None:
    """Let only people turn a page who got the list privately, or who may manage the server.

    Raises:
        NotAllowed: the user may not.
    """
    # Discord let the user run the command whose private answer this is.
    if interaction.message is None or not interaction.message.flags.ephemeral:
        ensure_is_manager(interaction)
