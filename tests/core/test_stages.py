"""How far a login is, as one number."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.stages import (
    EXPIRED,
    FOLLOW_UPS,
    coming_stages,
    failing_stage,
    is_more_urgent,
    stage_of,
    usable_lead_times,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
LEAD_TIMES = (14, 7, 3, 1)


def test_stages_are_ordered_by_urgency() -> None:
    """Nothing at all, wide lead times, tight ones, expired, then the follow-ups in their order."""
    stages = [None, 14, 7, 1, EXPIRED, *FOLLOW_UPS]
    for place, stage in enumerate(stages):
        assert [is_more_urgent(stage, other) for other in stages] == [place > other for other in range(len(stages))]


@pytest.mark.parametrize(
    ("life", "lead_times"),
    [
        (None, [14, 7, 1]),
        (30 * DAY, [14, 7, 1]),
        (14 * DAY + SECOND, [14, 7, 1]),
        (14 * DAY, [7, 1]),
        (7 * DAY, [1]),
        (HOUR, []),
    ],
)
def test_lead_times_as_wide_as_the_whole_life_are_not_used(life: timedelta | None, lead_times: list[int]) -> None:
    """A short-lived login is not expiring from its first second on; an unknown life allows every lead time."""
    assert usable_lead_times((14, 7, 1), life) == lead_times


@pytest.mark.parametrize(
    ("remaining", "stage"),
    [
        (14 * DAY + SECOND, None),
        (14 * DAY, 14),
        (7 * DAY + SECOND, 14),
        (7 * DAY, 7),
        (SECOND, 1),
        (timedelta(0), EXPIRED),
        (-DAY + SECOND, EXPIRED),
        (-DAY, -1),
        (-3 * DAY + SECOND, -1),
        (-3 * DAY, -3),
        (-7 * DAY, -7),
        (-14 * DAY, -14),
        (-21 * DAY, -21),
        (-28 * DAY, -28),
        (-400 * DAY, -28),
    ],
)
def test_a_stage_is_reached_from_its_moment_on(remaining: timedelta, stage: int | None) -> None:
    """A stage counts from exactly its moment on, and the most urgent one that is reached is the stage of now."""
    assert stage_of(LEAD_TIMES, remaining, follow_ups=True) == stage


@pytest.mark.parametrize("remaining", [timedelta(0), -DAY, -400 * DAY])
def test_without_follow_ups_a_login_stays_expired(remaining: timedelta) -> None:
    """Expired is the last stage for a subscription that wants no follow-ups, for an incident as well."""
    assert stage_of(LEAD_TIMES, remaining, follow_ups=False) == EXPIRED
    assert failing_stage(-remaining, follow_ups=False) == EXPIRED


@pytest.mark.parametrize(("lasted", "stage"), [(timedelta(0), 0), (DAY - SECOND, 0), (DAY, -1), (8 * DAY, -7)])
def test_an_incident_is_followed_up_like_an_expiry(lasted: timedelta, stage: int) -> None:
    """The same days after its beginning as after an expiry."""
    assert failing_stage(lasted, follow_ups=True) == stage


def days_to(
    remaining: timedelta, heard: int | None, *, follow_ups: bool = True, lead_times: tuple[int, ...] = LEAD_TIMES
) -> list[tuple[int, timedelta]]:
    """Return the coming stages, and how long each takes to come."""
    coming = coming_stages(lead_times, NOW + remaining, heard, NOW, follow_ups=follow_ups)
    return [(stage, at - NOW) for stage, at in coming]


@pytest.mark.parametrize(
    ("remaining", "heard", "stages"),
    [
        (30 * DAY, None, [14, 7, 3, 1, EXPIRED]),
        (14 * DAY + SECOND, None, [14, 7, 3, 1, EXPIRED]),
        (14 * DAY, None, [7, 3, 1, EXPIRED]),
        (8 * DAY, 3, [1, EXPIRED]),
        (SECOND, 1, [EXPIRED]),
        (HOUR, EXPIRED, []),
        (timedelta(0), EXPIRED, [-1]),
        (-8 * DAY, EXPIRED, [-14]),
        (-8 * DAY, -7, [-14]),
        (-28 * DAY, -28, []),
    ],
)
def test_coming_stages_are_more_urgent_than_the_heard_one(
    remaining: timedelta, heard: int | None, stages: list[int]
) -> None:
    """The coming stages are neither reached nor less urgent than what was heard; after the expiry, one follow-up is."""
    assert days_to(remaining, heard) == [(stage, remaining - timedelta(days=stage)) for stage in stages]


def test_a_subscription_without_follow_ups_has_none_to_come() -> None:
    """After the expiry nothing comes."""
    assert days_to(-DAY, EXPIRED, follow_ups=False) == []
    assert days_to(HOUR, 1, follow_ups=False) == [(EXPIRED, HOUR)]
