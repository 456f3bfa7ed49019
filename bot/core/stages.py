"""The stages of a login, and which of them a channel must hear next.

A *stage* is a lead time in days; 0 is "expired". The tightest stage is the smallest.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

EXPIRED = 0
LONGEST_LEAD_TIME = 365


@dataclass(frozen=True, slots=True)
class Heard:
    """What one channel has heard about one login.

    `sent` stages reached Discord, `in_flight` stages may have, `pending` stages wait, `superseded` stages are not
    needed because a tighter one was planned.
    """

    sent: frozenset[int] = frozenset()
    in_flight: frozenset[int] = frozenset()
    pending: frozenset[int] = frozenset()
    superseded: frozenset[int] = frozenset()
    renewal: bool = False

    @property
    def stages(self) -> frozenset[int]:
        """Return every stage that has a notification."""
        return self.sent | self.in_flight | self.pending | self.superseded


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do for one channel and login: send `due` or a renewal, and supersede the stages in `superseded`."""

    due: int | None = None
    renewed: bool = False
    superseded: frozenset[int] = field(default_factory=frozenset)


def usable_stages(lead_times: Iterable[int], life: timedelta | None) -> frozenset[int]:
    """Return the stages that make sense for a login with this life, "expired" always among them.

    A lead time at least as wide as the whole life would be due from the first second; an unknown life allows all.
    """
    return frozenset(days for days in lead_times if life is None or timedelta(days=days) < life) | {EXPIRED}


def reached_stages(stages: Collection[int], remaining: timedelta) -> frozenset[int]:
    """Return the stages whose moment has come, however long ago."""
    return frozenset(stage for stage in stages if remaining <= timedelta(days=stage))


def decide(stages: Collection[int], remaining: timedelta, heard: Heard, previous: Heard | None) -> Decision:
    """Return what to send about a login with this much time left.

    Args:
        stages: the subscription's stages that are usable for this login.
        remaining: the time left, negative once expired.
        heard: what the channel has heard about this login.
        previous: what the channel has heard about the login before this one, if there was one.
    """
    if heard.renewal:
        return Decision(superseded=heard.pending)
    reached = reached_stages(stages, remaining)
    tightest = min(reached, default=None)
    # A message in flight may arrive any moment, and then needs its renewal; but it may also be lost.
    if (
        previous is not None
        and (arriving := previous.sent | previous.in_flight)
        and not previous.renewal
        and not heard.stages
    ):
        last = min(arriving)
        if tightest is None or tightest > last:
            return Decision(renewed=True, superseded=reached)
        if tightest == last and last in previous.sent:
            return Decision(superseded=reached)
    if tightest is None or any(stage <= tightest for stage in heard.stages):
        # A notification whose message did not arrive is pending again, and may be wider than one that did.
        arrived = min(heard.sent | heard.in_flight | heard.pending, default=LONGEST_LEAD_TIME)
        return Decision(superseded=frozenset(stage for stage in heard.pending if stage > arrived))
    return Decision(due=tightest, superseded=(reached | heard.pending) - {tightest} - heard.sent - heard.in_flight)


def coming_stages(stages: Collection[int], remaining: timedelta, heard: Heard) -> list[int]:
    """Return the stages that this login has still ahead, widest first."""
    if heard.renewal:
        return []
    ahead = frozenset(stages) - reached_stages(stages, remaining)
    tightest_heard = min(heard.stages, default=LONGEST_LEAD_TIME + 1)
    return sorted((stage for stage in ahead if stage < tightest_heard), reverse=True)
