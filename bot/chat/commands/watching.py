"""Adds, changes and ends watches: who is told about which account, and where."""

from datetime import datetime
from typing import Any

import discord
from discord import app_commands

from bot.chat.commands.services import Services, ensure_manages
from bot.chat.gateway.responder import Interaction, NewMessage, Reply
from bot.chat.rest.permissions import Channel, Destination, choose_destination
from bot.chat.views.account import AMBER, GREEN, GREY
from bot.chat.views.reminder_list import ALL_LABEL, added_card, names_of, say_next, say_place, say_subject, say_terms
from bot.core.stages import parse_days
from bot.core.text import plain
from bot.errors import BotError, CannotRemind
from bot.reminders.forecast import find_next, forecast
from bot.reminders.planning import drop_unsubscribed
from bot.store.accounts import get_snapshots
from bot.store.subscriptions import (
    NewSubscription,
    Subscription,
    delete_subscription,
    get_subscriptions,
    pause_subscription,
    put_subscription,
)
from bot.store.tables import ALL_ACCOUNTS

ALL = "all"
MAX_SUBSCRIPTIONS = 50


class Watching:
    """Changes the watches of one server at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def add(
        self,
        interaction: Interaction,
        asked: str,
        *,
        channel: Channel | None,
        days: str | None,
        role: discord.Role | None,
    ) -> None:
        """Store a watch, replacing wholly one on the same account in the same channel, and say what comes next."""

        async def work() -> Reply:
            account_id = await self._resolve(interaction, asked)
            stages = self._services.default_days if days is None else _parse(days)
            target = await choose_destination(interaction, channel, role)
            return await self._store(_new_subscription(interaction, target, account_id, stages))

        await self._answer(interaction, work)

    async def remind_here(self, interaction: Interaction, account_id: str) -> None:
        """Store a watch with the defaults in the channel of a look-up; one that is there already stays as it is."""

        async def work() -> Reply:
            guild_id = self._services.server_of(interaction)
            ensure_manages(interaction)
            async with self._services.database.begin() as tx:
                subscriptions = await get_subscriptions(tx, guild_id)
            here = [subscription for subscription in subscriptions if subscription.channel_id == interaction.channel_id]
            present = [subscription for subscription in here if subscription.account_id in (account_id, ALL_ACCOUNTS)]
            if present:
                return Reply([_present_card(min(present, key=lambda subscription: subscription.is_for_all))])
            reading = await self._services.guild_access.directory_for(guild_id).read(account_id)
            target = await choose_destination(interaction, None, None)
            return await self._store(
                _new_subscription(interaction, target, reading.account.id, self._services.default_days)
            )

        await self._answer(interaction, work)

    async def remove(self, interaction: Interaction, subscription_id: str) -> None:
        """Delete a watch, and what it still owes."""

        async def work() -> Reply:
            subscription = await self._services.find_subscription(interaction, subscription_id)
            async with self._services.database.begin() as tx:
                await delete_subscription(tx, subscription)
                await drop_unsubscribed(tx, subscription.channel_id)
            self._services.wake()
            line = f"{say_place(subscription)}: nothing is said any more."
            return Reply([discord.Embed(title="Reminder removed", description=line, colour=GREY)])

        await self._answer(interaction, work)

    async def pause(self, interaction: Interaction, subscription_id: str) -> None:
        """Silence a watch until it is resumed; what it still owes is dropped."""

        async def work() -> Reply:
            subscription = await self._services.find_subscription(interaction, subscription_id)
            async with self._services.database.begin() as tx:
                await pause_subscription(tx, subscription, subscription.paused_at or self._services.now())
                await drop_unsubscribed(tx, subscription.channel_id)
            line = f"{say_place(subscription)}: nothing is said until you resume it with `/minimax-reminders resume`."
            return Reply([discord.Embed(title="Reminder paused", description=line, colour=GREY)])

        await self._answer(interaction, work)

    async def resume(self, interaction: Interaction, subscription_id: str) -> None:
        """Let a watch speak again: what is due then is said, what was missed is not caught up."""

        async def work() -> Reply:
            subscription = await self._services.find_subscription(interaction, subscription_id)
            async with self._services.database.begin() as tx:
                await pause_subscription(tx, subscription, None)
            comes_next = await self._say_next(subscription.guild_id, subscription.id)
            self._services.wake()
            title = "Reminder resumed" if subscription.paused_at else "This reminder was not paused"
            lines = [say_terms(subscription), f"Next reminder: {comes_next}"]
            return Reply([discord.Embed(title=title, description="\n".join(lines), colour=GREEN)])

        await self._answer(interaction, work)

    async def complete(
        self, interaction: Interaction, typed: str, *, is_paused: bool | None = None
    ) -> list[app_commands.Choice[str]]:
        """Offer the server's watches: all, or those that are (not) paused."""
        if interaction.guild_id not in self._services.guild_access.listed or interaction.guild_id is None:
            return []
        try:
            async with self._services.database.begin() as tx:
                subscriptions = await get_subscriptions(tx, interaction.guild_id)
                names = names_of(await get_snapshots(tx, {subscription.account_id for subscription in subscriptions}))
        except BotError:
            return []
        fitting = [
            subscription
            for subscription in subscriptions
            if is_paused is None or (subscription.paused_at is not None) == is_paused
        ]
        labels = {
            subscription.id: plain(f"{say_subject(subscription, names)} in #{subscription.channel_name}", 100)
            for subscription in fitting
        }
        wanted = typed.strip().casefold()
        offered = [key for key, label in labels.items() if wanted in label.casefold()]
        return [app_commands.Choice(name=labels[key], value=str(key)) for key in offered[:25]]

    async def _answer(self, interaction: Interaction, work: Any) -> None:
        await self._services.responder.answer(interaction, NewMessage(interaction, share=False), work)

    async def _resolve(self, interaction: Interaction, asked: str) -> str:
        directory = self._services.guild_access.directory_for(interaction.guild_id)
        # The label too: whoever types it without picking the choice sends it as it stands.
        is_all = asked.strip().casefold() in (ALL, ALL_LABEL.casefold())
        return ALL_ACCOUNTS if is_all else (await directory.look_up(asked)).account.id

    async def _store(self, new: NewSubscription) -> Reply:
        now = self._services.now()
        async with self._services.database.begin() as tx:
            subscription, replaced = await put_subscription(tx, new, now)
            # Counted afterwards, when nobody else can add one; the error takes this one back.
            if replaced is None and len(await get_subscriptions(tx, new.guild_id)) > MAX_SUBSCRIPTIONS:
                raise CannotRemind(f"This server has {MAX_SUBSCRIPTIONS} reminders already.", "Remove one first.")
            comes_next = find_next(await forecast(tx, [subscription], now))
        self._services.wake()
        return Reply([added_card(subscription, replaced, say_next(comes_next.get(subscription.id), now))])

    async def _say_next(self, guild_id: int, subscription_id: int) -> str:
        now: datetime = self._services.now()
        async with self._services.database.begin() as tx:
            subscriptions = [
                subscription
                for subscription in await get_subscriptions(tx, guild_id)
                if subscription.id == subscription_id
            ]
            return say_next(find_next(await forecast(tx, subscriptions, now)).get(subscription_id), now)


def _new_subscription(
    interaction: Interaction, target: Destination, account_id: str, days: tuple[int, ...]
) -> NewSubscription:
    assert interaction.guild_id is not None
    return NewSubscription(
        guild_id=interaction.guild_id,
        channel_id=target.channel_id,
        channel_name=target.channel_name,
        account_id=account_id,
        days=days,
        role_id=target.role_id,
        role_name=target.role_name,
        added_by=interaction.user.id,
    )


def _present_card(subscription: Subscription) -> discord.Embed:
    lines = [say_terms(subscription), "Nothing was changed. `/minimax-reminders add` can change it."]
    if subscription.paused_at is not None:
        lines = [say_terms(subscription), "It is paused. `/minimax-reminders resume` lets it speak again."]
    return discord.Embed(title="This channel is told already", description="\n".join(lines), colour=AMBER)


def _parse(days: str) -> tuple[int, ...]:
    try:
        return parse_days(days)
    except ValueError as error:
        raise CannotRemind(str(error), 'Type them like this: "14, 7, 3, 1".') from None
