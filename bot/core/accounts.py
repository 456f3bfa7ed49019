"""A MiniMax account as useapi.net reports it: typed, dated, without secrets."""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.incidents import LowCredits, OpenIncident, Reason
from bot.core.logins import Doubt, Login
from bot.core.notifications import Kind
from bot.core.status import Status, status_of

# A PostgreSQL index row holds about 2,700 bytes, and other columns share it.
MAX_ID = 256

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_possible_id(account_id: str) -> bool:
    """Whether an id fits into a URL and the database: not blank, no dot segment, not long, no control characters."""
    is_segment = bool(account_id.strip()) and account_id not in (".", "..") and len(account_id) <= MAX_ID
    return is_segment and not any(unicodedata.category(character) in ("Cc", "Cs") for character in account_id)


@dataclass(frozen=True, slots=True)
class Capability:
    """One `support...` flag; `supported` is None where the API does not report it."""

    flag: str
    supported: bool | None

    @property
    def label(self) -> str:
        """Return the flag in words: `supportVoiceClone` reads "Voice clone"."""
        words = _WORD_STARTS.sub(" ", self.flag.removeprefix("support"))
        return words[:1].upper() + words[1:].lower()


@functools.lru_cache(1_000)
def build_capabilities(flags: tuple[tuple[str, bool | None], ...]) -> tuple[Capability, ...]:
    """Return the capabilities with these flags; the accounts that have the same ones share them."""
    return tuple(Capability(flag, supported) for flag, supported in flags)


@dataclass(frozen=True, slots=True)
class Account:
    """One account; None stands for "not reported". All times are aware UTC."""

    id: str
    name: str | None = None
    user_id: str | None = None
    anonymous: bool | None = None
    avatar_url: str | None = None
    expires_at: datetime | None = None
    issued_at: datetime | None = None
    host: str | None = None
    max_jobs: int | None = None
    capabilities: tuple[Capability, ...] = ()
    masked_token: str | None = None
    error: str | None = None

    def remaining(self, now: datetime) -> timedelta | None:
        """Return the time left, negative once expired, None if the expiry is unknown."""
        return None if self.expires_at is None else self.expires_at - now

    def remaining_share(self, now: datetime) -> float | None:
        """Return the part of the login's life that is left, 0 to 1, None if either end is unknown."""
        if self.expires_at is None or self.issued_at is None or self.issued_at >= self.expires_at:
            return None
        left = (self.expires_at - now) / (self.expires_at - self.issued_at)
        return min(1.0, max(0.0, left))

    def status(self, now: datetime) -> Status:
        """Return the status; an error that the API reports outranks every date."""
        return Status.ERROR if self.error is not None else status_of(self.remaining(now))

    def has_expired(self, now: datetime) -> bool:
        """Whether the login's expiry has passed."""
        return self.expires_at is not None and self.expires_at <= now

    def is_urgent(self, now: datetime) -> bool:
        """Whether the login expires within 24 hours or has expired, error or not."""
        return status_of(self.remaining(now)) in (Status.LAST_DAY, Status.EXPIRED)


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """An account as it was read, and when.

    `login` is its login, once the database knows one: its expiry is the last one that was believed, and `doubt` another
    one that waits for a second reading. `incidents` are the open ones. `appeared_at` is when it was read for the first
    time, None if the first list of all held it. `low_credits` are the thresholds that its credits are below.
    """

    account: Account
    read_at: datetime
    login: Login | None = None
    doubt: Doubt | None = None
    incidents: tuple[OpenIncident, ...] = ()
    appeared_at: datetime | None = None
    low_credits: tuple[LowCredits, ...] = ()

    @property
    def believed(self) -> Account:
        """Return the account with the expiry that is believed, also while the API gives another one or none."""
        return self.account if self.login is None else replace(self.account, expires_at=self.login.expires_at)

    def has_incident(self, kind: Kind) -> bool:
        """Whether an incident of this kind is open."""
        return any(one.kind is kind for one in self.incidents)

    @property
    def failing_reason(self) -> Reason | None:
        """Return why all jobs of the account fail, None if they don't, or the reason is not known."""
        return next((one.reason for one in self.incidents if one.kind is Kind.FAILING), None)

    def low_credits_below(self, threshold: int | None) -> LowCredits | None:
        """Return that its credits are below this threshold, None if they aren't, or the threshold is None."""
        return next((one for one in self.low_credits if one.threshold == threshold), None)


def by_expiry(account: Account) -> tuple[bool, float, str]:
    """Return a sort key: soonest expiry first, unknown expiry last, then by id."""
    expires_at = account.expires_at
    return expires_at is None, expires_at.timestamp() if expires_at else 0.0, account.id


def sort_by_urgency(accounts: Iterable[Account], now: datetime) -> list[Account]:
    """Return the accounts, most urgent status first, and within a status the soonest expiry first."""
    order = list(Status)
    return sorted(accounts, key=lambda account: (order.index(account.status(now)), *by_expiry(account)))


def shared_names(accounts: Iterable[Account]) -> set[str]:
    """Return the user names that several of these accounts have."""
    names = Counter(name for _, name in {(account.id, account.name) for account in accounts} if name)
    return {name for name, count in names.items() if count > 1}
