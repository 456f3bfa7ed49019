"""How long a channel that refuses is left alone: ever longer, and longest where only people can end it."""

from datetime import datetime, timedelta
from itertools import zip_longest

from bot.reminding.sending import Refused
from bot.store.targets import Target

_TRANSIENT_WAITS = (timedelta(minutes=5), timedelta(minutes=15))
_REFUSED_WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))


def count_refusal(before: Target | None, refusal: Refused, place: tuple[int, int], now: datetime) -> Target:
    """Return the trouble of a channel that has refused once more; `place` is its server's id and its own."""
    # Trouble of another sort begins anew: minutes out of reach say nothing about a channel's rights.
    same = before if before is not None and before.is_lasting == refusal.is_lasting else None
    failures = same.failures + 1 if same else 1
    waits = _REFUSED_WAITS if refusal.is_lasting else _TRANSIENT_WAITS
    guild_id, channel_id = place
    return Target(
        guild_id=guild_id,
        channel_id=channel_id,
        failures=failures,
        failing_since=same.failing_since if same else now,
        next_try_at=now + waits[min(failures, len(waits)) - 1],
        reason=str(refusal),
        is_lasting=refusal.is_lasting,
        is_told=before.is_told if before else False,
    )


def is_left_alone(target: Target | None, now: datetime) -> bool:
    """Whether it is too early for the next try."""
    if target is None:
        return False
    # A next try further away than that was set by a clock that has been set back since.
    return now < target.next_try_at <= now + max(longest_waits())


def longest_waits() -> list[timedelta]:
    """Return how long a channel waits at most after its first, second ... failure."""
    return [max(pair) for pair in zip_longest(_TRANSIENT_WAITS, _REFUSED_WAITS, fillvalue=_TRANSIENT_WAITS[-1])]
