"""The buttons under a reminder: *Check now* and *I'm on it*. Everybody who sees the message may press them."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.chat.gateway.responder import Interaction
from bot.chat.gateway.router import component, rest_of
from bot.chat.views.assignment import ALL, assigned_reply, which_reply
from bot.chat.views.components import Reply
from bot.core.entries import Entry
from bot.core.links import RenewalLinks
from bot.core.messages import Message, MessageKind
from bot.errors import NothingLeft, StaleButton, UnknownMessage
from bot.reminders.assignments import assign, load_open_entries
from bot.reminders.context import Context, Refused, Uncertain
from bot.reminders.loading import load_entries
from bot.store.messages import finish_edit, get_carried, get_message

_LOG = logging.getLogger(__name__)

_MAX_DIGITS = 20
# What the database takes.
_LARGEST_ID = 2**63 - 1


class ReminderButtons:
    """Handles the buttons under reminders."""

    def __init__(self, context: Context, renewal: RenewalLinks) -> None:
        self._context = context
        self._renewal = renewal

    @component("recheck", in_place=True, is_bare=True)
    async def check_now(self, interaction: Interaction, _rest: str) -> Reply:
        """Read all accounts with one call, without the cache, and show those of the reminder."""
        message = await self._find_pressed(interaction)
        read = await self._context.access.directory_for(message.guild_id).read_all(fresh=True)
        now = self._context.now()
        async with self._context.database.begin() as tx:
            entries = await load_entries(tx, await get_carried(tx, message), now, read)
        return Reply.of(self._context.rendering.render_again(entries, message.footer_id, now, is_checked=True))

    @component("take", in_place=True, is_bare=True)
    async def take(self, interaction: Interaction, _rest: str) -> Reply:
        """Assign the user to the reminder's open account, or hand it back; ask which, if there are several."""
        message, now = await self._find_pressed(interaction), self._context.now()
        assert message.discord_id is not None
        async with self._context.database.begin() as tx:
            found = await load_open_entries(tx, message, now)
            if not found:
                raise NothingLeft("nothing is open")
            if len(found) > 1:
                aside = which_reply(found, message.discord_id, interaction.user.id)
            else:
                is_handed_back = await assign(tx, message, found, interaction.user.id, now)
                aside = assigned_reply(found, interaction.user.id, self._renewal, now, is_handed_back=is_handed_back)
            entries = await load_entries(tx, await get_carried(tx, message), now)
        self._context.renewal_begun.set()
        reply = Reply.of(self._context.rendering.render_again(entries, message.footer_id, now))
        return replace(reply, aside=aside, change=aside.change)

    @component("assign", in_place=True)
    async def choose(self, interaction: Interaction, chosen: str) -> Reply:
        """Assign the user to the accounts that were chosen in the private menu, and edit the reminder."""
        message_id, now = rest_of(interaction), self._context.now()
        is_id = message_id.isascii() and message_id.isdigit() and len(message_id) <= _MAX_DIGITS
        if not (chosen and is_id and int(message_id) <= _LARGEST_ID):
            raise StaleButton("nothing was chosen")
        message = await self._find(interaction, int(message_id))
        values = chosen.split(",")
        async with self._context.database.begin() as tx:
            found = [
                entry
                for entry in await load_open_entries(tx, message, now)
                if ALL in values or str(entry.notification.id) in values
            ]
            if not found:
                raise NothingLeft("nothing of it is open")
            is_handed_back = await assign(tx, message, found, interaction.user.id, now)
            entries = await load_entries(tx, await get_carried(tx, message), now)
        self._context.renewal_begun.set()
        await self._edit(replace(message, edit_at=now), entries)
        user_id = interaction.user.id
        return assigned_reply(found, user_id, self._renewal, now, is_handed_back=is_handed_back, is_named=True)

    async def _edit(self, message: Message, entries: Sequence[Entry]) -> None:
        assert message.discord_id is not None
        outgoing = self._context.rendering.render_again(entries, message.footer_id, self._context.now())
        try:
            await self._context.sender.edit(message.channel_id, message.discord_id, outgoing, guild_id=message.guild_id)
        except (Refused, Uncertain) as error:
            _LOG.warning("A reminder may not show who is assigned (%s); the next poll edits it", error)
            return
        async with self._context.database.begin() as tx:
            await finish_edit(tx, message)

    async def _find_pressed(self, interaction: Interaction) -> Message:
        assert interaction.message is not None
        return await self._find(interaction, interaction.message.id)

    async def _find(self, interaction: Interaction, discord_id: int) -> Message:
        guild_id = self._context.access.guild_of(interaction.guild_id)
        async with self._context.database.begin() as tx:
            message = await get_message(tx, guild_id, discord_id)
        if message is None or message.kind is not MessageKind.NOTIFICATIONS:
            raise UnknownMessage("not in the database")
        return message
