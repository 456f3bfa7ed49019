"""Which reminders are due: pure functions from what was read and said to what is to be said.

A *step* is a lead time in days; 0 is "expired". The tightest step is the smallest.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

EXPIRED = 0
MOST_STEPS = 8
LONGEST_STEP = 365
_DAYS = re.compile(r"[0-9]{1,3}")
# useapi.net moves an expiry silently, and two values may alternate: a shift below a day is the same token.
SAME_TOKEN_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel was told of one token of one account.

    `sent` reached Discord, `in_flight` may have, `pending` waits, `covered` was made needless by a tighter step.
    """

    sent: frozenset[int] = frozenset()
    in_flight: frozenset[int] = frozenset()
    pending: frozenset[int] = frozenset()
    covered: frozenset[int] = frozenset()
    renewal_said: bool = False

    @property
    def steps(self) -> frozenset[int]:
        """Return every step that has been dealt with or is being."""
        return self.sent | self.in_flight | self.pending | self.covered


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do for one channel, account and token: say `due` or `renewed`, and mark the steps in `cover`."""

    due: int | None = None
    renewed: bool = False
    cover: frozenset[int] = field(default_factory=frozenset)


def parse_days(days: str) -> tuple[int, ...]:
    """Return lead times typed by a person, widest first: "14, 7, 3, 1" or "14 7 3 1".

    Raises:
        ValueError: with the rule that was not kept, for people.
    """
    parts = days.replace(",", " ").split()
    if not all(_DAYS.fullmatch(part) and 1 <= int(part) <= LONGEST_STEP for part in parts):
        raise ValueError(f"Each lead time is a whole number of days from 1 to {LONGEST_STEP}.")
    steps = sorted({int(part) for part in parts}, reverse=True)
    if not 1 <= len(steps) <= MOST_STEPS:
        raise ValueError(f"There can be 1 to {MOST_STEPS} lead times.")
    return tuple(steps)


def is_same_token(expires_at: datetime, anchor: datetime) -> bool:
    """Whether an expiry belongs to the token whose first expiry was `anchor`."""
    return abs(expires_at - anchor) <= SAME_TOKEN_WITHIN


def usable_steps(days: Iterable[int], life: timedelta | None) -> frozenset[int]:
    """Return the steps that make sense for a token with this life, "expired" always among them.

    A step at least as wide as the whole life would be due from the first second; an unknown life allows all.
    """
    return frozenset(step for step in days if life is None or timedelta(days=step) < life) | {EXPIRED}


def crossed_steps(steps: Collection[int], remaining: timedelta) -> frozenset[int]:
    """Return the steps whose moment has come: crossed, never equal, so that a missed pass misses nothing."""
    return frozenset(step for step in steps if remaining <= timedelta(days=step))


def decide(steps: Collection[int], remaining: timedelta, told: Told, before: Told | None) -> Decision:
    """Return what to say about a token with this much life left.

    Args:
        steps: the watch's steps that are usable for this token.
        remaining: the time left, negative once expired.
        told: what the channel was told of this token.
        before: what it was told of the account's token before this one, if there was one.
    """
    if told.renewal_said:
        return Decision(cover=told.pending)
    crossed = crossed_steps(steps, remaining)
    tightest = min(crossed, default=None)
    # What is under way may arrive any moment, and then wants its renewal; but it may also be lost.
    if (
        before is not None
        and (arriving := before.sent | before.in_flight)
        and not before.renewal_said
        and not told.steps
    ):
        said = min(arriving)
        if tightest is None or tightest > said:
            return Decision(renewed=True, cover=crossed)
        if tightest == said and said in before.sent:
            return Decision(cover=crossed)
    if tightest is None or any(step <= tightest for step in told.steps):
        # What turned out not to have arrived is owed again, and may be wider than what did arrive meanwhile.
        arrived = min(told.sent | told.in_flight | told.pending, default=LONGEST_STEP)
        return Decision(cover=frozenset(step for step in told.pending if step > arrived))
    return Decision(due=tightest, cover=(crossed | told.pending) - {tightest} - told.sent - told.in_flight)


def coming_steps(steps: Collection[int], remaining: timedelta, told: Told) -> list[int]:
    """Return the steps that are still to come for this token, widest first."""
    if told.renewal_said:
        return []
    ahead = frozenset(steps) - crossed_steps(steps, remaining)
    tightest_told = min(told.steps, default=LONGEST_STEP + 1)
    return sorted((step for step in ahead if step < tightest_told), reverse=True)
