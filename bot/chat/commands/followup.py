"""What people do about a reminder: check whether it still holds, take it on, and try one out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import discord
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.commands.services import Services
from bot.chat.gateway.responder import Interaction, NewMessage, Reply, SameMessage
from bot.chat.views import reminder as reminder_cards
from bot.chat.views.account import GREEN
from bot.chat.views.reminder_buttons import reminder_view
from bot.chat.views.reminder_list import say_place
from bot.chat.views.text import message_link
from bot.errors import CannotRemind, DeliveryFailed, NothingLeft
from bot.reminders.context import Refused, Uncertain, footer_id, new_nonce
from bot.reminders.entries import Entry, load_entries
from bot.reminders.forecast import find_next, forecast
from bot.reminders.planning import pair_up
from bot.store.accounts import get_snapshots
from bot.store.assignments import Assignment, drop_assignment, put_assignment
from bot.store.messages import Message, get_carried, get_message, mark_for_edit
from bot.store.notifications import Kind, Notification
from bot.store.subscriptions import Subscription


class FollowUp:
    """Works on the messages that reminders are."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def recheck(self, interaction: Interaction) -> None:
        """Read all accounts once and show in the reminder how they stand."""

        async def work() -> Reply:
            message = await self._find_message(interaction)
            read = await self._services.guild_access.directory_for(message.guild_id).read_all(fresh=True)
            async with self._services.database.begin() as tx:
                entries = await load_entries(tx, await get_carried(tx, message), read)
            return _reply(entries, message, self._services.now(), is_checked=True)

        await self._services.responder.answer(interaction, SameMessage(interaction), work)

    async def take(self, interaction: Interaction) -> None:
        """Let the presser take the reminder's open accounts on, or give them back if all were theirs."""

        async def work() -> Reply:
            message = await self._find_message(interaction)
            assignment = Assignment(interaction.user.id, self._services.now())
            async with self._services.database.begin() as tx:
                entries = await load_entries(tx, await get_carried(tx, message))
                await _toggle(tx, message, entries, assignment)
                # Should Discord lose the answer, the next pass shows it.
                await mark_for_edit(tx, message, self._services.now())
                entries = await load_entries(tx, await get_carried(tx, message))
            return _reply(entries, message, self._services.now())

        await self._services.responder.answer(interaction, SameMessage(interaction), work)

    async def _find_message(self, interaction: Interaction) -> Message:
        guild_id = self._services.server_of(interaction)
        assert interaction.message is not None
        async with self._services.database.begin() as tx:
            message = await get_message(tx, guild_id, interaction.message.id)
        if message is None:
            raise CannotRemind("The bot's database does not know this message.", "Ask with `/minimax-account` instead.")
        return message

    async def test(self, interaction: Interaction, subscription_id: str) -> None:
        """Send a watch's next reminder as it would be now, marked as a test; tells the asker how that went."""

        async def work() -> Reply:
            subscription = await self._services.find_subscription(interaction, subscription_id)
            entry = await self._find_soonest(subscription)
            nonce = new_nonce()
            payload, _ = reminder_cards.render([entry], footer_id(nonce), self._services.now())
            payload |= {"content": f"🧪 Test: {payload['content']}", "roles": [], "users": [], "has_buttons": False}
            try:
                message_id = await self._services.sender.post(subscription.channel_id, payload, nonce)
            except Refused as refusal:
                raise DeliveryFailed(str(refusal)) from None
            except Uncertain:
                raise DeliveryFailed("none in time; it may have arrived all the same, so look first") from None
            return Reply([_sent_card(subscription, message_id)])

        await self._services.responder.answer(interaction, NewMessage(interaction, share=False), work)

    async def _find_soonest(self, subscription: Subscription) -> Entry:
        """Return what the watch will say next, or would say of the account that expires first."""
        # A paused one is as good to try out.
        awake, now = replace(subscription, paused_at=None), self._services.now()
        async with self._services.database.begin() as tx:
            upcoming = find_next(await forecast(tx, [awake], now)).get(subscription.id)
            pairs = await pair_up(tx, [subscription], await get_snapshots(tx))
            logins = {pair.known.account.id: pair.known.login for pair in pairs if pair.known.login}
            if not logins:
                raise CannotRemind(
                    "None of its accounts has a known expiry yet.",
                    "Try again in a minute, or see `/minimax-reminders list`.",
                )
            soonest = min(logins, key=lambda account_id: logins[account_id].expires_at)
            account_id, stage = (upcoming.account.id, upcoming.stage) if upcoming else (soonest, 0)
            owed = Notification(
                subscription.guild_id, subscription.channel_id, account_id, Kind.STEP, logins[account_id].id, stage
            )
            (entry,) = await load_entries(tx, [owed])
        return replace(entry, subscription=awake)


async def _toggle(tx: AsyncConnection, message: Message, entries: Sequence[Entry], assignment: Assignment) -> None:
    """Take on what is open, or give it back if all of it is the presser's already.

    Raises:
        NothingLeft: nothing is open any more.
    """
    taken = [entry for entry in entries if entry.is_bad and entry.known is not None]
    if not taken:
        raise NothingLeft("nothing is open")
    if all(entry.assignment is not None and entry.assignment.user_id == assignment.user_id for entry in taken):
        for entry in taken:
            await drop_assignment(tx, message.channel_id, entry.subject)
        return
    for entry in taken:
        await put_assignment(tx, message.guild_id, message.channel_id, entry.subject, assignment)


def _reply(entries: Sequence[Entry], message: Message, now: datetime, *, is_checked: bool = False) -> Reply:
    payload = reminder_cards.render_again(entries, footer_id(message.nonce), now, is_checked=is_checked)
    cards = [discord.Embed.from_dict(card) for card in payload["embeds"]]
    return Reply(cards, reminder_view(payload), payload["content"])


def _sent_card(subscription: Subscription, message_id: int | None) -> discord.Embed:
    link = message_link(subscription.guild_id, subscription.channel_id, message_id)
    mention = f" It shows <@&{subscription.role_id}>, whom it did not notify." if subscription.role_id else ""
    line = f"{say_place(subscription)}: [a test]({link}) arrived.{mention}"
    return discord.Embed(title="Test sent", description=line, colour=GREEN)
