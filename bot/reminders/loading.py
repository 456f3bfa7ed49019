"""Loads what messages and boards are made of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot
from bot.core.assignments import Assignment, Subject
from bot.core.entries import (
    Entry,
    LastMessage,
    Relevance,
    by_urgency,
    is_first_of_login,
    newest_after,
    relevance_of,
)
from bot.core.incidents import OpenIncident
from bot.core.logins import Login
from bot.core.notes import Note
from bot.core.notifications import Kind, Notification
from bot.core.overview import Overview, build_overview
from bot.core.subscriptions import Subscription, active_subscription
from bot.reminders.concurrency import aside
from bot.store.accounts import get_appeared, get_logins, get_namesakes, get_snapshots
from bot.store.assignments import get_assignments
from bot.store.heard import get_last_heard
from bot.store.incidents import get_confirmed_at, get_shared_incidents
from bot.store.messages import get_sent
from bot.store.notes import get_notes
from bot.store.subscriptions import get_subscriptions, get_subscriptions_in

# The work on one, compared with that on a single value.
_ENTRY = 4


async def load_entries(
    tx: AsyncConnection,
    carried: Sequence[Notification],
    now: datetime,
    fresh: Mapping[str, AccountSnapshot] | None = None,
) -> list[Entry]:
    """Return the entries of one channel's notifications, most urgent first.

    `fresh` is a list that was read just now, in place of the last poll's.
    """
    (entries,) = await load_each(tx, [carried], now, fresh)
    return entries


async def load_each(
    tx: AsyncConnection,
    groups: Sequence[Sequence[Notification]],
    now: datetime,
    fresh: Mapping[str, AccountSnapshot] | None = None,
) -> list[list[Entry]]:
    """Return the entries of each group, as `load_entries` does, with as many queries as for one.

    The notifications of a group are those of one message, or of one channel.
    """
    known = await _load_known(tx, [one for group in groups for one in group], now, fresh)
    return await aside(sum(map(len, groups)) * _ENTRY, lambda: [_build_entries(group, known, now) for group in groups])


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows about some notifications; `last` and `subscriptions` by channel.

    `appeared` are the accounts that have appeared, and when, since the first of the present assignments.
    """

    snapshots: Mapping[str, AccountSnapshot]
    subscriptions: Mapping[int, Sequence[Subscription]]
    last: Mapping[int, Mapping[str | None, Mapping[Kind, LastMessage]]]
    logins: Mapping[int, Login]
    shared: Sequence[OpenIncident]
    assignments: Mapping[tuple[int, Subject], Assignment]
    appeared: Sequence[tuple[Account, datetime]]
    confirmed_at: datetime | None
    sent: Mapping[int, tuple[int | None, datetime]]
    namesakes: Collection[str]
    notes: Mapping[tuple[int, str], Note]
    fresh: Mapping[str, AccountSnapshot] | None

    def last_of(self, one: Notification) -> Mapping[Kind, LastMessage]:
        """Return the messages that a notification's channel last heard of its account in, by kind."""
        return self.last.get(one.channel_id, {}).get(one.account_id, {})


async def _load_known(
    tx: AsyncConnection, carried: Sequence[Notification], now: datetime, fresh: Mapping[str, AccountSnapshot] | None
) -> _Known:
    channel_ids = {one.channel_id for one in carried}
    account_ids = {one.account_id for one in carried if one.account_id is not None}
    snapshots = await get_snapshots(tx, account_ids)
    in_channel: dict[int, list[Subscription]] = {}
    for subscription in await get_subscriptions_in(tx, channel_ids):
        in_channel.setdefault(subscription.channel_id, []).append(subscription)
    last = await get_last_heard(tx, channel_ids)
    assignments = await get_assignments(tx, channel_ids)
    assigned_at = min((one.assigned_at for one in assignments.values() if one.is_current(now)), default=None)
    newer = {newest_after(one, last.get(one.channel_id, {}).get(one.account_id, {})) for one in carried}
    return _Known(
        snapshots=snapshots,
        subscriptions=in_channel,
        last=last,
        logins=await _load_reminded_logins(tx, carried, last),
        shared=await get_shared_incidents(tx),
        assignments=assignments,
        appeared=[] if assigned_at is None else await get_appeared(tx, assigned_at),
        confirmed_at=await get_confirmed_at(tx),
        sent=await get_sent(tx, {one for one in (*newer, *(one.message_id for one in carried)) if one}),
        namesakes=await get_namesakes(tx, [one.account for one in snapshots.values()]),
        notes=await get_notes(tx, {one.guild_id for one in carried}, account_ids),
        fresh=fresh,
    )


def _build_entries(carried: Sequence[Notification], known: _Known, now: datetime) -> list[Entry]:
    return sorted((_build_entry(one, known, now) for one in carried), key=lambda entry: by_urgency(entry, now))


