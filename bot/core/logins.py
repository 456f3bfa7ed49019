"""A login: the browser session behind an account, from its first known expiry until another one replaces it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# useapi.net moves an expiry by minutes at each refresh of a session.
SAME_EXPIRY_WITHIN = timedelta(hours=1)
RENEWED_AFTER = timedelta(hours=24)
# If no two readings agree for so long, the last expiry that was believed counts again.
DOUBTED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Login:
    """One login of an account; `previous_id` is the login it replaced, `user_id` the MiniMax user it belongs to.

    `life` is the time from issue to expiry, None if the issue is unknown. `began_at` is when it was seen to replace the
    one before, None for an account's first login.
    """

    id: int
    account_id: str
    expires_at: datetime
    life: timedelta | None
    previous_id: int | None
    user_id: str | None
    began_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """An expiry that was read once and waits for a second reading; `since` when no two readings have agreed."""

    expires_at: datetime
    since: datetime


def is_same_expiry(one: datetime, other: datetime) -> bool:
    """Whether two readings of an expiry agree."""
    return abs(one - other) <= SAME_EXPIRY_WITHIN


def is_renewal(before: datetime, after: datetime, now: datetime) -> bool:
    """Whether an account whose expiry has moved was renewed: by a day or more, or by hours after it had expired."""
    is_valid_again = before <= now < after and not is_same_expiry(before, after)
    return after - before >= RENEWED_AFTER or is_valid_again


def follow_expiry(
    login: Login | None,
    doubt: Doubt | None,
    expires_at: datetime,
    now: datetime,
    *,
    apart: timedelta = timedelta(0),
) -> tuple[datetime, Doubt | None]:
    """Return the expiry to believe after one more reading, and the doubt that is left.

    An account's first expiry is believed at once; one that has moved by more than an hour, once two readings agree
    that lie at least so far `apart`.
    """
    if login is None or is_same_expiry(login.expires_at, expires_at):
        return expires_at, None
    # A clock that was set back must not make a doubt last longer.
    since = min(doubt.since, now) if doubt else now
    if doubt is not None and is_same_expiry(doubt.expires_at, expires_at) and now - since >= apart:
        return expires_at, None
    return login.expires_at, Doubt(expires_at, since)


def follow_login(login: Login | None, new: Login, now: datetime) -> Login:
    """Return an account's login once an expiry is believed: the same one with that expiry, or a new one (id 0)."""
    if login is None:
        return new
    if is_renewal(login.expires_at, new.expires_at, now):
        return replace(new, previous_id=login.id, began_at=now)
    # A token that was issued again with the same expiry does not shorten the login's life.
    lives = [life for life in (login.life, new.life) if life is not None]
    return replace(login, expires_at=new.expires_at, life=max(lives, default=None))


def life_of(expires_at: datetime, issued_at: datetime | None) -> timedelta | None:
    """Return the time from issue to expiry, None if the issue is unknown or impossible."""
    return expires_at - issued_at if issued_at is not None and issued_at < expires_at else None
