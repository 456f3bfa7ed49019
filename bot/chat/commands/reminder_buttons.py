"""The buttons under a reminder: *Check now* and *I'm on it*. Everybody who sees the message may press them."""

from collections.abc import Sequence

from bot.chat.gateway.responder import Interaction
from bot.chat.gateway.router import component
from bot.chat.views.components import Reply
from bot.chat.views.reminder import render_again
from bot.core.assignments import Assignment
from bot.core.entries import Entry
from bot.core.messages import Message, MessageKind
from bot.errors import CannotRemind, NothingLeft
from bot.reminders.context import Context
from bot.reminders.loading import load_entries
from bot.store.assignments import delete_assignment, put_assignment
from bot.store.messages import get_carried, get_message, schedule_edit


class ReminderButtons:
    """Handles the buttons under reminders."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @component("recheck", in_place=True, is_bare=True)
    async def check_now(self, interaction: Interaction, _rest: str) -> Reply:
        """Read all accounts with one call, without the cache, and show those of the reminder."""
        message = await self._find(interaction)
        read = await self._context.access.directory_for(message.guild_id).read_all(fresh=True)
        async with self._context.database.begin() as tx:
            entries = await load_entries(tx, await get_carried(tx, message), self._context.now(), read)
        return self._reply(message, entries, is_checked=True)

    @component("take", in_place=True, is_bare=True)
    async def take(self, interaction: Interaction, _rest: str) -> Reply:
        """Assign the user to the reminder's open accounts; if all were the user's already, end the assignment."""
        message = await self._find(interaction)
        now = self._context.now()
        async with self._context.database.begin() as tx:
            entries = await load_entries(tx, await get_carried(tx, message), now)
            open_entries = [entry for entry in entries if entry.needs_action and entry.snapshot is not None]
            if not open_entries:
                raise NothingLeft("nothing is open")
            assignment = Assignment(interaction.user.id, now)
            is_handed_back = all(
                entry.assignment is not None and entry.assignment.user_id == assignment.user_id
                for entry in open_entries
            )
            for entry in open_entries:
                if is_handed_back:
                    await delete_assignment(tx, message.channel_id, entry.subject)
                else:
                    await put_assignment(tx, message.guild_id, message.channel_id, entry.subject, assignment)
            # If Discord loses the answer, the next poll shows it.
            await schedule_edit(tx, message, now)
            entries = await load_entries(tx, await get_carried(tx, message), now)
        return self._reply(message, entries)

    async def _find(self, interaction: Interaction) -> Message:
        guild_id = self._context.access.guild_of(interaction.guild_id)
        assert interaction.message is not None
        async with self._context.database.begin() as tx:
            message = await get_message(tx, guild_id, interaction.message.id)
        if message is None or message.kind is not MessageKind.NOTIFICATIONS:
            raise CannotRemind("The bot's database does not know this message.", "Use `/minimax-account` instead.")
        return message

    def _reply(self, message: Message, entries: Sequence[Entry], *, is_checked: bool = False) -> Reply:
        return Reply.of(render_again(entries, message.footer_id, self._context.now(), is_checked=is_checked))
