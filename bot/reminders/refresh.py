"""Edits sent messages whose reason has changed, and boards whose accounts have, so that no stale alert stays."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.boards import Board
from bot.core.entries import Entry
from bot.core.messages import Message, MessageKind
from bot.core.overview import Overview
from bot.reminders.concurrency import for_each
from bot.reminders.context import Context, Refused, Uncertain
from bot.reminders.dispatcher import save_refusal
from bot.reminders.loading import load_each, load_overviews
from bot.store.boards import get_boards, set_absent_since, set_digest
from bot.store.channel_failures import delete_failure, get_failures
from bot.store.messages import (
    EDIT_AGAIN_AFTER,
    delete_board_message,
    finish_edit,
    get_board_message,
    get_carried_by_each,
    get_outdated,
)

_LOG = logging.getLogger(__name__)

# Older than a login's life, a reminder misleads nobody any more.
_WORTH_IT_FOR = timedelta(days=30)
_AT_ONCE = 16
# So few that what was loaded is not old when the last of them is edited.
_LOADED_AT_ONCE = 64


class Refresher:
    """Edits each outdated message; an edit that fails is left for a later poll, and never posted anew."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._database, self._now = context.database, context.now

    async def edit_outdated(self) -> None:
        """Edit every message with notifications whose edit is due."""
        async with self._database.begin() as tx:
            outdated = await get_outdated(tx, self._context.access.listed, self._now())
        for begin in range(0, len(outdated), _LOADED_AT_ONCE):
            await self._edit_reminders(outdated[begin : begin + _LOADED_AT_ONCE])

    async def edit_boards(self) -> None:
        """Edit each board that no longer shows how the accounts are."""
        now, listed = self._now(), self._context.access.listed
        async with self._database.begin() as tx:
            boards = [board for board in await get_boards(tx, listed) if board.discord_id is not None]
            overviews = await load_overviews(tx, {board.guild_id for board in boards}, now)
            failures = await get_failures(tx, listed, MessageKind.BOARD)
        waiting = {key for key, failure in failures.items() if failure.is_waiting(self._context.timing, now)}
        ready = [board for board in boards if board.guild_id in overviews and board.channel_id not in waiting]
        await for_each(
            ready,
            lambda board: self._edit_board(board, overviews[board.guild_id]),
            at_once=_AT_ONCE,
            what="Editing a board",
        )

    async def _edit_reminders(self, outdated: Sequence[Message]) -> None:
        async with self._database.begin() as tx:
            loaded = await load_each(tx, await get_carried_by_each(tx, outdated), self._now())
        await for_each(
            zip(outdated, loaded, strict=True),
            lambda one: self._edit_reminder(*one),
            at_once=_AT_ONCE,
            what="Editing a reminder",
        )

    async def _edit_reminder(self, message: Message, entries: Sequence[Entry]) -> None:
        assert message.discord_id is not None
        outgoing = self._context.rendering.render_again(entries, message.footer_id, self._now())
        is_worth_it = self._now() - message.first_attempt_at < _WORTH_IT_FOR
        edit_at: datetime | None = None
        try:
            await self._context.sender.edit(message.channel_id, message.discord_id, outgoing, guild_id=message.guild_id)
        except Refused as refusal:
            if not refusal.is_message_gone and is_worth_it:
                edit_at = self._now() + EDIT_AGAIN_AFTER
            _LOG.warning("A reminder in channel %s can't be edited (%s)", message.channel_id, refusal)
        except Uncertain as doubt:
            _LOG.warning("A reminder may not have been edited (%s); the next poll tries again", doubt)
            if is_worth_it:
                return
        async with self._database.begin() as tx:
            await finish_edit(tx, message, edit_at)

    async def _edit_board(self, board: Board, overview: Overview) -> None:
        """Edit a board whose content has changed; one that somebody deleted is posted anew."""
        # Any footer does: the digest leaves it out.
        _, digest = self._context.rendering.render_board(overview, "", self._now())
        if digest == board.digest:
            return
        async with self._database.begin() as tx:
            message = await get_board_message(tx, board.guild_id, board.channel_id)
        if message is None or message.discord_id is None:
            return
        outgoing, digest = self._context.rendering.render_board(overview, message.footer_id, self._now())
        try:
            await self._context.sender.edit(message.channel_id, message.discord_id, outgoing, guild_id=message.guild_id)
        except Refused as refusal:
            await self._settle_refused_edit(message, refusal)
        except Uncertain as doubt:
            _LOG.warning("The board in channel %s may be out of date (%s)", message.channel_id, doubt)
        else:
            async with self._database.begin() as tx:
                await set_digest(tx, message.id, digest)
                await set_absent_since(tx, board, None)
                await delete_failure(tx, message.channel_id, message.kind)

    async def _settle_refused_edit(self, message: Message, refusal: Refused) -> None:
        """Let a board be posted anew if somebody deleted it: if the history lacks its message too."""
        is_gone = False
        if refusal.is_message_gone:
            try:
                found = await self._context.sender.find(message)
            except Uncertain as doubt:
                _LOG.warning("Whether the board in channel %s is there can't be seen (%s)", message.channel_id, doubt)
                return
            except Refused as unreadable:
                refusal = unreadable
            else:
                is_gone = found is None
        async with self._database.begin() as tx:
            if is_gone:
                await delete_board_message(tx, message)
            else:
                await save_refusal(tx, self._context, message, refusal)
