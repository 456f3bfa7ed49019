"""Sends planned notifications and boards exactly once; the numbered rules are in `docs/architecture.md`, "Dispatch"."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.boards import Board
from bot.core.channel_failures import ChannelFailure, count_refusal
from bot.core.messages import Message, MessageKind, OutgoingMessage, footer_id_of, new_nonce
from bot.core.notifications import Kind
from bot.core.overview import Overview
from bot.core.wording import say_reason_plainly
from bot.reminders.concurrency import for_each
from bot.reminders.context import Context, Refused, Uncertain
from bot.reminders.loading import load_entries, load_overviews
from bot.reminders.planning import judge_pending
from bot.store.boards import get_boards
from bot.store.channel_failures import get_failure, get_failures, put_failure
from bot.store.leases import ensure_holds_lease
from bot.store.messages import (
    delete_board_message,
    dissolve,
    get_unsettled,
    is_wanted,
    mark_sent,
    put_payload,
    start_sending,
    start_sending_board,
)
from bot.store.notifications import get_pending_channels

_LOG = logging.getLogger(__name__)

# The clocks of two machines differ by this much, or one clock before and after a small correction.
_CLOCKS_APART = timedelta(seconds=5)
# So many that a slow channel does not hold up the others; so few that none waits long at the rate limiter.
_AT_ONCE = 64
# Until then a reminder that may have arrived is searched for in a channel that the bot can't see; then it is sent late.
_SEARCHED_FOR = timedelta(days=1)


class _Flight:
    """The attempts to post one message: `message` is what was attempted last, and what is searched for."""

    def __init__(self, context: Context, message: Message) -> None:
        self._context = context
        self.message = message

    async def post(self) -> int | None:
        """Post the message as it is now, or with less in it if its content is refused.

        The nonce stays: a certain refusal has posted nothing, and if an earlier attempt may have arrived, only the same
        nonce keeps a second message away.
        """
        message = self.message
        assert message.outgoing is not None
        return await self._context.sender.post(
            message.channel_id, message.outgoing, message.nonce, guild_id=message.guild_id, save=self._save
        )

    async def _save(self, plainer: OutgoingMessage) -> None:
        """Save what is posted next, so that after a crash that version is repeated or searched for.

        Raises:
            Uncertain: the message is not in flight any more, or not wanted; nothing more is to be posted.
        """
        async with self._context.database.begin() as tx:
            if not await put_payload(tx, self.message, plainer):
                raise Uncertain("somebody else has settled it")
        self.message = replace(self.message, payload=plainer.to_json())


class Dispatcher:
    """Sends one message a channel at a time, all channels side by side.

    A crash at any point neither loses nor doubles a message: it is saved, with its nonce, before it is posted.
    """

    def __init__(self, context: Context, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._context = context
        self._database, self._now = context.database, context.now
        self._sleep = sleep
        # The nonces of messages that commands are posting; the others in flight are a poll's.
        self._attempting: set[str] = set()

    async def settle(self, kind: MessageKind) -> None:
        """Find out what became of messages that an earlier run, or an outage, left in flight."""
        listed = self._context.access.listed
        async with self._database.begin() as tx:
            failures = await get_failures(tx, listed, kind)
            if kind is MessageKind.NOTIFICATIONS:
                # A passing failure must not take the time in which the nonce is known.
                failures = {key: failure for key, failure in failures.items() if failure.is_lasting}
            # Within the transaction: a command that posts one of them can't mark it meanwhile.
            unsettled = [
                message
                for message in await get_unsettled(tx, listed, kind)
                if message.nonce not in self._attempting and not self._is_waiting(failures.get(message.channel_id))
            ]
        await for_each(
            unsettled, lambda message: self._carry_through(message, is_doubtful=True), at_once=_AT_ONCE, what="Settling"
        )

    async def send_pending(self, epoch: int, until: datetime | None = None) -> bool:
        """Send pending notifications, but nothing after `until`; return whether that cut it short."""
        listed = self._context.access.listed
        async with self._database.begin() as tx:
            channels = await get_pending_channels(tx, listed)
            failures = await get_failures(tx, listed, MessageKind.NOTIFICATIONS)
        ready = [channel_id for channel_id in channels if not self._is_waiting(failures.get(channel_id))]
        await for_each(
            ready, lambda channel_id: self._send_to(channel_id, epoch, until), at_once=_AT_ONCE, what="A dispatch"
        )
        return until is not None and self._now() > until

    async def post_missing_boards(self) -> None:
        """Post the boards that have no message."""
        listed = self._context.access.listed
        async with self._database.begin() as tx:
            boards = [board for board in await get_boards(tx, listed) if board.message_id is None]
            failures = await get_failures(tx, listed, MessageKind.BOARD)
            overviews = await load_overviews(tx, {board.guild_id for board in boards}, self._now())
        ready = [
            board
            for board in boards
            if board.guild_id in overviews and not self._is_waiting(failures.get(board.channel_id))
        ]
        await for_each(
            ready,
            lambda board: self._post_board(board, overviews[board.guild_id]),
            at_once=_AT_ONCE,
            what="Posting a board",
        )

    async def next_attempt_at(self) -> datetime | None:
        """Return when the first channel with pending notifications may be tried again, None if nothing is pending."""
        listed = self._context.access.listed
        async with self._database.begin() as tx:
            channels = await get_pending_channels(tx, listed)
            failures = await get_failures(tx, listed, MessageKind.NOTIFICATIONS)
        return min(
            (failures[key].next_attempt_at if key in failures else self._now() for key in channels), default=None
        )

    async def post_board(self, board: Board, overview: Overview) -> None:
        """Post a new board once; a board that has a message by now, or is gone, is left alone.

        Raises:
            Refused: it was not sent. Uncertain: a later poll settles it.
        """
        nonce = new_nonce()
        self._attempting.add(nonce)
        try:
            message = await self._start_board(board, overview, nonce)
            if message is not None:
                await self._attempt(message)
        finally:
            self._attempting.discard(nonce)

    async def _start_board(self, board: Board, overview: Overview, nonce: str) -> Message | None:
        """Save the message of a board that is about to be posted; None if the board has one by now, or is gone."""
        now = self._now()
        outgoing, digest = self._context.rendering.render_board(overview, footer_id_of(nonce), now)
        async with self._database.begin() as tx:
            return await start_sending_board(tx, board, outgoing, digest=digest, nonce=nonce, now=now)

    async def _attempt(self, message: Message) -> None:
        flight = _Flight(self._context, message)
        try:
            discord_id = await flight.post()
        except Refused:
            async with self._database.begin() as tx:
                if not await dissolve(tx, message):
                    # Another process has settled it.
                    return
            raise
        await self._mark_sent(message, discord_id)

    async def _carry_through(self, message: Message, *, is_doubtful: bool = False) -> bool:
        """Post a message until its fate is known, a board once a poll; return whether it arrived.

        It is doubtful once an earlier attempt may have arrived: a refusal is only about the attempt that was refused.
        """
        timing, flight = self._context.timing, _Flight(self._context, message)
        if message.outgoing is None:
            return await self._search(message)
        # Boards wait for the next poll: they must not hold up the reminders.
        for wait in (0.0, *(timing.post_retries if message.kind is MessageKind.NOTIFICATIONS else ())):
            since = self._now() + timedelta(seconds=wait) - message.first_attempt_at
            # A clock that was set back says nothing about how long ago that was.
            if not -_CLOCKS_APART <= since < timing.nonce_window:
                break
            if wait:
                self._context.telemetry.retried("post")
                await self._sleep(wait)
            try:
                discord_id = await flight.post()
            except Refused as refusal:
                if not is_doubtful:
                    await self._give_back(message, refusal)
                    return False
                if refusal.is_lasting:
                    return await self._search(flight.message, refusal)
            except Uncertain as doubt:
                is_doubtful = True
                _LOG.warning("A message may not have arrived (%s); trying again with the same nonce", doubt)
            else:
                await self._mark_sent(message, discord_id, is_doubtful=is_doubtful)
                return True
        else:
            if message.kind is MessageKind.BOARD:
                return False
        return await self._search(flight.message)

    def _is_waiting(self, failure: ChannelFailure | None) -> bool:
        return failure is not None and failure.is_waiting(self._context.timing, self._now())

    async def _send_to(self, channel_id: int, epoch: int, until: datetime | None) -> None:
        while until is None or self._now() <= until:
            message = await self._start_next(channel_id, epoch)
            if message is None or not await self._carry_through(message):
                return

    async def _start_next(self, channel_id: int, epoch: int) -> Message | None:
        async with self._database.begin() as tx:
            await ensure_holds_lease(tx, epoch)
            now = self._now()
            due = await judge_pending(tx, channel_id, now)
            if not due:
                return None
            # New accounts have a message of their own, after the reminders.
            reminders = [one for one in due if one.kind is not Kind.NEW_ACCOUNT]
            entries = await load_entries(tx, reminders or due, now)
            nonce = new_nonce()
            outgoing = self._context.rendering.render(entries, footer_id_of(nonce), now)
            carried = [entry.notification for entry in entries]
            return await start_sending(tx, carried, outgoing, nonce=nonce, now=now)

    async def _post_board(self, board: Board, overview: Overview) -> None:
        message = await self._start_board(board, overview, new_nonce())
        if message is not None:
            await self._carry_through(message)

    async def _search(self, message: Message, refusal: Refused | None = None) -> bool:
        """Search the channel for a message once its nonce may be forgotten, or the channel refuses a repetition."""
        try:
            found = await self._context.sender.find(message)
        except Uncertain as doubt:
            _LOG.warning("Whether a message arrived can't be seen now (%s); the next poll searches again", doubt)
            return False
        except Refused as unreadable:
            is_old = self._now() - message.first_attempt_at >= _SEARCHED_FOR
            if message.kind is MessageKind.BOARD or not is_old:
                # A channel whose history is refused takes no posts either. A second board would stay, a late one harms
                # nobody; a reminder must not be lost.
                async with self._database.begin() as tx:
                    await save_refusal(tx, self._context, message, unreadable)
                return False
            found = None
        if found is not None:
            await self._mark_sent(message, found, is_doubtful=True)
            return True
        if refusal is not None:
            await self._give_back(message, refusal)
            return False
        async with self._database.begin() as tx:
            await dissolve(tx, message, is_late=True)
        return False

    async def _mark_sent(self, message: Message, discord_id: int | None, *, is_doubtful: bool = False) -> None:
        now = self._now()

        async def mark() -> tuple[list[datetime], bool]:
            async with self._database.begin() as tx:
                if message.kind is MessageKind.BOARD and discord_id is None:
                    # It was deleted at once; the next poll posts it anew.
                    await dissolve(tx, message)
                    return [], True
                due = await mark_sent(tx, message, discord_id, now, is_doubtful=is_doubtful)
                return due, await is_wanted(tx, message)

        # A stop must not come between Discord's answer and this mark.
        marking = asyncio.ensure_future(mark())
        # Its failure matters to nobody then: the message stays in flight, and the next poll settles it.
        marking.add_done_callback(lambda done: done.cancelled() or done.exception())
        due, wanted = await asyncio.shield(marking)
        for due_at in due:
            self._context.telemetry.sent(now - due_at)
        if wanted:
            _LOG.info("Sent a message to channel %s", message.channel_id)
        else:
            await self._withdraw(message, discord_id)

    async def _withdraw(self, message: Message, discord_id: int | None) -> None:
        """Delete the message of a board that was removed while the message was in flight."""
        try:
            if discord_id is not None:
                await self._context.sender.delete(message.channel_id, discord_id)
        except (Refused, Uncertain) as error:
            _LOG.warning("A board that was removed may still be in channel %s (%s)", message.channel_id, error)
        async with self._database.begin() as tx:
            await delete_board_message(tx, message)

    async def _give_back(self, message: Message, refusal: Refused) -> None:
        async with self._database.begin() as tx:
            await dissolve(tx, message)
            await save_refusal(tx, self._context, message, refusal)


async def save_refusal(tx: AsyncConnection, context: Context, message: Message, refusal: Refused) -> None:
    """Save that a channel has refused a message, or an edit of its board; neither is forgotten."""
    now, place = context.now(), (message.guild_id, message.channel_id, message.kind)
    before = await get_failure(tx, message.channel_id, message.kind)
    failure = count_refusal(
        before,
        place,
        str(refusal),
        is_lasting=refusal.is_lasting,
        timing=context.timing,
        now=now,
        ends_at=refusal.ends_at,
    )
    await put_failure(tx, failure)
    wait = failure.next_attempt_at - now
    reason = say_reason_plainly(str(refusal))
    _LOG.warning("Channel %s refuses messages (%s); next attempt in %s", message.channel_id, reason, wait)
