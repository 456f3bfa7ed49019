"""The status of an account, and how each one looks everywhere."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

EXPIRING_WITHIN = timedelta(days=7)
LAST_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Style:
    """How a status looks: an emoji and an RGB colour."""

    emoji: str
    colour: int


class Status(StrEnum):
    """How an account is doing, most urgent first."""

    EXPIRED = "expired"
    ERROR = "error"
    LAST_DAY = "last_day"
    EXPIRING = "expiring"
    HEALTHY = "healthy"
    UNKNOWN = "unknown"

    @property
    def style(self) -> Style:
        """Return how this status looks."""
        return _STYLES[self]

    @property
    def needs_renewal(self) -> bool:
        """Whether jobs fail, or will, until somebody renews the login."""
        return self in (Status.EXPIRED, Status.ERROR)

    @property
    def is_soon(self) -> bool:
        """Whether the login expires within days."""
        return self in (Status.LAST_DAY, Status.EXPIRING)


GREEN, AMBER, ORANGE, RED, GREY = 0x2E9E5B, 0xE0A100, 0xE8590C, 0xC92A2A, 0x868E96

_STYLES = {
    Status.EXPIRED: Style("🔴", RED),
    Status.ERROR: Style("⚠️", RED),
    Status.LAST_DAY: Style("🟠", ORANGE),
    Status.EXPIRING: Style("🟡", AMBER),
    Status.HEALTHY: Style("🟢", GREEN),
    Status.UNKNOWN: Style("⚪", GREY),
}


def status_of(remaining: timedelta | None) -> Status:
    """Return the status of a login with this much time left; None stands for an unknown expiry."""
    if remaining is None:
        return Status.UNKNOWN
    if remaining <= timedelta(0):
        return Status.EXPIRED
    if remaining <= LAST_DAY:
        return Status.LAST_DAY
    return Status.EXPIRING if remaining <= EXPIRING_WITHIN else Status.HEALTHY
