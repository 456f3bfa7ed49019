"""The stages of a login: how far it is, as one number.

A positive stage is a lead time in days, 0 is "expired", and a negative one is a follow-up so many days later. The
smaller a stage, the more urgent; None stands for a login that has reached no stage.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

EXPIRED = 0
LONGEST_LEAD_TIME = 365
FOLLOW_UPS = (-1, -3, -7, -14, -21, -28)


def is_more_urgent(stage: int | None, than: int | None) -> bool:
    """Whether a stage is more urgent than another one."""
    return stage is not None and (than is None or stage < than)


def usable_lead_times(lead_times: Iterable[int], life: timedelta | None) -> list[int]:
    """Return the lead times that make sense for a login with this life; an unknown life allows all.

    A lead time at least as wide as the whole life would be due from the first second.
    """
    return [days for days in lead_times if life is None or timedelta(days=days) < life]


def stage_of(lead_times: Iterable[int], remaining: timedelta, *, follow_ups: bool) -> int | None:
    """Return the stage of a login with this much time left, negative once it has expired."""
    if remaining <= timedelta(0):
        return failing_stage(-remaining, follow_ups=follow_ups)
    return min((days for days in lead_times if remaining <= timedelta(days=days)), default=None)


def failing_stage(lasted: timedelta, *, follow_ups: bool) -> int:
    """Return the stage of a failure that has lasted this long: "expired", or a follow-up."""
    reached = [stage for stage in FOLLOW_UPS if lasted >= timedelta(days=-stage)] if follow_ups else []
    return min(reached, default=EXPIRED)


def coming_stages(
    lead_times: Iterable[int], expires_at: datetime, heard: int | None, now: datetime, *, follow_ups: bool
) -> list[tuple[int, datetime]]:
    """Return the stages that a login has still ahead, soonest first, and when each comes.

    Of the follow-ups only the next one, once the login has expired.
    """
    is_expired = expires_at <= now
    stages = FOLLOW_UPS if is_expired and follow_ups else () if is_expired else (*lead_times, EXPIRED)
    ahead = [(stage, expires_at - timedelta(days=stage)) for stage in stages if is_more_urgent(stage, heard)]
    coming = sorted(((stage, at) for stage, at in ahead if at > now), key=lambda one: one[1])
    return coming[:1] if is_expired else coming
