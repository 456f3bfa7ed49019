"""Loads what messages and forecasts are made of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import AccountSnapshot
from bot.core.assignments import subject_of
from bot.core.entries import Entry, by_urgency, relevance_of
from bot.core.forecast import Upcoming, foresee
from bot.core.logins import Login
from bot.core.notifications import Kind, Notification
from bot.core.overview import Overview, build_overview
from bot.core.rules import NOTHING_HEARD
from bot.core.subscriptions import Subscription, active_subscription
from bot.reminders.planning import pair_up
from bot.store.accounts import get_logins, get_snapshots
from bot.store.assignments import get_assignments
from bot.store.heard import get_heard, get_last_heard
from bot.store.incidents import get_confirmed_at, get_unreadable
from bot.store.subscriptions import get_subscriptions, get_subscriptions_in


async def load_entries(
    tx: AsyncConnection,
    carried: Sequence[Notification],
    now: datetime,
    fresh: Mapping[str, AccountSnapshot] | None = None,
) -> list[Entry]:
    """Return the entries of one channel's notifications, most urgent first.

    `fresh` is a list that was read just now, in place of the last poll's.
    """
    if not carried:
        return []
    channel_id = carried[0].channel_id
    snapshots = await get_snapshots(tx, {one.account_id for one in carried if one.account_id is not None})
    subscriptions = await get_subscriptions_in(tx, {channel_id})
    logins = await _load_reminded_logins(tx, carried)
    last = await get_last_heard(tx, channel_id)
    unreadable = await get_unreadable(tx)
    assignments = await get_assignments(tx, {channel_id})
    confirmed_at = await get_confirmed_at(tx)
    entries = []
    for one in carried:
        snapshot = None if one.account_id is None else snapshots.get(one.account_id)
        is_listed = snapshot is None or not snapshot.has_incident(Kind.MISSING)
        is_dated = snapshot is None or snapshot.account.expires_at is not None or snapshot.login is None
        is_confirmed = snapshot is not None and confirmed_at is not None and snapshot.read_at >= confirmed_at
        if one.kind is Kind.UNREADABLE:
            is_confirmed = unreadable is None or fresh is not None
        if snapshot is not None and fresh is None:
            snapshot = replace(snapshot, account=snapshot.believed)
        if snapshot is not None and fresh is not None:
            read = fresh.get(snapshot.account.id)
            is_listed = read is not None
            if read is not None:
                is_dated = read.account.expires_at is not None or snapshot.login is None
                snapshot = replace(snapshot, account=read.account, read_at=read.read_at, doubt=None)
        entry = Entry(
            one,
            snapshot,
            active_subscription(one.account_id, subscriptions),
            logins.get(one.ref) if one.kind in (Kind.STAGE, Kind.RENEWED) else None,
            is_listed=is_listed,
            is_dated=is_dated,
            is_confirmed=is_confirmed,
        )
        assignment = assignments.get((channel_id, entry.subject))
        entry = replace(entry, assignment=assignment if assignment and assignment.is_current(now) else None)
        entries.append(replace(entry, relevance=relevance_of(entry, last.get(one.account_id, {}), now)))
    return sorted(entries, key=by_urgency)


async def _load_reminded_logins(tx: AsyncConnection, carried: Sequence[Notification]) -> dict[int, Login]:
    """Return the login that each notification reminds of, by its `ref`: of a renewal, the login before it."""
    logins = await get_logins(tx, {one.ref for one in carried if one.kind in (Kind.STAGE, Kind.RENEWED)})
    renewed = {one.ref for one in carried if one.kind is Kind.RENEWED}
    before = await get_logins(
        tx, {one.previous_id for key, one in logins.items() if key in renewed and one.previous_id}
    )
    return {key: before.get(one.previous_id or 0, one) if key in renewed else one for key, one in logins.items()}


async def load_forecast(tx: AsyncConnection, subscriptions: Collection[Subscription], now: datetime) -> list[Upcoming]:
    """Return all reminders to come from those of the subscriptions that are not paused, soonest first."""
    pairs = await pair_up(tx, [one for one in subscriptions if one.paused_at is None], await get_snapshots(tx))
    channel_ids = {subscription.channel_id for subscription, _ in pairs}
    heard = await get_heard(tx, channel_ids, now, by_channel=True)
    assignments = await get_assignments(tx, channel_ids)
    upcoming: list[Upcoming] = []
    for subscription, snapshot in pairs:
        known = heard.get((subscription.channel_id, snapshot.account.id), NOTHING_HEARD)
        assignment = assignments.get((subscription.channel_id, subject_of(snapshot)))
        current = assignment if assignment and assignment.is_current(now) else None
        upcoming += foresee(subscription, snapshot, known, current, now)
    return sorted(upcoming, key=lambda one: one.at)


async def load_overviews(tx: AsyncConnection, guild_ids: Collection[int]) -> dict[int, Overview]:
    """Return each guild's overview as it was last read; empty before the first read."""
    if not guild_ids:
        return {}
    snapshots = (await get_snapshots(tx)).values()
    if not snapshots:
        return {}
    # An account that the last list did not hold was read earlier than the others.
    read_at = max(one.read_at for one in snapshots)
    accounts = [one.account for one in snapshots if one.read_at == read_at]
    is_confirmed = await get_confirmed_at(tx) is not None
    return {
        guild_id: build_overview(accounts, await get_subscriptions(tx, guild_id), read_at, is_confirmed=is_confirmed)
        for guild_id in guild_ids
    }
