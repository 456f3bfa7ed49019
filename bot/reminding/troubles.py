"""Tells people of channels that refuse reminders or a board, and of those that an audit finds would."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.wording import say_blocked, say_outdated
from bot.reminding.sending import Outbox, Refused, Uncertain, new_nonce
from bot.store.boards import get_boards
from bot.store.deliveries import get_pending
from bot.store.leader import get_audited_at, mark_audited
from bot.store.targets import Target, drop_needless_targets, drop_target, get_targets, mark_told, put_target
from bot.store.watches import Watch, get_active_watches

_LOG = logging.getLogger(__name__)

_AUDIT_EVERY = timedelta(days=1)
_MOST_TOLD = 5


class Troubles:
    """Looks after the channels of all watches; nothing is ever removed for a channel's trouble."""

    def __init__(self, outbox: Outbox) -> None:
        self._database, self._servers = outbox.database, outbox.servers
        self._sender, self._now = outbox.sender, outbox.now

    async def audit(self) -> None:
        """Once a day, see whether each channel would take a reminder, without sending one."""
        now = self._now()
        async with self._database.begin() as tx:
            audited_at = await get_audited_at(tx)
            if audited_at is not None and now - audited_at < _AUDIT_EVERY:
                return
            await mark_audited(tx, now)
            watches = await get_active_watches(tx, self._servers.listed)
        # A new watch has just been checked, so that the first audit can wait for a day.
        if audited_at is None:
            return
        for guild_id, group in _by_server(watches):
            await self._audit_server(guild_id, group)

    async def _audit_server(self, guild_id: int, watches: Sequence[Watch]) -> None:
        roles: dict[int, set[int]] = {watch.channel_id: set() for watch in watches}
        for watch in watches:
            roles[watch.channel_id] |= {watch.role_id} if watch.role_id else set()
        try:
            findings = await self._sender.audit(guild_id, roles)
        except (Refused, Uncertain) as trouble:
            _LOG.warning("The channels of server %s can't be audited today (%s)", guild_id, trouble)
            return
        if len(findings) < len(roles):
            _LOG.warning("Of server %s only %s of %s channels were audited", guild_id, len(findings), len(roles))
        async with self._database.begin() as tx:
            present = await get_targets(tx, [guild_id])
            for channel_id, reason in findings.items():
                await _store_finding(tx, guild_id, channel_id, present.get(channel_id), reason, self._now())

    async def tell(self) -> None:
        """Tell, once, whoever added a blocked channel's watches or a board; else another channel of that server."""
        async with self._database.begin() as tx:
            await drop_needless_targets(tx)
            targets = await get_targets(tx, self._servers.listed)
            guild_ids = {target.guild_id for target in targets.values() if _is_untold(target, self._now())}
            watches = await get_active_watches(tx, guild_ids) if guild_ids else []
        for _, group in _by_server(watches):
            blocked = [watch for watch in group if _is_untold(targets.get(watch.channel_id), self._now())]
            if blocked:
                await self._tell_server(group, blocked, targets)
        await self._tell_of_boards()

    async def _tell_server(
        self, watches: Sequence[Watch], blocked: Sequence[Watch], targets: Mapping[int, Target]
    ) -> None:
        channel_ids = {watch.channel_id for watch in blocked}
        working = next((watch.channel_id for watch in watches if watch.channel_id not in targets), None)
        names = {watch.channel_id: watch.channel_name for watch in blocked}
        text = say_blocked([(name, targets[channel_id].reason) for channel_id, name in names.items()])
        try:
            adders = [watch.added_by for watch in blocked]
            if not await self._write_to_any(adders, text) and not await self._post(working, text):
                _LOG.warning("Nobody could be told that channels take no reminders: %s", sorted(channel_ids))
        except Uncertain as doubt:
            _LOG.warning("Perhaps nobody was told that channels take no reminders (%s); trying again later", doubt)
            return
        async with self._database.begin() as tx:
            await mark_told(tx, channel_ids)

    async def _tell_of_boards(self) -> None:
        """Tell, once, whoever added a board that can't be kept; there is always the list for those who take no news."""
        async with self._database.begin() as tx:
            targets = await get_targets(tx, self._servers.listed, of_boards=True)
            untold = {key: one for key, one in targets.items() if _is_untold(one, self._now())}
            boards = [board for board in await get_boards(tx, self._servers.listed) if board.channel_id in untold]
        for user_id in {board.added_by for board in boards}:
            reasons = {one.channel_id: untold[one.channel_id].reason for one in boards if one.added_by == user_id}
            try:
                if not await self._write_to_any([user_id], say_outdated(reasons)):
                    _LOG.warning("Nobody could be told that boards can't be kept up to date: %s", sorted(reasons))
            except Uncertain as doubt:
                _LOG.warning("Perhaps nobody was told of boards (%s); trying again later", doubt)
                continue
            async with self._database.begin() as tx:
                await mark_told(tx, reasons, of_boards=True)

    async def _write_to_any(self, user_ids: Iterable[int], text: str) -> bool:
        """Write to some people, once each; return whether anybody got it."""
        is_told, doubt = False, None
        for user_id in list(dict.fromkeys(user_ids))[:_MOST_TOLD]:
            try:
                await self._sender.write_to(user_id, text)
                is_told = True
            except Refused as refusal:
                _LOG.info("Person %s takes no direct messages (%s)", user_id, refusal)
            except Uncertain as uncertain:
                doubt = uncertain
        if doubt is not None and not is_told:
            raise doubt
        return is_told

    async def _post(self, channel_id: int | None, text: str) -> bool:
        if channel_id is None:
            return False
        payload = {"content": text, "embeds": [], "roles": [], "users": [], "has_buttons": False}
        try:
            await self._sender.post(channel_id, payload, new_nonce())
        except Refused as refusal:
            if not refusal.is_lasting:
                raise Uncertain(str(refusal)) from None
            _LOG.info("Channel %s takes no news of the others either (%s)", channel_id, refusal)
            return False
        return True


async def _store_finding(
    tx: AsyncConnection, guild_id: int, channel_id: int, present: Target | None, reason: str | None, now: datetime
) -> None:
    """Write down what an audit found; what a refused message has shown is better known, as long as one is owed."""
    if present is not None and present.failures and await get_pending(tx, channel_id):
        return
    if reason is None:
        await drop_target(tx, channel_id)
    elif present is None or present.reason != reason:
        await put_target(tx, Target(guild_id, channel_id, 0, now, now, reason, is_lasting=True))


def _is_untold(target: Target | None, now: datetime) -> bool:
    return target is not None and not target.is_told and target.is_blocked(now)


def _by_server(watches: Iterable[Watch]) -> Iterable[tuple[int, list[Watch]]]:
    ordered = sorted(watches, key=lambda watch: (watch.guild_id, watch.id))
    return [(guild_id, list(group)) for guild_id, group in groupby(ordered, key=lambda watch: watch.guild_id)]
