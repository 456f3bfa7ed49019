"""Which reminders are to come if nothing changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.core.accounts import Account, AccountSnapshot
from bot.core.assignments import Assignment
from bot.core.notifications import FAILURES, Kind
from bot.core.rules import Heard, decide
from bot.core.stages import coming_stages, usable_lead_times
from bot.core.subscriptions import Subscription


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A reminder to come: from which subscription, about which account, at which stage, when, and who is assigned."""

    subscription: Subscription
    account: Account
    kind: Kind
    stage: int
    at: datetime
    assignment: Assignment | None = None


def foresee(
    subscription: Subscription,
    snapshot: AccountSnapshot,
    heard: Heard,
    assignment: Assignment | None,
    now: datetime,
) -> Iterable[Upcoming]:
    """Yield the reminders of one subscription about one account, soonest first.

    One that is due already, or that could not be sent yet, counts as now. A failing account has no other to come.
    """
    login, account = snapshot.login, snapshot.account
    due = decide(heard, snapshot, subscription, now).due
    if due is not None and due.kind is not Kind.RENEWED:
        yield Upcoming(subscription, account, due.kind, due.stage or 0, now, assignment)
    if login is None or any(snapshot.has_incident(kind) for kind in (Kind.MISSING, *FAILURES)):
        return
    if due is not None and due.kind is not Kind.LOW_CREDITS:
        reached = due.stage
    else:
        reached = heard.stage.stage if heard.stage is not None else None
    lead_times = usable_lead_times(subscription.lead_times, login.life)
    for stage, at in coming_stages(lead_times, login.expires_at, reached, now, follow_ups=subscription.follow_ups):
        yield Upcoming(subscription, account, Kind.STAGE, stage, at, assignment)


def next_by_subscription(upcoming: Iterable[Upcoming]) -> dict[int, Upcoming]:
    """Return the first of these reminders for each subscription, by the subscription's id."""
    found: dict[int, Upcoming] = {}
    for one in upcoming:
        if one.at < found.setdefault(one.subscription.id, one).at:
            found[one.subscription.id] = one
    return found
