"""One pass's decisions, written in the same transaction as what was read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.account import Account
from bot.core.reminders import BLIND, ERROR, GONE, Told, decide, next_step, usable_steps
from bot.store.accounts import Known, get_known, mark_read, mark_trouble
from bot.store.deliveries import Kind, Owed, cover, drop_overdue, get_told, plan
from bot.store.watches import Watch, get_all_watches, get_watches_in, get_watches_to_look_at, mark_looked_at

_FAR = timedelta(days=3650)
_GIVE_UP_AFTER = timedelta(days=7)
_NOBODY = ""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A watch and one of the accounts it is for."""

    watch: Watch
    known: Known


async def plan_after_reading(tx: AsyncConnection, read: Mapping[str, Account], now: datetime) -> None:
    """Write down a successful read and owe what it makes due.

    A list without any known account is no news of them all being gone: it is another token's, or none's.
    """
    before = await get_known(tx)
    if before and not before.keys() & read.keys():
        await plan_while_blind(tx, now)
        return
    changed = await mark_read(tx, read, now)
    known = await get_known(tx)
    errors = {key: account.error is not None for key, account in read.items()}
    absent = {key: key not in read for key in known}
    episodes = {
        Kind.ERROR: await mark_trouble(tx, Kind.ERROR, ERROR, errors, now),
        Kind.GONE: await mark_trouble(tx, Kind.GONE, GONE, absent, now),
    }
    await mark_trouble(tx, Kind.BLIND, BLIND, {_NOBODY: False}, now)
    await drop_overdue(tx, now - _GIVE_UP_AFTER)
    await _plan_events(tx, episodes, known, now)
    await _plan_steps(tx, changed, known, now)


async def plan_while_blind(tx: AsyncConnection, now: datetime) -> None:
    """Write down a failed read; reminders go on from the last known expiry."""
    opened = await mark_trouble(tx, Kind.BLIND, BLIND, {_NOBODY: True}, now)
    known = await get_known(tx)
    if opened:
        for watch in await get_all_watches(tx):
            owed = Owed(watch.guild_id, watch.channel_id, _NOBODY, Kind.BLIND, opened[_NOBODY])
            await plan(tx, owed, now)
    await _plan_steps(tx, set(), known, now)


async def _pairs(tx: AsyncConnection, watches: Iterable[Watch], known: Mapping[str, Known]) -> list[_Pair]:
    """Return each watch with its accounts; in one channel a watch on one account replaces that on all for it."""
    watches = list(watches)
    single = {
        (other.channel_id, other.account_id)
        for other in await get_watches_in(tx, {watch.channel_id for watch in watches})
        if not other.is_for_all
    }
    pairs = []
    for watch in watches:
        ids = (
            [key for key in known if (watch.channel_id, key) not in single] if watch.is_for_all else [watch.account_id]
        )
        pairs += [_Pair(watch, known[account_id]) for account_id in ids if account_id in known]
    return pairs


async def _plan_events(
    tx: AsyncConnection, episodes: Mapping[Kind, Mapping[str, int]], known: Mapping[str, Known], now: datetime
) -> None:
    troubled = {account_id for opened in episodes.values() for account_id in opened}
    if not troubled:
        return
    watches = await get_watches_to_look_at(tx, now, troubled)
    for pair in await _pairs(tx, watches, {key: known[key] for key in troubled}):
        for kind, opened in episodes.items():
            account_id = pair.known.account.id
            if account_id in opened:
                owed = Owed(pair.watch.guild_id, pair.watch.channel_id, account_id, kind, opened[account_id])
                await plan(tx, owed, now)


async def _plan_steps(tx: AsyncConnection, changed: set[str], known: Mapping[str, Known], now: datetime) -> None:
    watches = await get_watches_to_look_at(tx, now, changed)
    if not watches:
        return
    pairs = await _pairs(tx, watches, known)
    tokens = [pair.known.token for pair in pairs if pair.known.token]
    token_ids = {token.id for token in tokens} | {token.before_id for token in tokens if token.before_id}
    told = await get_told(tx, {watch.channel_id for watch in watches}, token_ids)
    look_at = {watch.id: now + _FAR for watch in watches}
    for pair in pairs:
        moment = await _plan_pair(tx, pair, told, now, is_news=pair.known.account.id in changed)
        look_at[pair.watch.id] = min(look_at[pair.watch.id], moment)
    await mark_looked_at(tx, look_at)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The next reminder of a watch: about which account, at which step, when."""

    account: Account
    step: int
    at: datetime


async def find_upcoming(tx: AsyncConnection, watches: Iterable[Watch], now: datetime) -> dict[int, Upcoming]:
    """Return the next reminder of each watch that has one, by the watch's id; what is due already counts as now."""
    pairs = await _pairs(tx, watches, await get_known(tx))
    token_ids = {pair.known.token.id for pair in pairs if pair.known.token}
    told = await get_told(tx, {pair.watch.channel_id for pair in pairs}, token_ids)
    found: dict[int, Upcoming] = {}
    for pair in pairs:
        upcoming = _upcoming(pair, told, now)
        present = found.get(pair.watch.id)
        if upcoming is not None and (present is None or upcoming.at < present.at):
            found[pair.watch.id] = upcoming
    return found


def _upcoming(pair: _Pair, told: Mapping[tuple[int, str, int], Told], now: datetime) -> Upcoming | None:
    token, account = pair.known.token, pair.known.account
    if token is None:
        return None
    present = told.get((pair.watch.channel_id, account.id, token.id), Told())
    remaining = token.expires_at - now
    steps = usable_steps(pair.watch.days, token.life)
    due = decide(steps, remaining, present, None).due
    if due is not None:
        return Upcoming(account, due, now)
    step = next_step(steps, remaining, present)
    return None if step is None else Upcoming(account, step, token.expires_at - timedelta(days=step))


async def _plan_pair(
    tx: AsyncConnection, pair: _Pair, told: Mapping[tuple[int, str, int], Told], now: datetime, *, is_news: bool
) -> datetime:
    """Owe what is due for one channel and account; return when the next step comes.

    Only in the pass that reads a new expiry (`is_news`) can there be a renewal to speak of. A watch that is added
    later is told what is due, whatever its channel was told of an earlier token.
    """
    token, watch, account_id = pair.known.token, pair.watch, pair.known.account.id
    if token is None:
        return now + _FAR
    remaining = token.expires_at - now
    steps = usable_steps(watch.days, token.life)
    present = told.get((watch.channel_id, account_id, token.id), Told())
    before = None
    if is_news and (former := told.get((watch.channel_id, account_id, token.before_id or 0))):
        # What is under way counts as said: it may arrive any moment.
        before = replace(former, sent=former.sent | former.in_flight)
    decision = decide(steps, remaining, present, before)

    def owed(kind: Kind, ref: int, step: int = 0) -> Owed:
        return Owed(watch.guild_id, watch.channel_id, account_id, kind, ref, step)

    for step in decision.cover:
        await cover(tx, owed(Kind.STEP, token.id, step), now)
    if decision.due is not None:
        await plan(tx, owed(Kind.STEP, token.id, decision.due), now)
    if decision.renewed and token.before_id is not None:
        await plan(tx, owed(Kind.RENEWED, token.before_id), now)
    after = replace(present, pending=present.pending | ({decision.due} if decision.due is not None else set()))
    ahead = next_step(steps, remaining, after)
    return now + _FAR if ahead is None else token.expires_at - timedelta(days=ahead)
