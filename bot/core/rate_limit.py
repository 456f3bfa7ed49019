"""When next: how often one person may ask, and how long to wait before trying again."""

from datetime import UTC, datetime, timedelta

BURST = 10
INTERVAL = timedelta(seconds=3)
_PRUNE_ABOVE = 1024


class UserRateLimit:
    """A burst of 10 look-ups a person, then one every 3 seconds (a leaky bucket, kept as one date each).

    The time is an argument, so that a simulated clock works; aiolimiter and discord.py's cooldowns read their own.
    """

    def __init__(self) -> None:
        self._empty_at: dict[int, datetime] = {}
        self._pruned_at = datetime.fromtimestamp(0, UTC)

    def take(self, person: int, now: datetime) -> float:
        """Count one request and return 0.0, or return the seconds until the next one is allowed and count nothing."""
        # Not for each of a crowd: that would cost more with every person.
        if len(self._empty_at) > _PRUNE_ABOVE and abs(now - self._pruned_at) >= INTERVAL:
            self._pruned_at = now
            self._empty_at = {who: when for who, when in self._empty_at.items() if when > now}
        # A bucket holds no more than a burst; a clock set back would make it look fuller.
        empty_at = min(self._empty_at.get(person, now), now + BURST * INTERVAL)
        filled_until = max(empty_at, now) + INTERVAL
        excess = filled_until - now - BURST * INTERVAL
        if excess > timedelta(0):
            return excess.total_seconds()
        self._empty_at[person] = filled_until
        return 0.0


def backoff(failures: int, jitter: float, *, first: float = 1.0, most: float = 300.0) -> float:
    """Return the seconds to wait after this many failures in a row (1 or more): doubling, capped, spread.

    Args:
        failures: how many tries failed, at least 1.
        jitter: a random number from 0 to 1; the wait is between half and all of the doubled value.
        first: the longest wait after one failure.
        most: the longest wait at all.
    """
    doubled = first * 2.0 ** min(failures - 1, 32)
    return float(min(most, doubled) * (0.5 + jitter / 2))
