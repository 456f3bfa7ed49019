"""Assignments: who said "I'm on it", per channel and login, so that a new login starts unassigned."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.core.accounts import Account, AccountSnapshot

ENDS_AFTER = timedelta(days=7)


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


def mentions_role(assignment: Assignment | None, account: Account, at: datetime, *, is_follow_up: bool) -> bool:
    """Whether a reminder mentions the role, beside the assigned person if there is one.

    Once somebody is assigned, only the last day and the expiry itself still concern everybody.
    """
    return assignment is None or (account.is_urgent(at) and not is_follow_up)


def subject_of(snapshot: AccountSnapshot) -> Subject:
    """Return what a person is assigned to who says "I'm on it" about this account now."""
    return Subject(snapshot.account.id, snapshot.login.id if snapshot.login else 0)
