"""A login: the browser session behind an account, from its first known expiry until another one replaces it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# useapi.net moves an expiry silently, and two values may alternate: a shift below a day is the same login.
SAME_LOGIN_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Login:
    """One login of an account; `previous_id` is the login it replaced, `user_id` the MiniMax user it belongs to."""

    id: int
    account_id: str
    first_expires_at: datetime
    expires_at: datetime
    life: timedelta | None
    previous_id: int | None
    user_id: str | None


def is_same_login(expires_at: datetime, first_expires_at: datetime) -> bool:
    """Whether an expiry belongs to the login whose first known expiry was `first_expires_at`."""
    return abs(expires_at - first_expires_at) <= SAME_LOGIN_WITHIN


def longest_life(
    expires_at: datetime, issued_at: datetime | None, known_life: timedelta | None, now: datetime
) -> timedelta | None:
    """Return the longest life known of a login, in whole seconds; None if every known life is absurd."""
    lives = [expires_at - now]
    lives += [expires_at - issued_at] if issued_at else []
    lives += [known_life] if known_life else []
    seconds = round(max(lives).total_seconds())
    return timedelta(seconds=seconds) if seconds > 0 else None
