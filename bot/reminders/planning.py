"""Plans the notifications of one poll, in the transaction that saves what the poll read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot
from bot.core.incidents import ERROR, MISSING, UNREADABLE, IncidentChanges, IncidentRule, follow_all
from bot.core.notifications import Kind, Notification
from bot.core.stages import Heard, coming_stages, decide, usable_stages
from bot.core.subscriptions import Subscription, covered_accounts, subscription_for
from bot.reminders.recording import NO_CHANGES, Changes, record
from bot.store.accounts import get_snapshots
from bot.store.incidents import get_bad_since, get_incidents, get_open_incidents, put_incident
from bot.store.messages import schedule_edits
from bot.store.notifications import add_pending, delete_pending, get_heard, get_pending, get_recent_logins, supersede
from bot.store.subscriptions import (
    get_active_subscriptions,
    get_due_subscriptions,
    get_subscriptions_in,
    set_next_checks,
)

_NEVER = timedelta(days=3650)
_REPLACED_AFTER = timedelta(days=3)
# An API that gives another expiry at every read must not make a channel hear of each: one more login within a day is
# announced only once two polls in a row agree on it.
_MAX_LOGINS, _A_DAY = 2, timedelta(days=1)
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """A subscription and one of the accounts that it covers."""

    subscription: Subscription
    snapshot: AccountSnapshot

    def notification(self, kind: Kind, ref: int, stage: int = 0) -> Notification:
        """Return a notification about the account for the subscription's channel."""
        subscription = self.subscription
        return Notification(subscription.guild_id, subscription.channel_id, self.snapshot.account.id, kind, ref, stage)


@dataclass(slots=True)
class _Plan:
    """What to save for some subscriptions."""

    planned: list[Notification] = field(default_factory=list)
    superseded: list[Notification] = field(default_factory=list)
    next_check_at: dict[int, datetime] = field(default_factory=dict)

    def check_again(self, subscription: Subscription, at: datetime) -> None:
        """Keep the earliest next check of a subscription."""
        self.next_check_at[subscription.id] = min(at, self.next_check_at.get(subscription.id, at))


async def plan_after_reading(
    tx: AsyncConnection, guild_ids: Collection[int], read: Mapping[str, Account], now: datetime
) -> None:
    """Save the accounts that were read, and plan the due notifications of these guilds.

    A list without any known account does not prove that all are gone: it belongs to another useapi.net account, or
    something failed. Only after three days of such lists are the accounts believed to have been replaced.
    """
    before = await get_snapshots(tx)
    if before and not before.keys() & read.keys() and not await _was_unreadable_for_long(tx, now):
        await plan_while_unreadable(tx, guild_ids, now)
        return
    changes = await record(tx, before, read, now)
    snapshots = await get_snapshots(tx)
    errors: dict[str | None, bool] = {key: account.error is not None for key, account in read.items()}
    missing: dict[str | None, bool] = {key: key not in read for key in snapshots}
    incidents = {
        Kind.ERROR: await _follow(tx, Kind.ERROR, ERROR, errors, now),
        Kind.MISSING: await _follow(tx, Kind.MISSING, MISSING, missing, now),
        Kind.UNREADABLE: await _follow(tx, Kind.UNREADABLE, UNREADABLE, {None: False}, now),
    }
    await _schedule_edits(tx, incidents, changes, snapshots, now)
    await _plan_incidents(tx, guild_ids, incidents, snapshots, now)
    await _plan_stages(tx, guild_ids, changes, snapshots, now)


async def _was_unreadable_for_long(tx: AsyncConnection, now: datetime) -> bool:
    bad_since = await get_bad_since(tx, Kind.UNREADABLE, None)
    return bad_since is not None and now - bad_since >= _REPLACED_AFTER


