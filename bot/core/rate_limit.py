"""How often one user may use commands and buttons."""

from datetime import UTC, datetime, timedelta

BURST = 10
INTERVAL = timedelta(seconds=3)
_PRUNE_ABOVE = 1024


class UserRateLimit:
    """A burst of 10 requests a user, then one every 3 seconds (a leaky bucket, kept as one time each).

    The time is an argument, so that a simulated clock works; aiolimiter and discord.py's cooldowns read their own.
    """

    def __init__(self) -> None:
        self._empty_at: dict[int, datetime] = {}
        self._pruned_at = datetime.fromtimestamp(0, UTC)

    def take(self, user: int, now: datetime) -> float:
        """Count one request and return 0.0, or return the seconds until the next one is allowed and count nothing."""
        # Not for each of a crowd: that would cost more with every user.
        if len(self._empty_at) > _PRUNE_ABOVE and abs(now - self._pruned_at) >= INTERVAL:
            self._pruned_at = now
            self._empty_at = {key: when for key, when in self._empty_at.items() if when > now}
        # A bucket holds no more than a burst; a clock set back would make it look fuller.
        empty_at = min(self._empty_at.get(user, now), now + BURST * INTERVAL)
        filled_until = max(empty_at, now) + INTERVAL
        excess = filled_until - now - BURST * INTERVAL
        if excess > timedelta(0):
            return excess.total_seconds()
        self._empty_at[user] = filled_until
        return 0.0
