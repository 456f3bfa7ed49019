"""Keeps the boards true: one message a channel that shows all accounts, edited only when something has changed."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.reminding.backing_off import count_refusal, is_left_alone
from bot.reminding.delivery import NONCE_WINDOW
from bot.reminding.roster import Roster, build_roster
from bot.reminding.sending import Outbox, Payload, Refused, Uncertain, footer_id
from bot.reminding.side_by_side import SideBySide
from bot.store.accounts import get_known
from bot.store.boards import Board, add_board, get_board, get_boards, mark_shown, pop_board, renew_board
from bot.store.targets import Target, drop_target, get_target, get_targets, put_target
from bot.store.watches import get_watches

_LOG = logging.getLogger(__name__)

_AT_ONCE = 16
# The database keeps milliseconds.
_PRECISION = timedelta(milliseconds=1)
# Makes the message of a roster with this footer id at this time, and what tells its content apart, its time aside.
RenderBoard = Callable[[Roster, str, datetime], tuple[Payload, str]]


class Boards:
    """Puts up, edits and takes down boards; each is stored, with its nonce, before it is posted."""

    def __init__(self, outbox: Outbox, *, render: RenderBoard) -> None:
        self._database, self._servers = outbox.database, outbox.servers
        self._sender, self._now = outbox.sender, outbox.now
        self._render = render
        self._boards = SideBySide("Keeping a board up to date", at_once=_AT_ONCE)
        # A pass and a command must not post or delete the same board at once; between processes the nonce sees to it.
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def update(self, since: datetime) -> None:
        """Bring all boards up to date; what was not read since then is shown as not confirmed."""
        async with self._database.begin() as tx:
            boards = await get_boards(tx, self._servers.listed)
            troubles = await get_targets(tx, self._servers.listed, of_boards=True)
            rosters = await _load_rosters(tx, {board.guild_id for board in boards}, since)
        readable = [board for board in boards if board.guild_id in rosters]
        kept = [board for board in readable if not is_left_alone(troubles.get(board.channel_id), self._now())]
        await self._boards.each(lambda board: self._update_one(board, rosters[board.guild_id]), kept)

    async def put_up(self, guild_id: int, channel_id: int, added_by: int, roster: Roster) -> None:
        """Post a board in a channel and keep it up to date from then on; one that is there already stays.

        Raises:
            Refused: the channel does not take it, and it is not kept. Uncertain: a later pass will post it.
        """
        board = Board(guild_id, channel_id, _new_nonce(self._now()), None, "", added_by)
        async with self._locks[channel_id]:
            async with self._database.begin() as tx:
                if not await add_board(tx, board):
                    return
            try:
                await self._keep(board, roster)
            except Refused:
                async with self._database.begin() as tx:
                    await pop_board(tx, guild_id, channel_id)
                raise

    async def take_down(self, guild_id: int, channel_id: int) -> bool:
        """Forget a channel's board, then delete its message; return whether there was a board.

        Raises:
            Refused, Uncertain: it is not kept up to date any more, but its message may still be there.
        """
        async with self._locks[channel_id]:
            # In this order: a process that posts it anew meanwhile finds no board and deletes what it posted.
            async with self._database.begin() as tx:
                board = await pop_board(tx, guild_id, channel_id)
            if board is None:
                return False
            message_id = board.message_id or await self._find(board)
            if message_id is not None:
                await self._delete(channel_id, message_id)
            return True

    async def _update_one(self, board: Board, roster: Roster) -> None:
        """Bring a board up to date, if it is still kept; what Discord does not take is tried after a later pass."""
        async with self._locks[board.channel_id]:
            async with self._database.begin() as tx:
                present = await get_board(tx, board.guild_id, board.channel_id)
                trouble = await get_target(tx, board.channel_id, of_board=True)
            if present is None:
                return
            try:
                await self._keep(present, roster)
            except Refused as refusal:
                await self._mark_refused(present, trouble, refusal)
            except Uncertain as doubt:
                _LOG.warning("The board in channel %s is not up to date (%s)", board.channel_id, doubt)
            else:
                if trouble is not None:
                    await self._mark_well(present)

    async def _mark_refused(self, board: Board, before: Target | None, refusal: Refused) -> None:
        """Leave a board alone for a while, or for ever if its channel was deleted."""
        now, place = self._now(), (board.guild_id, board.channel_id)
        async with self._database.begin() as tx:
            if refusal.is_channel_gone:
                await pop_board(tx, *place)
                _LOG.info("Channel %s is gone, and its board with it", board.channel_id)
                return
            target = replace(count_refusal(before, refusal, place, now), is_board=True)
            await put_target(tx, target)
        wait = target.next_try_at - now
        _LOG.warning("The board in channel %s is not up to date (%s); next try in %s", place[1], refusal, wait)

    async def _mark_well(self, board: Board) -> None:
        async with self._database.begin() as tx:
            await drop_target(tx, board.channel_id, of_board=True)

    async def _keep(self, board: Board, roster: Roster) -> None:
        payload, shown = self._render(roster, footer_id(board.nonce), self._now())
        if board.message_id is None:
            found = await self._find(board) if self._now() - _first_try(board.nonce) >= NONCE_WINDOW else None
            if found is None:
                await self._post(board, payload, shown)
                return
            board = replace(board, message_id=found)
        if board.shown != shown:
            await self._edit(board, roster, payload, shown)

    async def _post(self, board: Board, payload: Payload, shown: str) -> None:
        message_id = await self._sender.post(board.channel_id, payload, board.nonce)
        if message_id is None:
            await self._renew(board)
            return
        # A stop must not come between Discord's answer and this mark.
        if not await asyncio.shield(self._mark(board, message_id, shown)):
            await self._delete(board.channel_id, message_id)

    async def _edit(self, board: Board, roster: Roster, payload: Payload, shown: str) -> None:
        assert board.message_id is not None
        try:
            await self._sender.edit(board.channel_id, board.message_id, payload)
        except Refused as refusal:
            if not refusal.is_gone:
                raise
            if (anew := await self._renew(board)) is not None:
                await self._keep(anew, roster)
        else:
            await self._mark(board, board.message_id, shown)

    async def _mark(self, board: Board, message_id: int, shown: str) -> bool:
        async with self._database.begin() as tx:
            return await mark_shown(tx, board, message_id, shown)

    async def _renew(self, board: Board) -> Board | None:
        """Let a board that somebody deleted be posted anew; return it, None if it is not kept any more."""
        nonce = _new_nonce(self._now())
        async with self._database.begin() as tx:
            is_kept = await renew_board(tx, board, nonce)
        return replace(board, nonce=nonce, message_id=None, shown="") if is_kept else None

    async def _find(self, board: Board) -> int | None:
        return await self._sender.find(board.channel_id, footer_id(board.nonce), _first_try(board.nonce))

    async def _delete(self, channel_id: int, message_id: int) -> None:
        try:
            await self._sender.delete(channel_id, message_id)
        except Refused as refusal:
            if not refusal.is_gone:
                raise


async def _load_rosters(tx: AsyncConnection, guild_ids: Collection[int], since: datetime) -> dict[int, Roster]:
    """Return each server's roster as it was last read; none before the first read."""
    known = (await get_known(tx)).values()
    if not known:
        return {}
    # An account that the last list did not hold was read earlier than the others.
    read_at = max(one.read_at for one in known)
    accounts = [one.account for one in known if one.read_at == read_at]
    is_confirmed = read_at >= since - _PRECISION
    return {
        guild_id: build_roster(accounts, await get_watches(tx, guild_id), read_at, is_confirmed=is_confirmed)
        for guild_id in guild_ids
    }


def _new_nonce(now: datetime) -> str:
    """Return 24 random hex characters, but for eight in the middle: when it was made."""
    return f"{secrets.token_hex(4)}{int(now.timestamp()):08x}{secrets.token_hex(4)}"


def _first_try(nonce: str) -> datetime:
    return datetime.fromtimestamp(int(nonce[8:16], 16), UTC)
