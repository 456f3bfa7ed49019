"""How often people may use commands and buttons: one user, and all of them together."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_PRUNE_ABOVE = 1024


@dataclass(frozen=True, slots=True)
class Budget:
    """A burst of so many requests, then one every interval."""

    burst: int
    interval: timedelta


# Enough to set up a reminder for each account of a team in one go; each may cost a call of the API.
COMMANDS = Budget(20, timedelta(seconds=3))
# Turning pages costs no call, and equal checks share one. A person does not press faster for long.
BUTTONS = Budget(30, timedelta(seconds=1))
# Presses of all users together, so that no crowd delays others: those of a message that many look at, and of a server.
MESSAGE_BUTTONS = Budget(150, timedelta(seconds=0.5))
GUILD_BUTTONS = Budget(400, timedelta(seconds=0.1))


class RateLimit:
    """Keeps each user, message or server within a budget (a leaky bucket, kept as one time each).

    The time is an argument, so that a simulated clock works; aiolimiter and discord.py's cooldowns read their own.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._empty_at: dict[int, datetime] = {}
        self._pruned_at = datetime.fromtimestamp(0, UTC)

    def take(self, key: int, now: datetime) -> float:
        """Count one request and return 0.0, or return the seconds until the next one is allowed and count nothing."""
        interval, whole = self._budget.interval, self._budget.burst * self._budget.interval
        # Not for each of a crowd: that would cost more with every key.
        if len(self._empty_at) > _PRUNE_ABOVE and abs(now - self._pruned_at) >= interval:
            self._pruned_at = now
            self._empty_at = {one: when for one, when in self._empty_at.items() if when > now}
        # A bucket holds no more than a burst; a clock set back would make it look fuller.
        empty_at = min(self._empty_at.get(key, now), now + whole)
        filled_until = max(empty_at, now) + interval
        excess = filled_until - now - whole
        if excess > timedelta(0):
            return excess.total_seconds()
        self._empty_at[key] = filled_until
        return 0.0
