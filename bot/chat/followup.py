"""What people do about a reminder: check whether it still holds, take it on, and try one out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import discord
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import reminder_cards
from bot.chat.cards import GREEN
from bot.chat.reminder_buttons import reminder_view
from bot.chat.replies import Interaction, NewMessage, Reply, SameMessage
from bot.chat.services import Services
from bot.chat.text import message_link
from bot.chat.watch_list import say_place
from bot.errors import CannotRemind, DeliveryFailed, NothingLeft
from bot.reminding.forecast import find_next, forecast
from bot.reminding.items import Item, load_items
from bot.reminding.planning import pair_up
from bot.reminding.sending import Refused, Uncertain, footer_id, new_nonce
from bot.store.accounts import get_known
from bot.store.claims import Claim, drop_claim, put_claim
from bot.store.deliveries import Kind, Owed
from bot.store.messages import Message, get_carried, get_message, mark_for_edit
from bot.store.watches import Watch


class FollowUp:
    """Works on the messages that reminders are."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def recheck(self, interaction: Interaction) -> None:
        """Read all accounts once and show in the reminder how they stand."""

        async def work() -> Reply:
            message = await self._find_message(interaction)
            read = await self._services.servers.directory_for(message.guild_id).read_all(fresh=True)
            async with self._services.database.begin() as tx:
                items = await load_items(tx, await get_carried(tx, message), read)
            return _reply(items, message, self._services.now(), is_checked=True)

        await self._services.responder.answer(interaction, SameMessage(interaction), work)

    async def take(self, interaction: Interaction) -> None:
        """Let the presser take the reminder's open accounts on, or give them back if all were theirs."""

        async def work() -> Reply:
            message = await self._find_message(interaction)
            claim = Claim(interaction.user.id, self._services.now())
            async with self._services.database.begin() as tx:
                items = await load_items(tx, await get_carried(tx, message))
                await _toggle(tx, message, items, claim)
                # Should Discord lose the answer, the next pass shows it.
                await mark_for_edit(tx, message, self._services.now())
                items = await load_items(tx, await get_carried(tx, message))
            return _reply(items, message, self._services.now())

        await self._services.responder.answer(interaction, SameMessage(interaction), work)

    async def _find_message(self, interaction: Interaction) -> Message:
        guild_id = self._services.server_of(interaction)
        assert interaction.message is not None
        async with self._services.database.begin() as tx:
            message = await get_message(tx, guild_id, interaction.message.id)
        if message is None:
            raise CannotRemind("The bot's database does not know this message.", "Ask with `/minimax-account` instead.")
        return message

    async def test(self, interaction: Interaction, watch_id: str) -> None:
        """Send a watch's next reminder as it would be now, marked as a test; tells the asker how that went."""

        async def work() -> Reply:
            watch = await self._services.find_watch(interaction, watch_id)
            item = await self._find_soonest(watch)
            nonce = new_nonce()
            payload, _ = reminder_cards.render([item], footer_id(nonce), self._services.now())
            payload |= {"content": f"🧪 Test: {payload['content']}", "roles": [], "users": [], "has_buttons": False}
            try:
                message_id = await self._services.sender.post(watch.channel_id, payload, nonce)
            except Refused as refusal:
                raise DeliveryFailed(str(refusal)) from None
            except Uncertain:
                raise DeliveryFailed("none in time; it may have arrived all the same, so look first") from None
            return Reply([_sent_card(watch, message_id)])

        await self._services.responder.answer(interaction, NewMessage(interaction, share=False), work)

    async def _find_soonest(self, watch: Watch) -> Item:
        """Return what the watch will say next, or would say of the account that expires first."""
        # A paused one is as good to try out.
        awake, now = replace(watch, paused_at=None), self._services.now()
        async with self._services.database.begin() as tx:
            upcoming = find_next(await forecast(tx, [awake], now)).get(watch.id)
            pairs = await pair_up(tx, [watch], await get_known(tx))
            tokens = {pair.known.account.id: pair.known.token for pair in pairs if pair.known.token}
            if not tokens:
                raise CannotRemind(
                    "None of its accounts has a known expiry yet.",
                    "Try again in a minute, or see `/minimax-reminders list`.",
                )
            soonest = min(tokens, key=lambda account_id: tokens[account_id].expires_at)
            account_id, step = (upcoming.account.id, upcoming.step) if upcoming else (soonest, 0)
            owed = Owed(watch.guild_id, watch.channel_id, account_id, Kind.STEP, tokens[account_id].id, step)
            (item,) = await load_items(tx, [owed])
        return replace(item, watch=awake)


async def _toggle(tx: AsyncConnection, message: Message, items: Sequence[Item], claim: Claim) -> None:
    """Take on what is open, or give it back if all of it is the presser's already.

    Raises:
        NothingLeft: nothing is open any more.
    """
    taken = [item for item in items if item.is_bad and item.known is not None]
    if not taken:
        raise NothingLeft("nothing is open")
    if all(item.claim is not None and item.claim.user_id == claim.user_id for item in taken):
        for item in taken:
            await drop_claim(tx, message.channel_id, item.subject)
        return
    for item in taken:
        await put_claim(tx, message.guild_id, message.channel_id, item.subject, claim)


def _reply(items: Sequence[Item], message: Message, now: datetime, *, is_checked: bool = False) -> Reply:
    payload = reminder_cards.render_again(items, footer_id(message.nonce), now, is_checked=is_checked)
    cards = [discord.Embed.from_dict(card) for card in payload["embeds"]]
    return Reply(cards, reminder_view(payload), payload["content"])


def _sent_card(watch: Watch, message_id: int | None) -> discord.Embed:
    link = message_link(watch.guild_id, watch.channel_id, message_id)
    mention = f" It shows <@&{watch.role_id}>, whom it did not notify." if watch.role_id else ""
    line = f"{say_place(watch)}: [a test]({link}) arrived.{mention}"
    return discord.Embed(title="Test sent", description=line, colour=GREEN)
