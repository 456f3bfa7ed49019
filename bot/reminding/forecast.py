"""What is to come: the reminders that the watches will bring, if nothing changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.account import Account
from bot.core.reminders import Told, coming_steps, decide, usable_steps
from bot.reminding.planning import Pair, get_gone, pair_up
from bot.store.accounts import get_known
from bot.store.claims import Claim, get_claims
from bot.store.deliveries import get_told
from bot.store.watches import Watch


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A reminder to come: which watch brings it, about which account, at which step, when, and who is on it."""

    watch: Watch
    account: Account
    step: int
    at: datetime
    claim: Claim | None = None


async def forecast(tx: AsyncConnection, watches: Iterable[Watch], now: datetime) -> list[Upcoming]:
    """Return all reminders of the watches that are not paused, soonest first.

    What is due already, or was planned but could not be delivered yet, counts as now.
    """
    gone = await get_gone(tx)
    known = {key: facts for key, facts in (await get_known(tx)).items() if key not in gone}
    pairs = await pair_up(tx, [watch for watch in watches if watch.paused_at is None], known)
    token_ids = {pair.known.token.id for pair in pairs if pair.known.token}
    told = await get_told(tx, {pair.watch.channel_id for pair in pairs}, token_ids)
    claims = await get_claims(tx, {pair.watch.channel_id for pair in pairs})
    coming = (
        replace(one, claim=claims.get((pair.watch.channel_id, pair.known.subject)))
        for pair in pairs
        for one in _coming(pair, told, now)
    )
    return sorted(coming, key=lambda one: one.at)


def find_next(upcoming: Iterable[Upcoming]) -> dict[int, Upcoming]:
    """Return the first reminder of each watch, by the watch's id."""
    found: dict[int, Upcoming] = {}
    for one in upcoming:
        found.setdefault(one.watch.id, one)
    return found


def _coming(pair: Pair, told: Mapping[tuple[int, str, int], Told], now: datetime) -> Iterable[Upcoming]:
    token, account = pair.known.token, pair.known.account
    if token is None:
        return
    present = replace(told.get((pair.watch.channel_id, account.id, token.id), Told()), pending=frozenset())
    remaining = token.expires_at - now
    steps = usable_steps(pair.watch.days, token.life)
    due = decide(steps, remaining, present, None).due
    if due is not None:
        yield Upcoming(pair.watch, account, due, now)
    for step in coming_steps(steps, remaining, present):
        yield Upcoming(pair.watch, account, step, token.expires_at - timedelta(days=step))
