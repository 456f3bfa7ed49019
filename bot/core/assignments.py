"""Assignments: who said "I'm on it", per channel and login, so that a new login starts unassigned."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.core.accounts import Account, AccountSnapshot
from bot.core.status import EXPIRING_WITHIN
from bot.core.subscriptions import NewSubscription

ENDS_AFTER = timedelta(days=7)
# A renewal takes about five minutes; for so long after an assignment the accounts are read more often.
RENEWING_FOR = timedelta(minutes=20)


class Subject(NamedTuple):
    """What a person is assigned to; `login_id` is 0 for an account without a known login."""

    account_id: str
    login_id: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """The Discord user who is assigned, and since when."""

    user_id: int
    assigned_at: datetime

    def is_current(self, now: datetime) -> bool:
        """Whether it still holds: it ends after seven days."""
        return now - self.assigned_at < ENDS_AFTER

    def is_renewing(self, at: datetime) -> bool:
        """Whether the person may be renewing the login at that time."""
        return timedelta(0) <= at - self.assigned_at < RENEWING_FOR


def is_quiet(subscription: NewSubscription, stage: int | None, account: Account | None, at: datetime) -> bool:
    """Whether a reminder of this stage pings nobody at that time: it comes early, and a tighter one follows."""
    left = account.remaining(at) if account is not None else None
    # A stage is sent late to a reminder that was added late.
    is_early = _is_early(stage or 0) and (left is None or left > EXPIRING_WITHIN)
    return is_early and not all(map(_is_early, subscription.lead_times))


def begins_quietly(subscription: NewSubscription) -> bool:
    """Whether the first reminders of a login come early and ping nobody, since tighter ones follow."""
    return any(map(_is_early, subscription.lead_times)) and not all(map(_is_early, subscription.lead_times))


def _is_early(days: int) -> bool:
    return timedelta(days=days) > EXPIRING_WITHIN


def includes_ping(
    subscription: NewSubscription,
    stage: int | None,
    assignment: Assignment | None,
    account: Account,
    at: datetime,
    *,
    is_follow_up: bool,
) -> bool:
    """Whether a reminder of this stage pings whom its subscription names, beside the assigned person if there is one.

    Once somebody is assigned, only the last day and the expiry itself still concern everybody.
    """
    if subscription.ping is None or is_quiet(subscription, stage, account, at):
        return False
    return assignment is None or (account.is_urgent(at) and not is_follow_up)


def subject_of(snapshot: AccountSnapshot) -> Subject:
    """Return what a person is assigned to who says "I'm on it" about this account now."""
    return Subject(snapshot.account.id, snapshot.login.id if snapshot.login else 0)
