"""Loads what subscriptions will send."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import AccountSnapshot
from bot.core.assignments import subject_of
from bot.core.entries import Entry
from bot.core.forecast import Upcoming, foresee, next_by_subscription
from bot.core.notifications import Kind, Notification
from bot.core.outlook import Outlook
from bot.core.rules import NOTHING_HEARD
from bot.core.stages import EXPIRED
from bot.core.subscriptions import Subscription, by_account, covering
from bot.core.wording import say_short_name
from bot.errors import NothingToTest
from bot.reminders.concurrency import aside
from bot.reminders.loading import load_entries
from bot.store.accounts import get_snapshots
from bot.store.assignments import get_assignments
from bot.store.heard import get_heard
from bot.store.incidents import get_incidents
from bot.store.leases import get_polled_at
from bot.store.subscriptions import get_subscriptions_in

# The work on the reminders of a subscription on one account, compared with that on a single value.
_PAIR = 4


async def pair_up(
    tx: AsyncConnection, subscriptions: Sequence[Subscription], snapshots: Mapping[str, AccountSnapshot]
) -> list[tuple[Subscription, AccountSnapshot]]:
    """Return each of these subscriptions with each of the accounts that it covers."""
    in_channel: dict[int, list[Subscription]] = {}
    for one in await get_subscriptions_in(tx, {one.channel_id for one in subscriptions}):
        in_channel.setdefault(one.channel_id, []).append(one)
    indexed = {channel_id: by_account(present) for channel_id, present in in_channel.items()}
    return await aside(
        len(subscriptions) * len(snapshots),
        lambda: [
            (one, snapshot)
            for one in subscriptions
            for account_id, snapshot in snapshots.items()
            if (found := covering(account_id, indexed.get(one.channel_id, {}))) is not None and found.id == one.id
        ],
    )


async def load_forecast(
    tx: AsyncConnection, subscriptions: Collection[Subscription], now: datetime, until: datetime
) -> list[Upcoming]:
    """Return the reminders to come by then from those of the subscriptions that are not paused, soonest first."""
    number, foresee_all = await _load_forecast(tx, subscriptions, now)
    within = (one for one in foresee_all() if one.at <= until)
    return await aside(number * _PAIR, lambda: sorted(within, key=lambda one: one.at))


async def load_next(
    tx: AsyncConnection, subscriptions: Collection[Subscription], now: datetime
) -> Mapping[int, Upcoming]:
    """Return the next reminder of each of the subscriptions that are not paused, by the subscription's id."""
    number, foresee_all = await _load_forecast(tx, subscriptions, now)
    return await aside(number * _PAIR, lambda: next_by_subscription(foresee_all()))


async def _load_forecast(
    tx: AsyncConnection, subscriptions: Collection[Subscription], now: datetime
) -> tuple[int, Callable[[], Iterator[Upcoming]]]:
    """Return the number of subscriptions times accounts, and what yields the reminders of all of them."""
    pairs = await pair_up(tx, [one for one in subscriptions if one.paused_at is None], await get_snapshots(tx))
    channel_ids = {subscription.channel_id for subscription, _ in pairs}
    heard = await get_heard(tx, channel_ids, now, by_channel=True)
    assignments = await get_assignments(tx, channel_ids)

    def foresee_all() -> Iterator[Upcoming]:
        for subscription, snapshot in pairs:
            known = heard.get((subscription.channel_id, snapshot.account.id), NOTHING_HEARD)
            assignment = assignments.get((subscription.channel_id, subject_of(snapshot)))
            current = assignment if assignment and assignment.is_current(now) else None
            yield from foresee(subscription, snapshot, known, current, now)

    return len(pairs), foresee_all


async def load_outlook(
    tx: AsyncConnection, subscription: Subscription, snapshots: Mapping[str, AccountSnapshot], now: datetime
) -> Outlook:
    """Return what a subscription will send once it is active; `snapshots` are those of all accounts."""
    active = replace(subscription, paused_at=None)
    comes_next = await load_next(tx, [active], now)
    covered = [snapshot for _, snapshot in await pair_up(tx, [active], snapshots)]
    return Outlook(
        comes_next.get(subscription.id),
        [one.believed for one in covered],
        has_failing=any(one.has_incident(Kind.FAILING) for one in covered),
        were_read=await were_accounts_read(tx),
    )


async def were_accounts_read(tx: AsyncConnection) -> bool:
    """Whether there was a poll, and the last one read the accounts."""
    outage = (await get_incidents(tx, Kind.UNREADABLE)).get(None)
    return await get_polled_at(tx) is not None and (outage is None or not outage.bad_polls)


async def load_sample(tx: AsyncConnection, subscription: Subscription, now: datetime) -> Entry:
    """Return a subscription's next reminder, paused or not, or one about the account that expires first.

    Raises:
        NothingToTest: the expiry of none of its accounts is known.
    """
    active = replace(subscription, paused_at=None)
    upcoming = (await load_next(tx, [active], now)).get(subscription.id)
    snapshots = await get_snapshots(tx)
    pairs = await pair_up(tx, [subscription], snapshots)
    logins = {snapshot.account.id: snapshot.login for _, snapshot in pairs if snapshot.login}
    if not logins:
        known = snapshots.get(subscription.account_id or "")
        raise NothingToTest(say_short_name(known.account) if known else None)
    account_id, stage = min(logins, key=lambda key: logins[key].expires_at), EXPIRED
    if upcoming is not None and upcoming.kind is Kind.STAGE:
        account_id, stage = upcoming.account.id, upcoming.stage
    place = subscription.guild_id, subscription.channel_id
    sample = Notification(*place, account_id, Kind.STAGE, logins[account_id].id, stage)
    (entry,) = await load_entries(tx, [sample], now)
    return replace(entry, subscription=active)
