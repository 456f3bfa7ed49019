"""Plans what each channel hears next: compares what it has heard with how its accounts stand, at each poll anew."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import AccountSnapshot
from bot.core.incidents import OpenIncident
from bot.core.notifications import Kind, Notification, State
from bot.core.offers import InGuild, choose_channel, is_covered, is_new
from bot.core.rules import NOTHING_HEARD, Decision, Due, Heard, HeardStage, decide, decide_shared
from bot.core.subscriptions import Subscription, active_subscription, covering
from bot.reminders.concurrency import aside, give_way
from bot.store.accounts import get_snapshots
from bot.store.heard import Pair, delete_heard, get_followed_up, get_heard, move_heard
from bot.store.incidents import get_shared_incidents
from bot.store.notifications import (
    add_pending,
    change_pending,
    delete_pending,
    get_pending,
    get_unsent,
)
from bot.store.subscriptions import get_all_subscriptions, get_subscriptions, get_subscriptions_in

# Removing a reminder and adding it again, to change it, repeats nothing.
_FORGOTTEN_AFTER = timedelta(days=1)
# So many that no real list of accounts needs a second message, so few that each message is made in no time.
MAX_DUE = 2_000
_OFFER = Due(Kind.NEW_ACCOUNT, 0, 0)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decisions of one poll are made from.

    `shared` is an incident of the accounts as a whole; `followed_up` are the channels that got a follow-up today.
    """

    subscriptions: Mapping[int, Mapping[str | None, Subscription]]
    snapshots: Mapping[str, AccountSnapshot]
    heard: Mapping[int, Mapping[str | None, Heard]]
    unsent: Mapping[int, Sequence[tuple[Notification, State]]]
    shared: OpenIncident | None
    followed_up: Collection[int] = ()


@dataclass(slots=True)
class Plan:
    """What to save: notifications to add, change and delete, and what counts as heard from now on.

    `is_cut` if more is due in a channel than one message carries: the next poll plans the rest.
    """

    added: list[Notification] = field(default_factory=list)
    changed: list[Notification] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    moved: list[tuple[int, str, HeardStage]] = field(default_factory=list)
    forgotten: list[Pair] = field(default_factory=list)
    is_cut: bool = False


