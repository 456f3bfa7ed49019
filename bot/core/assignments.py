"""Assignments: who said "I'm on it", per channel and login, so that a new login starts unassigned."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bot.core.accounts import AccountSnapshot


class Subject(NamedTuple):
    """What a person is assigned to; `login_id` is 0 for an account without a known login."""

    account_id: str
    login_id: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """The Discord user who is assigned, and since when."""

    user_id: int
    assigned_at: datetime


def subject_of(snapshot: AccountSnapshot) -> Subject:
    """Return what a person is assigned to who says "I'm on it" about this account now."""
    return Subject(snapshot.account.id, snapshot.login.id if snapshot.login else 0)
