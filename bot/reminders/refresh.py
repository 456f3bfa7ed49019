"""Edits sent messages whose reason has changed, and boards whose accounts have, so that no stale alert stays."""

import logging
from datetime import datetime, timedelta

from bot.core.messages import Message, MessageKind, footer_id_of
from bot.core.overview import Overview
from bot.reminders.concurrency import for_each
from bot.reminders.context import Context, Refused, Uncertain
from bot.reminders.dispatcher import Dispatcher
from bot.reminders.loading import load_entries, load_overviews
from bot.store.boards import get_boards, set_digest
from bot.store.channel_failures import delete_failure, get_failures
from bot.store.messages import dissolve, finish_edit, get_carried, get_outdated, schedule_edit

_LOG = logging.getLogger(__name__)

_AGAIN_AFTER = timedelta(hours=1)
# Older than a login's life, a reminder misleads nobody any more.
_WORTH_IT_FOR = timedelta(days=30)
_AT_ONCE = 16


class Refresher:
    """Edits each outdated message; an edit that fails is left for a later poll, and never posted anew."""

    def __init__(self, context: Context, dispatcher: Dispatcher) -> None:
        self._context, self._dispatcher = context, dispatcher
        self._database, self._now = context.database, context.now

    async def schedule_boards(self) -> None:
        """Schedule the edit of each board that no longer shows how the accounts are."""
        now, listed = self._now(), self._context.access.listed
        async with self._database.begin() as tx:
            boards = [board for board in await get_boards(tx, listed) if board.discord_id is not None]
            overviews = await load_overviews(tx, {board.guild_id for board in boards})
            failures = await get_failures(tx, listed, MessageKind.BOARD)
            for board in boards:
                failure = failures.get(board.channel_id)
                if board.guild_id not in overviews or (failure and failure.is_waiting(self._context.timing, now)):
                    continue
                # Any footer does: the digest leaves it out.
                _, digest = self._context.rendering.render_board(overviews[board.guild_id], "", now)
                if board.message_id is not None and digest != board.digest:
                    await schedule_edit(tx, board.message_id, now)

    async def edit_outdated(self) -> None:
        """Edit every message whose edit is due."""
        async with self._database.begin() as tx:
            outdated = await get_outdated(tx, self._now())
            served = [message for message in outdated if message.guild_id in self._context.access.listed]
            overviews = await load_overviews(tx, {one.guild_id for one in served if one.kind is MessageKind.BOARD})
        reminders = [message for message in served if message.kind is MessageKind.NOTIFICATIONS]
        boards = [message for message in served if message.kind is MessageKind.BOARD and message.guild_id in overviews]
        await for_each(reminders, self._edit_reminder, at_once=_AT_ONCE, what="Editing a reminder")
        await for_each(
            boards,
            lambda message: self._edit_board(message, overviews[message.guild_id]),
            at_once=_AT_ONCE,
            what="Editing a board",
        )

    async def _edit_reminder(self, message: Message) -> None:
        assert message.discord_id is not None
        async with self._database.begin() as tx:
            entries = await load_entries(tx, await get_carried(tx, message))
        outgoing = self._context.rendering.render_again(entries, message.footer_id, self._now())
        is_worth_it = self._now() - message.first_attempt_at < _WORTH_IT_FOR
        edit_at: datetime | None = None
        try:
            await self._context.sender.edit(message.channel_id, message.discord_id, outgoing)
        except Refused as refusal:
            if not refusal.is_message_gone and is_worth_it:
                edit_at = self._now() + _AGAIN_AFTER
            _LOG.warning("A reminder in channel %s can't be edited (%s)", message.channel_id, refusal)
        except Uncertain as doubt:
            _LOG.warning("A reminder may not have been edited (%s); the next poll tries again", doubt)
            if is_worth_it:
                return
        async with self._database.begin() as tx:
            await finish_edit(tx, message, edit_at)

    async def _edit_board(self, message: Message, overview: Overview) -> None:
        """Edit a board; one that somebody deleted is dissolved, so that it is posted anew."""
        assert message.discord_id is not None
        outgoing, digest = self._context.rendering.render_board(overview, footer_id_of(message.nonce), self._now())
        try:
            await self._context.sender.edit(message.channel_id, message.discord_id, outgoing)
        except Refused as refusal:
            if refusal.is_message_gone:
                async with self._database.begin() as tx:
                    await dissolve(tx, message)
                return
            if (edit_at := await self._dispatcher.count_refusal(message, refusal)) is not None:
                async with self._database.begin() as tx:
                    await finish_edit(tx, message, edit_at)
        except Uncertain as doubt:
            _LOG.warning("The board in channel %s may be out of date (%s)", message.channel_id, doubt)
        else:
            async with self._database.begin() as tx:
                await finish_edit(tx, message)
                await set_digest(tx, message.id, digest)
                await delete_failure(tx, message.channel_id, message.kind)