async def plan_while_unreadable(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> None:
    """Save that the accounts can't be read; reminders go on from the last known expiry."""
    incidents = await _follow(tx, Kind.UNREADABLE, UNREADABLE, {None: True}, now)
    await schedule_edits(tx, Kind.UNREADABLE, incidents.turned.items(), now)
    for number in incidents.opened.values():
        channels = {(one.guild_id, one.channel_id) for one in await get_active_subscriptions(tx, guild_ids)}
        planned = [Notification(*channel, None, Kind.UNREADABLE, number) for channel in sorted(channels)]
        await add_pending(tx, planned, now)
    await _plan_stages(tx, guild_ids, NO_CHANGES, await get_snapshots(tx), now)


async def _follow(
    tx: AsyncConnection, kind: Kind, rule: IncidentRule, bad: Mapping[str | None, bool], now: datetime
) -> IncidentChanges:
    changed, changes = follow_all(await get_incidents(tx, kind), rule, bad, now)
    for account_id, incident in changed.items():
        await put_incident(tx, kind, account_id, incident)
    return changes


async def _schedule_edits(
    tx: AsyncConnection,
    incidents: Mapping[Kind, IncidentChanges],
    changes: Changes,
    snapshots: Mapping[str, AccountSnapshot],
    now: datetime,
) -> None:
    """Schedule the edit of messages about a login that was replaced, or an incident that opened again or ended."""
    for kind, found in incidents.items():
        await schedule_edits(tx, kind, found.turned.items(), now)
    failing = [snapshots[key] for key in incidents[Kind.ERROR].turned if key is not None]
    await schedule_edits(tx, Kind.STAGE, [(one.account.id, one.login.id) for one in failing if one.login], now)
    for key in changes.switched:
        logins = {one.login.id for one in (changes.before[key], changes.after[key]) if one and one.login}
        if len(logins) > 1:
            await schedule_edits(tx, Kind.STAGE, [(key, login_id) for login_id in logins], now)


async def pair_up(
    tx: AsyncConnection, subscriptions: Sequence[Subscription], snapshots: Mapping[str, AccountSnapshot]
) -> list[Pair]:
    """Return each of these subscriptions with each of the accounts that it covers."""
    in_channel: dict[int, list[Subscription]] = {}
    for one in await get_subscriptions_in(tx, {one.channel_id for one in subscriptions}):
        in_channel.setdefault(one.channel_id, []).append(one)
    return [
        Pair(one, snapshots[account_id])
        for one in subscriptions
        for account_id in covered_accounts(one, in_channel.get(one.channel_id, ()), snapshots)
    ]


async def _plan_incidents(
    tx: AsyncConnection,
    guild_ids: Collection[int],
    incidents: Mapping[Kind, IncidentChanges],
    snapshots: Mapping[str, AccountSnapshot],
    now: datetime,
) -> None:
    affected = {key: snapshots[key] for found in incidents.values() for key in found.opened if key is not None}
    if not affected:
        return
    subscriptions = await get_due_subscriptions(tx, guild_ids, now, affected.keys())
    planned = [
        pair.notification(kind, found.opened[pair.snapshot.account.id])
        for some in _in_slices(subscriptions)
        for pair in await pair_up(tx, some, affected)
        for kind, found in incidents.items()
        if pair.snapshot.account.id in found.opened
    ]
    await add_pending(tx, planned, now)


async def _plan_stages(
    tx: AsyncConnection,
    guild_ids: Collection[int],
    changes: Changes,
    snapshots: Mapping[str, AccountSnapshot],
    now: datetime,
) -> None:
    subscriptions = await get_due_subscriptions(tx, guild_ids, now, changes.after.keys())
    missing = await get_missing(tx)
    for some in _in_slices(subscriptions):
        await _plan_slice(tx, some, changes.switched, missing, snapshots, now)


def _in_slices(subscriptions: Sequence[Subscription]) -> Iterator[Sequence[Subscription]]:
    """Yield so few at a time that commands run in between, and that PostgreSQL accepts as many parameters."""
    for begin in range(0, len(subscriptions), _AT_ONCE):
        yield subscriptions[begin : begin + _AT_ONCE]


async def _plan_slice(
    tx: AsyncConnection,
    subscriptions: Sequence[Subscription],
    switched: set[str],
    missing: set[str],
    snapshots: Mapping[str, AccountSnapshot],
    now: datetime,
) -> None:
    pairs = await pair_up(tx, subscriptions, snapshots)
    logins = [pair.snapshot.login for pair in pairs if pair.snapshot.login]
    login_ids = {login.id for login in logins} | {login.previous_id for login in logins if login.previous_id}
    heard = await get_heard(tx, {one.channel_id for one in subscriptions}, login_ids)
    switching = {pair.subscription.channel_id for pair in pairs if pair.snapshot.account.id in switched}
    recent = await get_recent_logins(tx, switching, now - _A_DAY, now)
    result = _Plan(next_check_at={one.id: now + _NEVER for one in subscriptions})
    for pair in pairs:
        is_switched = pair.snapshot.account.id in switched
        # A missing account has nothing to renew; a login that is one of many must last until the next poll.
        if pair.snapshot.account.id in missing or (is_switched and _is_one_of_many(pair, recent)):
            result.check_again(pair.subscription, now)
        else:
            _plan_pair(result, pair, heard, now, is_switched=is_switched)
    await supersede(tx, result.superseded, now)
    await add_pending(tx, result.planned, now)
    await set_next_checks(tx, result.next_check_at)


async def get_missing(tx: AsyncConnection) -> set[str]:
    """Return the accounts with an open *missing* incident: nothing is sent about their expiry."""
    return {key for kind, key in await get_open_incidents(tx) if kind is Kind.MISSING and key is not None}


async def delete_unwanted(tx: AsyncConnection, channel_id: int) -> None:
    """Delete the pending notifications of a channel that no active subscription covers any more."""
    subscriptions = await get_subscriptions_in(tx, {channel_id})
    pending = await get_pending(tx, channel_id)
    await delete_pending(tx, [one.id for one in pending if wanted_by(one, subscriptions) is None])


def wanted_by(notification: Notification, in_channel: Sequence[Subscription]) -> Subscription | None:
    """Return the active subscription of a channel that a notification belongs to, None if there is none."""
    if notification.account_id is not None:
        return subscription_for(notification.account_id, in_channel)
    active = [one for one in in_channel if one.paused_at is None]
    return min(active, key=lambda one: one.is_for_all, default=None)


def _plan_pair(
    result: _Plan, pair: Pair, heard: Mapping[tuple[int, int], Heard], now: datetime, *, is_switched: bool
) -> None:
    """Plan the due notification of one channel and account.

    Only the poll that reads another login (`is_switched`) can find a renewal. A subscription that is added later gets
    the stage that is due, whatever its channel heard about an earlier login.
    """
    login, channel_id = pair.snapshot.login, pair.subscription.channel_id
    if login is None:
        return
    remaining = login.expires_at - now
    stages = usable_stages(pair.subscription.lead_times, login.life)
    present = heard.get((channel_id, login.id), Heard())
    previous = heard.get((channel_id, login.previous_id or 0)) if is_switched else None
    decision = decide(stages, remaining, present, previous)
    due = [] if decision.due is None else [pair.notification(Kind.STAGE, login.id, decision.due)]
    result.planned += due
    if decision.renewed and login.previous_id is not None:
        result.planned.append(pair.notification(Kind.RENEWED, login.previous_id))
    result.superseded += [pair.notification(Kind.STAGE, login.id, stage) for stage in decision.superseded]
    after = replace(present, pending=present.pending | {one.stage for one in due})
    if ahead := coming_stages(stages, remaining, after):
        result.check_again(pair.subscription, login.expires_at - timedelta(days=ahead[0]))


def _is_one_of_many(pair: Pair, recent: Mapping[tuple[int, str], Collection[int]]) -> bool:
    """Whether the channel has heard within a day of too many logins of the account besides this one and the last."""
    login = pair.snapshot.login
    own = {login.id, login.previous_id} if login else set()
    return len(set(recent.get((pair.subscription.channel_id, pair.snapshot.account.id), ())) - own) >= _MAX_LOGINS
