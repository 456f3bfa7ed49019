"""One pass's decisions, written in the same transaction as what was read."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.account import Account
from bot.core.reminders import Told, coming_steps, decide, usable_steps
from bot.core.trouble import BLIND, ERROR, GONE
from bot.store.accounts import Known, get_known, mark_read
from bot.store.deliveries import Kind, Owed, cover, drop, get_lately_told, get_pending, get_told, plan
from bot.store.messages import mark_outdated
from bot.store.trouble import Episodes, get_bad_since, get_open_troubles, mark_trouble
from bot.store.watches import Watch, get_active_watches, get_watches_in, get_watches_to_look_at, mark_looked_at

_FAR = timedelta(days=3650)
_REPLACED_AFTER = timedelta(days=3)
# A token that followed so many within a day, and of which a channel was told, must last for a pass to be told of too:
# the API may give another expiry at every read.
_MOST_TOKENS, _A_DAY = 2, timedelta(days=1)
_NOBODY = ""
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """A watch and one of the accounts it is for."""

    watch: Watch
    known: Known

    def owed(self, kind: Kind, ref: int, step: int = 0) -> Owed:
        """Return what the watch's channel is to be told of the account."""
        return Owed(self.watch.guild_id, self.watch.channel_id, self.known.account.id, kind, ref, step)


@dataclass(frozen=True, slots=True)
class _News:
    """The accounts of which a pass read another expiry, and those of which that is another token's."""

    changed: Collection[str] = ()
    switched: Collection[str] = ()


async def plan_after_reading(
    tx: AsyncConnection, guild_ids: Collection[int], read: Mapping[str, Account], now: datetime
) -> None:
    """Write down a successful read and owe what it makes due in these servers.

    A list without any known account is no news of them all being gone: it is another token's, or none's. Only if that
    lasts for three days are they believed to have been replaced.
    """
    before = await get_known(tx)
    if before and not before.keys() & read.keys() and not await _is_blind_for_long(tx, now):
        await plan_while_blind(tx, guild_ids, now)
        return
    changed = await mark_read(tx, read, now)
    known = await get_known(tx)
    errors = {key: account.error is not None for key, account in read.items()}
    absent = {key: key not in read for key in known}
    episodes = {
        Kind.ERROR: await mark_trouble(tx, Kind.ERROR, ERROR, errors, now),
        Kind.GONE: await mark_trouble(tx, Kind.GONE, GONE, absent, now),
        Kind.BLIND: await mark_trouble(tx, Kind.BLIND, BLIND, {_NOBODY: False}, now),
    }
    await _mark_outdated(tx, episodes, [(before.get(key), known[key]) for key in changed], known, now)
    await _plan_events(tx, guild_ids, episodes, known, now)
    switched = {key for key in changed if key not in before or _token_id(before[key]) != _token_id(known[key])}
    await _plan_steps(tx, guild_ids, _News(changed, switched), known, now)


async def _is_blind_for_long(tx: AsyncConnection, now: datetime) -> bool:
    bad_since = await get_bad_since(tx, Kind.BLIND, _NOBODY)
    return bad_since is not None and now - bad_since >= _REPLACED_AFTER


