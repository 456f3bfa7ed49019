"""Checks channels once a day, and informs people about channels that refuse messages."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.boards import Board
from bot.core.channel_failures import ChannelFailure
from bot.core.messages import MessageKind, OutgoingMessage, new_nonce
from bot.core.subscriptions import Ping
from bot.core.wording import say_blocked, say_blocked_count, say_outdated, say_outdated_count
from bot.reminders.context import Context, Refused, Uncertain
from bot.store.boards import delete_board, get_boards, set_absent_since
from bot.store.channel_failures import (
    delete_failure,
    delete_orphaned_failures,
    get_failures,
    mark_reported,
    put_failure,
)
from bot.store.leases import get_channels_checked_at, mark_channels_checked
from bot.store.notifications import get_pending
from bot.store.subscriptions import get_active_subscriptions

_LOG = logging.getLogger(__name__)

_CHECK_EVERY = timedelta(days=1)
_FORGET_AFTER = timedelta(days=1)
_MAX_INFORMED = 5
_WORDS = {MessageKind.NOTIFICATIONS: say_blocked, MessageKind.BOARD: say_outdated}
_COUNTS = {MessageKind.NOTIFICATIONS: say_blocked_count, MessageKind.BOARD: say_outdated_count}


class ChannelChecks:
    """Looks after the channels of all subscriptions and boards.

    No refusal removes anything; a board goes once its server has been without its channel for a day.
    """

    def __init__(self, context: Context) -> None:
        self._database, self._access = context.database, context.access
        self._sender, self._now = context.sender, context.now

    async def check_daily(self) -> None:
        """Once a day, check whether each channel would accept a reminder, without sending one."""
        now = self._now()
        async with self._database.begin() as tx:
            checked_at = await get_channels_checked_at(tx)
            if checked_at is not None and now - checked_at < _CHECK_EVERY:
                return
            subscriptions = await get_active_subscriptions(tx, self._access.listed)
            boards = await get_boards(tx, self._access.listed)
            await mark_channels_checked(tx, now)
        # A new subscription has just been checked, so that the first check can wait for a day.
        if checked_at is None:
            return
        pings: dict[int, dict[int, set[Ping]]] = {}
        for one in subscriptions:
            wanted = pings.setdefault(one.guild_id, {}).setdefault(one.channel_id, set())
            wanted |= {one.ping} if one.ping else set()
        for guild_id, by_channel in sorted(pings.items()):
            await self._check_guild(guild_id, by_channel)
        for guild_id in sorted({board.guild_id for board in boards}):
            await self._check_boards([board for board in boards if board.guild_id == guild_id], now)

    async def _check_boards(self, boards: Sequence[Board], now: datetime) -> None:
        """Forget the boards of one server whose channels two checks have missed, a day apart."""
        guild_id = boards[0].guild_id
        try:
            absent = await self._sender.find_absent(guild_id, [board.channel_id for board in boards])
        except (Refused, Uncertain) as error:
            _LOG.warning("The boards of server %s can't be checked today (%s)", guild_id, error)
            return
        async with self._database.begin() as tx:
            for board in boards:
                await _save_presence(tx, board, now, is_absent=board.channel_id in absent)

    async def _check_guild(self, guild_id: int, pings: Mapping[int, Collection[Ping]]) -> None:
        try:
            findings = await self._sender.check_channels(guild_id, pings)
        except (Refused, Uncertain) as error:
            _LOG.warning("The channels of server %s can't be checked today (%s)", guild_id, error)
            return
        if len(findings) < len(pings):
            _LOG.warning("In server %s only %s of %s channels were checked", guild_id, len(findings), len(pings))
        async with self._database.begin() as tx:
            present = await get_failures(tx, [guild_id], MessageKind.NOTIFICATIONS)
            for channel_id, reason in findings.items():
                await _save_finding(tx, (guild_id, channel_id), present.get(channel_id), reason, self._now())

    async def report(self) -> None:
        """Inform people, once, about each channel that is blocked."""
        listed = self._access.listed
        async with self._database.begin() as tx:
            await delete_orphaned_failures(tx)
            failures = {kind: await get_failures(tx, listed, kind) for kind in MessageKind}
        failing = {channel_id for present in failures.values() for channel_id in present}
        for kind, present in failures.items():
            unreported = {key: one for key, one in present.items() if self._is_unreported(one)}
            for guild_id in sorted({one.guild_id for one in unreported.values()}):
                await self._report(guild_id, kind, unreported, failing)

    def _is_unreported(self, failure: ChannelFailure) -> bool:
        return not failure.is_reported and failure.is_blocked(self._now())

    async def _report(
        self, guild_id: int, kind: MessageKind, unreported: Mapping[int, ChannelFailure], failing: Collection[int]
    ) -> None:
        """Inform the people who added the reminders or boards of blocked channels; else a channel that works."""
        async with self._database.begin() as tx:
            subscriptions = await get_active_subscriptions(tx, [guild_id])
            wanted = subscriptions if kind is MessageKind.NOTIFICATIONS else await get_boards(tx, [guild_id])
        blocked = [one for one in wanted if one.channel_id in unreported]
        if not blocked:
            return
        working = next((one.channel_id for one in subscriptions if one.channel_id not in failing), None)
        # Discord shows a channel's name only to those who may see the channel.
        places = {one.channel_id: (f"<#{one.channel_id}>", unreported[one.channel_id].reason) for one in blocked}
        text = _WORDS[kind](list(places.values()))
        try:
            is_informed = await self._send_to_any((one.added_by for one in blocked), text)
            # Everybody in that channel reads it.
            count = _COUNTS[kind](len(places))
            if not is_informed and not (working is not None and await self._post(guild_id, working, count)):
                _LOG.warning("Nobody could be informed that channels refuse messages: %s", sorted(places))
        except Uncertain as doubt:
            _LOG.warning("Perhaps nobody was informed about refusing channels (%s); trying again later", doubt)
            return
        async with self._database.begin() as tx:
            await mark_reported(tx, places, kind)

    async def _send_to_any(self, user_ids: Iterable[int], text: str) -> bool:
        """Send a direct message to some people, once each; return whether anybody got it."""
        is_informed, doubt = False, None
        for user_id in list(dict.fromkeys(user_ids))[:_MAX_INFORMED]:
            try:
                await self._sender.send_direct(user_id, text)
                is_informed = True
            except Refused as refusal:
                if not refusal.is_lasting:
                    doubt = Uncertain(str(refusal))
                    continue
                _LOG.info("User %s accepts no direct messages (%s)", user_id, refusal)
            except Uncertain as uncertain:
                doubt = uncertain
        if doubt is not None and not is_informed:
            raise doubt
        return is_informed

    async def _post(self, guild_id: int, channel_id: int, text: str) -> bool:
        try:
            await self._sender.post(channel_id, OutgoingMessage(text), new_nonce(), guild_id=guild_id)
        except Refused as refusal:
            if not refusal.is_lasting:
                raise Uncertain(str(refusal)) from None
            _LOG.info("Channel %s refuses the report about the others too (%s)", channel_id, refusal)
            return False
        return True


async def _save_presence(tx: AsyncConnection, board: Board, now: datetime, *, is_absent: bool) -> None:
    """Save whether a board's channel is there; forget the board if it has been missed for a day."""
    place = f"channel {board.channel_id} of server {board.guild_id}"
    if not is_absent:
        if board.absent_since is not None:
            await set_absent_since(tx, board, None)
    elif board.absent_since is None:
        await set_absent_since(tx, board, now)
        _LOG.warning("There is no %s; its board is forgotten if it is still missing in a day", place)
    elif now - board.absent_since >= _FORGET_AFTER:
        await delete_board(tx, board.guild_id, board.channel_id)
        _LOG.warning("The board that user %s added is forgotten: no %s for a day", board.added_by, place)


async def _save_finding(
    tx: AsyncConnection, place: tuple[int, int], present: ChannelFailure | None, reason: str | None, now: datetime
) -> None:
    """Save what a check found; a refusal proves more, as long as a notification is pending."""
    guild_id, channel_id = place
    kind = MessageKind.NOTIFICATIONS
    if present is not None and present.failures and await get_pending(tx, channel_id):
        return
    if reason is None:
        await delete_failure(tx, channel_id, kind)
    elif present is None or present.reason != reason:
        await put_failure(tx, ChannelFailure(guild_id, channel_id, kind, 0, now, now, reason, is_lasting=True))
