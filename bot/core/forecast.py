"""Which reminders are to come if nothing changes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.accounts import Account, AccountSnapshot
from bot.core.assignments import Assignment
from bot.core.stages import Heard, coming_stages, decide, usable_stages
from bot.core.subscriptions import Subscription


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A reminder to come: from which subscription, about which account, at which stage, when, and who is assigned."""

    subscription: Subscription
    account: Account
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

    A reminder that is due already, or whose notification could not be sent yet, counts as now.
    """
    login, account = snapshot.login, snapshot.account
    if login is None:
        return
    heard = replace(heard, pending=frozenset())
    remaining = login.expires_at - now
    stages = usable_stages(subscription.lead_times, login.life)
    due = decide(stages, remaining, heard, None).due
    if due is not None:
        yield Upcoming(subscription, account, due, now, assignment)
    for stage in coming_stages(stages, remaining, heard):
        yield Upcoming(subscription, account, stage, login.expires_at - timedelta(days=stage), assignment)


def next_by_subscription(upcoming: Iterable[Upcoming]) -> dict[int, Upcoming]:
    """Return the first of these reminders for each subscription, by the subscription's id."""
    found: dict[int, Upcoming] = {}
    for one in upcoming:
        found.setdefault(one.subscription.id, one)
    return found