def _build_entry(one: Notification, known: _Known, now: datetime) -> Entry:
    stored = None if one.account_id is None else known.snapshots.get(one.account_id)
    snapshot, is_listed, is_dated = (None, True, True) if stored is None else _as_listed(stored, known.fresh)
    is_confirmed = stored is not None and known.confirmed_at is not None and stored.read_at >= known.confirmed_at
    shared = next((found for found in known.shared if one.account_id is None and found.kind is one.kind), None)
    if one.kind is Kind.UNREADABLE:
        is_confirmed = shared is None or known.fresh is not None
    heard = known.last_of(one)
    is_first = is_first_of_login(one, heard)
    # Of a renewal, the login before it.
    ref = heard[Kind.STAGE].ref if is_first else one.ref
    _, said_at = known.sent.get(one.message_id or 0, (None, None))
    note = known.notes.get((one.guild_id, one.account_id or ""))
    newer_id, _ = known.sent.get(newest_after(one, heard) or 0, (None, None))
    entry = Entry(
        one,
        snapshot,
        active_subscription(one.account_id, known.subscriptions.get(one.channel_id, ())),
        known.logins.get(ref) if one.kind in (Kind.STAGE, Kind.RENEWED) else None,
        is_listed=is_listed,
        is_dated=is_dated,
        is_confirmed=is_confirmed,
        has_namesake=one.account_id in known.namesakes,
        is_renewed=is_first,
        since=shared.since if shared is not None else None,
        said_at=said_at,
        newer_id=newer_id,
        note=note.text if note is not None else None,
    )
    entry = replace(entry, relevance=relevance_of(entry, heard, now))
    entry = replace(entry, assignment=_find_assignment(entry, known, now))
    return replace(entry, strays=_find_strays(entry, known))


def _as_listed(
    snapshot: AccountSnapshot, fresh: Mapping[str, AccountSnapshot] | None
) -> tuple[AccountSnapshot, bool, bool]:
    """Return an account as the newest list shows it, whether that list holds it, and whether it gives its expiry.

    That is the list of the last poll, unless there is a `fresh` one.
    """
    read = None if fresh is None else fresh.get(snapshot.account.id)
    shown = snapshot.account if read is None else read.account
    is_dated = shown.expires_at is not None or snapshot.login is None
    if fresh is None:
        return replace(snapshot, account=snapshot.believed), not snapshot.has_incident(Kind.MISSING), is_dated
    if read is None:
        return snapshot, False, is_dated
    return replace(snapshot, account=read.account, read_at=read.read_at, doubt=None), True, is_dated


def _find_strays(entry: Entry, known: _Known) -> tuple[Account, ...]:
    """Return the accounts that appeared while the assigned person was to renew an entry's account."""
    assignment, said_at = entry.assignment, entry.said_at
    is_doubted = entry.snapshot is not None and entry.snapshot.doubt is not None
    if assignment is None or said_at is None or not entry.needs_action or is_doubted:
        return ()
    own_id = entry.notification.account_id
    # A later message does not repeat what an earlier one says.
    appeared = (account for account, at in known.appeared if assignment.is_renewing(at) and said_at <= at)
    return tuple(account for account in appeared if account.id != own_id)


def _find_assignment(entry: Entry, known: _Known, now: datetime) -> Assignment | None:
    """Return who is assigned to an entry's login, or was until it was renewed."""
    subject, channel_id = entry.subject, entry.notification.channel_id
    found = known.assignments.get((channel_id, subject))
    login = entry.snapshot.login if entry.snapshot else None
    if found is None and entry.relevance is Relevance.OVER and login is not None and login.previous_id:
        # The end of an error that a renewal has brought.
        found = known.assignments.get((channel_id, Subject(subject.account_id, login.previous_id)))
    # After the renewal the person is thanked, however old the assignment is.
    is_shown = found is not None and (found.is_current(now) or not entry.needs_action)
    return found if is_shown else None


async def _load_reminded_logins(
    tx: AsyncConnection,
    carried: Sequence[Notification],
    last: Mapping[int, Mapping[str | None, Mapping[Kind, LastMessage]]],
) -> dict[int, Login]:
    """Return the login that each notification reminds of, by its `ref`: of a renewal, the login before it.

    Also those that the channel has last heard of before a stage that is about to be sent.
    """
    last_of = {one: last.get(one.channel_id, {}).get(one.account_id, {}) for one in carried}
    heard = {found[Kind.STAGE].ref for one, found in last_of.items() if is_first_of_login(one, found)}
    logins = await get_logins(tx, heard | {one.ref for one in carried if one.kind in (Kind.STAGE, Kind.RENEWED)})
    renewed = {one.ref for one in carried if one.kind is Kind.RENEWED}
    before = await get_logins(
        tx, {one.previous_id for key, one in logins.items() if key in renewed and one.previous_id}
    )
    return {key: before.get(one.previous_id or 0, one) if key in renewed else one for key, one in logins.items()}


async def load_overviews(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> dict[int, Overview]:
    """Return each guild's overview as it was last read; empty before the first read."""
    if not guild_ids:
        return {}
    snapshots = (await get_snapshots(tx)).values()
    if not snapshots:
        return {}
    # An account that the last list did not hold was read earlier than the others.
    read_at = max(one.read_at for one in snapshots)
    accounts = [one.account for one in snapshots if one.read_at == read_at]
    failing = {one.account.id for one in snapshots if one.has_incident(Kind.FAILING)}
    is_confirmed = await get_confirmed_at(tx) is not None
    subscriptions = {guild_id: await get_subscriptions(tx, guild_id) for guild_id in guild_ids}
    return await aside(
        len(accounts) * len(subscriptions),
        lambda: {
            guild_id: build_overview(accounts, own, read_at, now, is_confirmed=is_confirmed, failing=failing)
            for guild_id, own in subscriptions.items()
        },
    )