async def load_situation(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> Situation:
    """Load what the decisions for these guilds are made from."""
    subscriptions: dict[int, dict[str | None, Subscription]] = {}
    async for one in give_way(await get_all_subscriptions(tx, guild_ids)):
        subscriptions.setdefault(one.channel_id, {})[one.account_id] = one
    heard: dict[int, dict[str | None, Heard]] = {}
    async for (channel_id, account_id), known in give_way((await get_heard(tx, guild_ids, now)).items()):
        heard.setdefault(channel_id, {})[account_id] = known
    unsent: dict[int, list[tuple[Notification, State]]] = {}
    async for notification, state in give_way(await get_unsent(tx, guild_ids)):
        unsent.setdefault(notification.channel_id, []).append((notification, state))
    return Situation(
        subscriptions=subscriptions,
        snapshots=await get_snapshots(tx),
        heard=heard,
        unsent=unsent,
        shared=next(iter(await get_shared_incidents(tx)), None),
        followed_up=await get_followed_up(tx, guild_ids, now),
    )


async def draw_up_plan(situation: Situation, now: datetime) -> Plan:
    """Return what changes for each channel; other tasks go on meanwhile."""
    channel_ids = situation.subscriptions.keys() | situation.unsent.keys() | situation.heard.keys()
    return await aside(len(channel_ids) * len(situation.snapshots), lambda: _draw_up_plan(situation, channel_ids, now))


def _draw_up_plan(situation: Situation, channel_ids: Iterable[int], now: datetime) -> Plan:
    plan, first, offers = Plan(), _FirstDecisions(situation.snapshots, now), _find_offers(situation, now)
    for channel_id in channel_ids:
        _plan_channel(plan, situation, first, offers.get(channel_id, ()), channel_id, now)
    return plan


async def save_plan(tx: AsyncConnection, plan: Plan, now: datetime) -> None:
    """Save a plan."""
    await delete_pending(tx, plan.deleted)
    await change_pending(tx, plan.changed)
    await add_pending(tx, plan.added, now)
    await move_heard(tx, plan.moved)
    await delete_heard(tx, plan.forgotten)


class _FirstDecisions:
    """The decisions for channels that have heard nothing yet: they differ only by the terms of a subscription."""

    def __init__(self, snapshots: Mapping[str, AccountSnapshot], now: datetime) -> None:
        self._snapshots, self._now = snapshots, now
        self._by_terms: dict[tuple[tuple[int, ...], bool, int | None], dict[str, Decision]] = {}

    def of(self, subscription: Subscription) -> Mapping[str, Decision]:
        """Return the decisions with a notification, by account id."""
        terms = subscription.lead_times, subscription.follow_ups, subscription.credits_below
        if terms not in self._by_terms:
            decisions = {
                key: decide(NOTHING_HEARD, snapshot, subscription, self._now)
                for key, snapshot in self._snapshots.items()
            }
            self._by_terms[terms] = {key: one for key, one in decisions.items() if one.due is not None}
        return self._by_terms[terms]


def _find_offers(situation: Situation, now: datetime) -> dict[int, list[str]]:
    """Return the new accounts that no active subscription of a server covers, by the channel that is offered one."""
    new = [account_id for account_id, snapshot in situation.snapshots.items() if is_new(snapshot, now)]
    by_guild: dict[int, dict[int, Mapping[str | None, Subscription]]] = {}
    for channel_id, in_channel in situation.subscriptions.items() if new else ():
        guild_id = next(iter(in_channel.values())).guild_id
        by_guild.setdefault(guild_id, {})[channel_id] = in_channel
    offers: dict[int, list[str]] = {}
    for guild_id, in_guild in by_guild.items():
        offered = _find_offered(situation, guild_id, in_guild)
        chosen = choose_channel(in_guild)
        if chosen is not None:
            offers[chosen] = [one for one in new if one not in offered and not is_covered(one, in_guild)]
    return offers


def _find_offered(situation: Situation, guild_id: int, in_guild: InGuild) -> set[str | None]:
    """Return the new accounts of which a server has heard, or may be hearing now.

    A channel without subscriptions may be of any server.
    """
    heard = {
        account_id
        for channel_id, known in situation.heard.items()
        if channel_id in in_guild or channel_id not in situation.subscriptions
        for account_id, one in known.items()
        if Kind.NEW_ACCOUNT in one.incidents
    }
    unsent = (one for in_channel in situation.unsent.values() for one in in_channel)
    return heard | {
        one.account_id
        for one, state in unsent
        if one.kind is Kind.NEW_ACCOUNT and one.guild_id == guild_id and state is State.SENDING
    }


def _plan_channel(
    plan: Plan,
    situation: Situation,
    first: _FirstDecisions,
    offered: Collection[str],
    channel_id: int,
    now: datetime,
) -> None:
    in_channel = situation.subscriptions.get(channel_id, {})
    heard = situation.heard.get(channel_id, {})
    unsent = situation.unsent.get(channel_id, ())
    sending = [one for one, state in unsent if state is State.SENDING]
    in_flight = {one.account_id for one in sending}
    is_followed_up = channel_id in situation.followed_up or any(one.is_follow_up for one in sending)
    due: dict[str | None, tuple[Subscription, Due]] = {}
    for account_id in (*sorted(_candidates(in_channel, heard, first)), None):
        # Whether it arrives decides what the channel has heard.
        if account_id in in_flight:
            continue
        found = _decide_about(situation, first, channel_id, account_id, now)
        if found is None:
            if account_id in situation.snapshots and _is_forgotten(account_id, in_channel, heard, now):
                plan.forgotten.append((channel_id, account_id))
            continue
        subscription, decision = found
        if decision.heard is not None and account_id is not None:
            plan.moved.append((channel_id, account_id, decision.heard))
        if decision.due is not None and not (decision.due.is_follow_up and is_followed_up):
            due[account_id] = subscription, decision.due
    if len(due) > MAX_DUE:
        due = dict(sorted(due.items(), key=lambda one: _precedence(one[1][1], heard.get(one[0])))[:MAX_DUE])
        plan.is_cut = True
    due |= {account_id: (next(iter(in_channel.values())), _OFFER) for account_id in offered}
    _reconcile(plan, [one for one, state in unsent if state is State.PENDING], due)


def _decide_about(
    situation: Situation, first: _FirstDecisions, channel_id: int, account_id: str | None, now: datetime
) -> tuple[Subscription, Decision] | None:
    """Return what a channel hears next about an account, or about all as a whole (None), and for which subscription.

    None if no active subscription covers it, or nothing is known about it.
    """
    in_channel, heard = situation.subscriptions.get(channel_id, {}), situation.heard.get(channel_id, {})
    if account_id is None:
        active = [one for one in in_channel.values() if one.paused_at is None]
        if situation.shared is None or not active:
            return None
        follow_ups = any(one.follow_ups for one in active)
        return active[0], decide_shared(heard.get(None, NOTHING_HEARD), situation.shared, now, follow_ups=follow_ups)
    subscription = covering(account_id, in_channel)
    if subscription is None or subscription.paused_at is not None or account_id not in situation.snapshots:
        return None
    if account_id not in heard:
        return subscription, first.of(subscription).get(account_id, Decision())
    return subscription, decide(heard[account_id], situation.snapshots[account_id], subscription, now)


def _precedence(due: Due, heard: Heard | None) -> tuple[bool, float, int]:
    """Return a sort key: accounts of which the channel has heard first, then the most urgent, then older logins."""
    return heard is None, math.inf if due.stage is None else due.stage, due.ref


def _candidates(
    in_channel: Mapping[str | None, Subscription], heard: Mapping[str | None, Heard], first: _FirstDecisions
) -> set[str]:
    """Return the accounts that something can be due about: others have nothing new, and were never heard of."""
    found = {account_id for account_id in heard if account_id is not None}
    for account_id, subscription in in_channel.items():
        if subscription.paused_at is not None:
            continue
        noteworthy = first.of(subscription)
        if account_id is None:
            found |= noteworthy.keys()
        elif account_id in noteworthy:
            found.add(account_id)
    return found


def _is_forgotten(
    account_id: str | None,
    in_channel: Mapping[str | None, Subscription],
    heard: Mapping[str | None, Heard],
    now: datetime,
) -> bool:
    """Whether no subscription covers an account any more, and one that is added now tells its channel all anew."""
    last_at = heard[account_id].last_at if account_id in heard else None
    is_uncovered = account_id is not None and covering(account_id, in_channel) is None
    return is_uncovered and last_at is not None and now - last_at >= _FORGOTTEN_AFTER


def _reconcile(plan: Plan, pending: Sequence[Notification], due: Mapping[str | None, tuple[Subscription, Due]]) -> None:
    """Compare what is pending in a channel with what is due there."""
    left = dict(due)
    for one in pending:
        wanted = left.pop(one.account_id, None)
        if wanted is None:
            plan.deleted.append(one.id)
        elif (changed := _about(one, wanted[1])) != one:
            plan.changed.append(changed)
    for account_id, (subscription, content) in left.items():
        blank = Notification(subscription.guild_id, subscription.channel_id, account_id, content.kind, content.ref)
        plan.added.append(_about(blank, content))


def _about(notification: Notification, due: Due) -> Notification:
    return replace(
        notification,
        kind=due.kind,
        ref=due.ref,
        stage=due.stage,
        expires_at=due.expires_at,
        is_follow_up=due.is_follow_up,
    )


async def judge_pending(tx: AsyncConnection, channel_id: int, now: datetime) -> list[Notification]:
    """Judge the pending notifications of a channel once more; save the changes and return those that are due."""
    pending = await get_pending(tx, channel_id)
    if not pending:
        return []
    heard = await get_heard(tx, {channel_id}, now, by_channel=True)
    situation = Situation(
        subscriptions={channel_id: {one.account_id: one for one in await get_subscriptions_in(tx, {channel_id})}},
        snapshots=await get_snapshots(tx, {one.account_id for one in pending if one.account_id is not None}),
        heard={channel_id: {account_id: one for (_, account_id), one in heard.items()}},
        unsent={},
        shared=next(iter(await get_shared_incidents(tx)), None),
    )
    first, in_guild = _FirstDecisions(situation.snapshots, now), await _load_guild(tx, pending)
    due: dict[str | None, tuple[Subscription, Due]] = {}
    for one in pending:
        found = _decide_about(situation, first, channel_id, one.account_id, now)
        if found is not None:
            subscription, decision = found
            if decision.due is not None:
                due[one.account_id] = subscription, decision.due
        elif one.kind is Kind.NEW_ACCOUNT and choose_channel(in_guild) == channel_id:
            snapshot = situation.snapshots.get(one.account_id or "")
            if snapshot is not None and is_new(snapshot, now) and not is_covered(snapshot.account.id, in_guild):
                due[one.account_id] = next(iter(in_guild[channel_id].values())), _OFFER
    plan = Plan()
    _reconcile(plan, pending, due)
    await delete_pending(tx, plan.deleted)
    await change_pending(tx, plan.changed)
    changed = {one.id: one for one in plan.changed}
    return [changed.get(one.id, one) for one in pending if one.id not in plan.deleted]


async def _load_guild(tx: AsyncConnection, pending: Sequence[Notification]) -> InGuild:
    """Return the subscriptions of the server of a channel with offers; others are not needed."""
    in_guild: dict[int, dict[str | None, Subscription]] = {}
    guild_ids = {one.guild_id for one in pending if one.kind is Kind.NEW_ACCOUNT}
    for guild_id in guild_ids:
        for subscription in await get_subscriptions(tx, guild_id):
            in_guild.setdefault(subscription.channel_id, {})[subscription.account_id] = subscription
    return in_guild


async def delete_unwanted(tx: AsyncConnection, channel_id: int) -> None:
    """Delete the pending notifications of a channel that no active subscription covers any more."""
    subscriptions = await get_subscriptions_in(tx, {channel_id})
    pending = await get_pending(tx, channel_id)
    await delete_pending(tx, [one.id for one in pending if active_subscription(one.account_id, subscriptions) is None])
