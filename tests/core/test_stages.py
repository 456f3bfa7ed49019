"""Which stages of a login a channel must hear next, rule by rule."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.stages import (
    EXPIRED,
    Decision,
    Heard,
    coming_stages,
    decide,
    reached_stages,
    usable_stages,
)

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
STAGES = frozenset({14, 7, 3, 1, EXPIRED})
NOTHING = Decision()


def some(*stages: int) -> frozenset[int]:
    """Return these stages as a frozen set."""
    return frozenset(stages)


def heard(*sent: int, renewal: bool = False) -> Heard:
    """Return what a channel has heard whose messages all arrived."""
    return Heard(sent=frozenset(sent), renewal=renewal)


@pytest.mark.parametrize(
    ("life", "stages"),
    [
        (None, some(14, 7, 1, 0)),
        (30 * DAY, some(14, 7, 1, 0)),
        (14 * DAY + SECOND, some(14, 7, 1, 0)),
        (14 * DAY, some(7, 1, 0)),
        (7 * DAY, some(1, 0)),
        (HOUR, some(0)),
    ],
)
def test_lead_times_as_wide_as_the_whole_life_are_not_used(life: timedelta | None, stages: frozenset[int]) -> None:
    """A short-lived login is not expiring from its first second on; the expiry itself is always a stage."""
    assert usable_stages((14, 7, 1), life) == stages


@pytest.mark.parametrize(
    ("remaining", "reached"),
    [
        (14 * DAY + SECOND, some()),
        (14 * DAY, some(14)),
        (7 * DAY, some(14, 7)),
        (SECOND, some(14, 7, 3, 1)),
        (timedelta(0), STAGES),
        (-40 * DAY, STAGES),
    ],
)
def test_a_stage_is_reached_from_its_moment_on(remaining: timedelta, reached: frozenset[int]) -> None:
    """A stage counts from exactly its moment on, so a missed poll misses nothing."""
    assert reached_stages(STAGES, remaining) == reached


@pytest.mark.parametrize(
    ("remaining", "before_now", "decision"),
    [
        (20 * DAY, Heard(), NOTHING),
        (10 * DAY, Heard(), Decision(due=14)),
        (2 * DAY, Heard(), Decision(due=3, superseded=some(14, 7))),
        (-40 * DAY, Heard(), Decision(due=EXPIRED, superseded=some(14, 7, 3, 1))),
        (-40 * DAY, heard(EXPIRED), NOTHING),
        (6 * DAY, heard(14), Decision(due=7)),
        (6 * DAY, heard(7), NOTHING),
        (6 * DAY, heard(3), NOTHING),
        (6 * DAY, Heard(superseded=some(7)), NOTHING),
        (6 * DAY, Heard(pending=some(7)), NOTHING),
        (6 * DAY, Heard(in_flight=some(7)), NOTHING),
        (6 * DAY, Heard(in_flight=some(3)), NOTHING),
        (6 * DAY, Heard(pending=some(14)), Decision(due=7, superseded=some(14))),
        (6 * DAY, Heard(in_flight=some(14)), Decision(due=7)),
        (2 * DAY, Heard(sent=some(14), pending=some(7)), Decision(due=3, superseded=some(7))),
    ],
)
def test_the_tightest_reached_stage_is_due_once(remaining: timedelta, before_now: Heard, decision: Decision) -> None:
    """Only the tightest reached stage is due, unless it or a tighter one has a message; wider ones are superseded."""
    actual = decide(STAGES, remaining, before_now, None)
    assert (actual.due, actual.renewed) == (decision.due, decision.renewed)
    assert actual.superseded - before_now.superseded == decision.superseded


@pytest.mark.parametrize("stages", [some(30, EXPIRED), some(10, 5, EXPIRED), some(10, 4, EXPIRED)])
def test_changed_lead_times_bring_no_wider_stage(stages: frozenset[int]) -> None:
    """After "3 days" was sent, wider lead times change nothing, whatever they are."""
    assert decide(stages, 2 * DAY, heard(3), None).due is None


def test_changed_lead_times_may_bring_a_tighter_stage() -> None:
    """A new lead time tighter than the sent one is due once reached, and supersedes a pending one."""
    assert decide(some(10, 5, EXPIRED), 5 * DAY, heard(7), None).due == 5
    assert decide(some(5, EXPIRED), 5 * DAY, Heard(pending=some(7)), None) == Decision(due=5, superseded=some(7))


@pytest.mark.parametrize("tighter", [heard(3), Heard(in_flight=some(3)), Heard(pending=some(3))])
def test_a_stage_that_is_pending_again_beside_a_tighter_one_is_superseded(tighter: Heard) -> None:
    """A stage whose message did not arrive is not sent beside or after a tighter one."""
    later = replace(tighter, pending=tighter.pending | {7})
    assert decide(STAGES, 2 * DAY, later, None) == Decision(superseded=some(7))


@pytest.mark.parametrize(
    ("before", "remaining", "decision"),
    [
        (Heard(), 30 * DAY, NOTHING),
        (Heard(), 6 * DAY, Decision(due=7, superseded=some(14))),
        (Heard(pending=some(7), superseded=some(14)), 30 * DAY, NOTHING),
        (Heard(superseded=some(7)), 10 * DAY, Decision(due=14)),
        (heard(14), 30 * DAY, Decision(renewed=True)),
        (heard(EXPIRED), 30 * DAY, Decision(renewed=True)),
        (heard(14, 7, 3), 10 * DAY, Decision(renewed=True, superseded=some(14))),
        (heard(14, 3), 5 * DAY, Decision(renewed=True, superseded=some(14, 7))),
        (heard(EXPIRED), 12 * HOUR, Decision(renewed=True, superseded=some(14, 7, 3, 1))),
        (heard(14, 7), 6 * DAY, Decision(superseded=some(14, 7))),
        (heard(EXPIRED), -DAY, Decision(superseded=STAGES)),
        (heard(14), 6 * DAY, Decision(due=7, superseded=some(14))),
        (heard(7), -DAY, Decision(due=EXPIRED, superseded=some(14, 7, 3, 1))),
        (Heard(in_flight=some(7)), 30 * DAY, Decision(renewed=True)),
        (Heard(in_flight=some(7)), 6 * DAY, Decision(due=7, superseded=some(14))),
        (heard(7, renewal=True), 30 * DAY, NOTHING),
        (heard(3, renewal=True), 6 * DAY, Decision(due=7, superseded=some(14))),
    ],
)
def test_a_renewal_depends_on_the_stages_sent_before(before: Heard, remaining: timedelta, decision: Decision) -> None:
    """A new login is announced only if it is better news than the last stage sent about the old one."""
    assert decide(STAGES, remaining, Heard(), before) == decision


@pytest.mark.parametrize(
    ("present", "remaining", "decision"),
    [
        (heard(14), 6 * DAY, Decision(due=7)),
        (Heard(superseded=some(14)), 10 * DAY, NOTHING),
        (Heard(pending=some(14)), 10 * DAY, NOTHING),
        (Heard(in_flight=some(14)), 10 * DAY, NOTHING),
    ],
)
def test_a_login_with_a_notification_is_not_announced(present: Heard, remaining: timedelta, decision: Decision) -> None:
    """Once a stage of the new login has a notification, the old login no longer matters."""
    actual = decide(STAGES, remaining, present, heard(3))
    assert (actual.due, actual.renewed) == (decision.due, decision.renewed)


@pytest.mark.parametrize("remaining", [20 * DAY, 2 * DAY, -DAY])
def test_nothing_is_sent_about_a_login_after_its_renewal(remaining: timedelta) -> None:
    """An account that shows its old login again, as alternating values do, brings no reminder of that one."""
    assert decide(STAGES, remaining, heard(7, renewal=True), None) == NOTHING
    assert coming_stages(STAGES, remaining, heard(7, renewal=True)) == []
    waiting = Heard(pending=some(3), renewal=True)
    assert decide(STAGES, remaining, waiting, None) == Decision(superseded=some(3))


@pytest.mark.parametrize(
    ("remaining", "before_now", "stages"),
    [
        (30 * DAY, Heard(), [14, 7, 3, 1, EXPIRED]),
        (14 * DAY, Heard(), [7, 3, 1, EXPIRED]),
        (14 * DAY + SECOND, Heard(), [14, 7, 3, 1, EXPIRED]),
        (8 * DAY, heard(3), [1, EXPIRED]),
        (8 * DAY, Heard(superseded=some(7)), [3, 1, EXPIRED]),
        (SECOND, heard(1), [EXPIRED]),
        (HOUR, heard(EXPIRED), []),
        (timedelta(0), Heard(), []),
    ],
)
def test_coming_stages_are_tighter_than_all_heard_ones(
    remaining: timedelta, before_now: Heard, stages: list[int]
) -> None:
    """The coming stages are neither reached nor as wide as any that has a notification, widest first."""
    assert coming_stages(STAGES, remaining, before_now) == stages
