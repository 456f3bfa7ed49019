"""A MiniMax account as the rest of the bot sees it: typed, dated, without secrets."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

EXPIRING_WITHIN = timedelta(days=7)
LAST_DAY = timedelta(days=1)
# PostgreSQL's indexes take some 2,700 bytes, of which others need a few.
MAX_ID = 256

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_possible_id(account_id: str) -> bool:
    """Whether an id can be asked for and kept: not blank, no dot segment, not too long, no control characters."""
    is_segment = bool(account_id.strip()) and account_id not in (".", "..") and len(account_id) <= MAX_ID
    return is_segment and not any(unicodedata.category(character) in ("Cc", "Cs") for character in account_id)


class Status(StrEnum):
    """How an account is doing."""

    HEALTHY = "healthy"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capability:
    """One `support...` flag; `supported` is None where the API does not say."""

    flag: str
    supported: bool | None

    @property
    def label(self) -> str:
        """Return the flag in words: `supportVoiceClone` reads "Voice clone"."""
        words = _WORD_STARTS.sub(" ", self.flag.removeprefix("support"))
        return words[:1].upper() + words[1:].lower()


@dataclass(frozen=True, slots=True)
class Account:
    """One account; None stands for "the API does not say". All times are aware UTC."""

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
        """Return the part of the token's life that is left, 0 to 1, None if either end is unknown."""
        if self.expires_at is None or self.issued_at is None or self.issued_at >= self.expires_at:
            return None
        left = (self.expires_at - now) / (self.expires_at - self.issued_at)
        return min(1.0, max(0.0, left))

    def status(self, now: datetime) -> Status:
        """Return the status; what the API calls an error outranks every date."""
        if self.error is not None:
            return Status.ERROR
        remaining = self.remaining(now)
        if remaining is None:
            return Status.UNKNOWN
        if remaining <= timedelta(0):
            return Status.EXPIRED
        return Status.EXPIRING if remaining <= EXPIRING_WITHIN else Status.HEALTHY

    def is_urgent(self, now: datetime) -> bool:
        """Whether at most 24 hours are left, or none."""
        return self.expires_at is not None and self.expires_at - now <= LAST_DAY

    def is_last_day(self, now: datetime) -> bool:
        """Whether at most 24 hours are left."""
        remaining = self.remaining(now)
        return remaining is not None and timedelta(0) < remaining <= LAST_DAY


def by_urgency(account: Account) -> tuple[bool, float, str]:
    """Return a sort key: soonest expiry first, unknown expiry last, then by id."""
    expires_at = account.expires_at
    return expires_at is None, expires_at.timestamp() if expires_at else 0.0, account.id