async def plan_while_blind(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> None:
    """Write down a failed read; reminders go on from the last known expiry."""
    episodes = await mark_trouble(tx, Kind.BLIND, BLIND, {_NOBODY: True}, now)
    await mark_outdated(tx, Kind.BLIND, episodes.turned.items(), now)
    for episode in episodes.opened.values():
        watches = await get_active_watches(tx, guild_ids)
        owed = [Owed(watch.guild_id, watch.channel_id, _NOBODY, Kind.BLIND, episode) for watch in watches]
        await plan(tx, owed, now)
    await _plan_steps(tx, guild_ids, _News(), await get_known(tx), now)


async def _mark_outdated(
    tx: AsyncConnection,
    episodes: Mapping[Kind, Episodes],
    changed: Iterable[tuple[Known | None, Known]],
    known: Mapping[str, Known],
    now: datetime,
) -> None:
    """Let the messages be edited that tell of a token that was replaced, or of trouble that began anew or ended."""
    for kind, found in episodes.items():
        await mark_outdated(tx, kind, found.turned.items(), now)
    troubled = [(key, known[key].token) for key in episodes[Kind.ERROR].turned]
    await mark_outdated(tx, Kind.STEP, [(key, token.id) for key, token in troubled if token], now)
    for before, after in changed:
        tokens = {known.token.id for known in (before, after) if known and known.token}
        if len(tokens) > 1:
            await mark_outdated(tx, Kind.STEP, [(after.account.id, token_id) for token_id in tokens], now)


def _token_id(known: Known) -> int | None:
    return known.token.id if known.token else None


async def pair_up(tx: AsyncConnection, watches: Iterable[Watch], known: Mapping[str, Known]) -> list[Pair]:
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
        pairs += [Pair(watch, known[account_id]) for account_id in ids if account_id in known]
    return pairs


async def _plan_events(
    tx: AsyncConnection,
    guild_ids: Collection[int],
    episodes: Mapping[Kind, Episodes],
    known: Mapping[str, Known],
    now: datetime,
) -> None:
    troubled = {account_id for found in episodes.values() for account_id in found.opened}
    if not troubled:
        return
    watches = await get_watches_to_look_at(tx, guild_ids, now, troubled)
    affected = {key: known[key] for key in troubled}
    owed = [
        pair.owed(kind, found.opened[pair.known.account.id])
        for some in _in_turn(watches)
        for pair in await pair_up(tx, some, affected)
        for kind, found in episodes.items()
        if pair.known.account.id in found.opened
    ]
    await plan(tx, owed, now)


async def _plan_steps(
    tx: AsyncConnection, guild_ids: Collection[int], news: _News, known: Mapping[str, Known], now: datetime
) -> None:
    watches = await get_watches_to_look_at(tx, guild_ids, now, news.changed)
    gone = await get_gone(tx)
    for some in _in_turn(watches):
        await _plan_some(tx, some, news, gone, known, now)


def _in_turn(watches: Sequence[Watch]) -> Iterator[Sequence[Watch]]:
    """Give so few at a time that commands are answered in between, and that PostgreSQL takes as many parameters."""
    for begin in range(0, len(watches), _AT_ONCE):
        yield watches[begin : begin + _AT_ONCE]


async def _plan_some(
    tx: AsyncConnection,
    watches: Sequence[Watch],
    news: _News,
    gone: set[str],
    known: Mapping[str, Known],
    now: datetime,
) -> None:
    pairs = await pair_up(tx, watches, known)
    tokens = [pair.known.token for pair in pairs if pair.known.token]
    token_ids = {token.id for token in tokens} | {token.before_id for token in tokens if token.before_id}
    told = await get_told(tx, {watch.channel_id for watch in watches}, token_ids)
    look_at = {watch.id: now + _FAR for watch in watches}
    owed: list[Owed] = []
    covered: list[Owed] = []
    speaking = {pair.watch.channel_id for pair in pairs if pair.known.account.id in news.switched}
    lately = await get_lately_told(tx, speaking, now - _A_DAY, now)
    for pair in pairs:
        # Of what is gone nothing is left to renew; should it come back, the next pass sees what is due.
        is_gone = pair.known.account.id in gone
        is_new = pair.known.account.id in news.switched
        must_wait = is_gone or (is_new and _is_one_of_many(pair, lately))
        planned = _Planned(now) if must_wait else _plan_pair(pair, told, now, is_new=is_new)
        look_at[pair.watch.id] = min(look_at[pair.watch.id], planned.look_at)
        owed += planned.owed
        covered += planned.covered
    await cover(tx, covered, now)
    await plan(tx, owed, now)
    await mark_looked_at(tx, look_at)


async def get_gone(tx: AsyncConnection) -> set[str]:
    """Return the accounts that are gone: nothing is said of their expiry."""
    return {account_id for kind, account_id in await get_open_troubles(tx) if kind == Kind.GONE}


async def drop_unwatched(tx: AsyncConnection, channel_id: int) -> None:
    """Delete what is owed to a channel and no active watch asks for any more."""
    watches = await get_watches_in(tx, {channel_id})
    pending = await get_pending(tx, channel_id)
    await drop(tx, [owed.id for owed in pending if watch_for(owed, watches) is None])


def watch_for(owed: Owed, watches: Iterable[Watch]) -> Watch | None:
    """Return the watch of a channel that asks for this: the one on the account itself, else the one on all.

    None if that one is paused, or there is none.
    """
    fitting = [watch for watch in watches if watch.is_for_all or owed.account_id in (watch.account_id, _NOBODY)]
    if owed.kind is Kind.BLIND:
        fitting = [watch for watch in fitting if watch.paused_at is None]
    chosen = min(fitting, key=lambda watch: watch.is_for_all, default=None)
    return None if chosen is None or chosen.paused_at is not None else chosen


@dataclass(frozen=True, slots=True)
class _Planned:
    """What is to be owed and covered for a pair, and when to look at it again."""

    look_at: datetime
    owed: Sequence[Owed] = ()
    covered: Sequence[Owed] = ()


def _plan_pair(pair: Pair, told: Mapping[tuple[int, str, int], Told], now: datetime, *, is_new: bool) -> _Planned:
    """Return what is due for one channel and account.

    Only in the pass that reads another token (`is_new`) can there be a renewal to speak of. A watch that is added
    later is told what is due, whatever its channel was told of an earlier token.
    """
    token, channel_id, account_id = pair.known.token, pair.watch.channel_id, pair.known.account.id
    if token is None:
        return _Planned(now + _FAR)
    remaining = token.expires_at - now
    steps = usable_steps(pair.watch.days, token.life)
    present = told.get((channel_id, account_id, token.id), Told())
    before = told.get((channel_id, account_id, token.before_id or 0)) if is_new else None
    decision = decide(steps, remaining, present, before)
    due = [] if decision.due is None else [pair.owed(Kind.STEP, token.id, decision.due)]
    renewed = [pair.owed(Kind.RENEWED, token.before_id)] if decision.renewed and token.before_id is not None else []
    after = replace(present, pending=present.pending | {owed.step for owed in due})
    ahead = coming_steps(steps, remaining, after)
    look_at = token.expires_at - timedelta(days=ahead[0]) if ahead else now + _FAR
    return _Planned(look_at, due + renewed, [pair.owed(Kind.STEP, token.id, step) for step in decision.cover])


def _is_one_of_many(pair: Pair, lately: Mapping[tuple[int, str], Collection[int]]) -> bool:
    """Whether the channel has heard lately of too many tokens of the account besides this one and the last."""
    token = pair.known.token
    ours = {token.id, token.before_id} if token else set()
    return len(set(lately.get((pair.watch.channel_id, pair.known.account.id), ())) - ours) >= _MOST_TOKENS
