"""The status of an account, and how each one looks everywhere."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

EXPIRING_WITHIN = timedelta(days=7)
LAST_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Style:
    """How a status looks: an emoji, an RGB colour, a word."""

    emoji: str
    colour: int
    word: str


class Status(StrEnum):
    """How an account is doing, most urgent first."""

    EXPIRED = "expired"
    ERROR = "error"
    LAST_DAY = "last_day"
    EXPIRING = "expiring"
    UNKNOWN = "unknown"
    HEALTHY = "healthy"

    @property
    def style(self) -> Style:
        """Return how this status looks."""
        return _STYLES[self]


GREEN, AMBER, ORANGE, RED, GREY = 0x2E9E5B, 0xE0A100, 0xE8590C, 0xC92A2A, 0x868E96

_STYLES = {
    Status.EXPIRED: Style("🔴", RED, "Expired"),
    Status.ERROR: Style("🔴", RED, "In error"),
    Status.LAST_DAY: Style("🟠", ORANGE, "Last day"),
    Status.EXPIRING: Style("🟡", AMBER, "Expiring"),
    Status.UNKNOWN: Style("⚪", GREY, "Expiry unknown"),
    Status.HEALTHY: Style("🟢", GREEN, "Healthy"),
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
