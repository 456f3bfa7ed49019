"""Loads what messages and forecasts are made of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import AccountSnapshot
from bot.core.assignments import subject_of
from bot.core.entries import Entry, by_urgency, relevance_of
from bot.core.forecast import Upcoming, foresee
from bot.core.notifications import Kind, Notification
from bot.core.overview import Overview, build_overview
from bot.core.stages import Heard
from bot.core.subscriptions import Subscription
from bot.reminders.planning import get_missing, pair_up, wanted_by
from bot.store.accounts import get_logins, get_snapshots
from bot.store.assignments import get_assignments
from bot.store.incidents import get_confirmed_at, get_open_incidents
from bot.store.notifications import get_heard
from bot.store.subscriptions import get_subscriptions, get_subscriptions_in


async def load_entries(
    tx: AsyncConnection, carried: Sequence[Notification], fresh: Mapping[str, AccountSnapshot] | None = None
) -> list[Entry]:
    """Return the entries of one channel's notifications, most urgent first.

    `fresh` is a list that was read just now, in place of the last poll's.
    """
    if not carried:
        return []
    channel_ids = {carried[0].channel_id}
    snapshots = await get_snapshots(tx, {one.account_id for one in carried if one.account_id is not None})
    subscriptions = await get_subscriptions_in(tx, channel_ids)
    login_ids = {one.ref for one in carried if one.kind is Kind.STAGE}
    logins = await get_logins(tx, login_ids)
    heard = await get_heard(tx, channel_ids, login_ids)
    incidents = await get_open_incidents(tx)
    assignments = await get_assignments(tx, channel_ids)
    confirmed_at = await get_confirmed_at(tx)
    entries = []
    for one in carried:
        snapshot = None if one.account_id is None else snapshots.get(one.account_id)
        is_listed = (Kind.MISSING, one.account_id) not in incidents
        has_incident = (one.kind, one.account_id) in incidents
        if fresh is not None:
            read = fresh.get(one.account_id or "")
            is_listed = read is not None
            has_incident = one.kind is Kind.MISSING and not is_listed
            if read is not None:
                snapshot = replace(read, login=snapshot.login if snapshot else None)
        entry = Entry(one, snapshot, wanted_by(one, subscriptions), logins.get(one.ref), is_listed=is_listed)
        is_confirmed = snapshot is not None and confirmed_at is not None and snapshot.read_at >= confirmed_at
        assignment = assignments.get((one.channel_id, entry.subject))
        entry = replace(entry, is_confirmed=is_confirmed, assignment=assignment)
        sent = heard.get((one.channel_id, one.ref), Heard()).sent if one.kind is Kind.STAGE else frozenset[int]()
        entries.append(replace(entry, relevance=relevance_of(entry, sent, has_incident=has_incident)))
    return sorted(entries, key=by_urgency)


async def load_forecast(tx: AsyncConnection, subscriptions: Collection[Subscription], now: datetime) -> list[Upcoming]:
    """Return all reminders to come from those of the subscriptions that are not paused, soonest first."""
    missing = await get_missing(tx)
    snapshots = {key: one for key, one in (await get_snapshots(tx)).items() if key not in missing}
    pairs = await pair_up(tx, [one for one in subscriptions if one.paused_at is None], snapshots)
    channel_ids = {pair.subscription.channel_id for pair in pairs}
    heard = await get_heard(tx, channel_ids, {pair.snapshot.login.id for pair in pairs if pair.snapshot.login})
    assignments = await get_assignments(tx, channel_ids)
    upcoming: list[Upcoming] = []
    for pair in pairs:
        channel_id, login = pair.subscription.channel_id, pair.snapshot.login
        heard_here = heard.get((channel_id, login.id if login else 0), Heard())
        assignment = assignments.get((channel_id, subject_of(pair.snapshot)))
        upcoming += foresee(pair.subscription, pair.snapshot, heard_here, assignment, now)
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
