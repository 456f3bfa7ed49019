"""Which reminders are due, one rule after the other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.stages import (
    EXPIRED,
    Decision,
    Heard,
    coming_stages,
    crossed_stages,
    decide,
    is_same_login,
    parse_days,
    usable_stages,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
STEPS = frozenset({14, 7, 3, 1, EXPIRED})
NOTHING = Decision()
# Too large, behind zeros: no calendar, and no int() of Python's, takes the last two.
HIDDEN = ("000999", "0000199999999999", "00001" + "0" * 5000)


def some(*stages: int) -> frozenset[int]:
    """Return these steps as the module wants them."""
    return frozenset(stages)


def heard(*sent: int, renewal_heard: bool = False) -> Heard:
    """Return what a channel was told whose messages all arrived."""
    return Heard(sent=frozenset(sent), renewal_heard=renewal_heard)


@pytest.mark.parametrize(
    ("life", "steps"),
    [
        (None, some(14, 7, 1, 0)),
        (30 * DAY, some(14, 7, 1, 0)),
        (14 * DAY + SECOND, some(14, 7, 1, 0)),
        (14 * DAY, some(7, 1, 0)),
        (7 * DAY, some(1, 0)),
        (HOUR, some(0)),
    ],
)
def test_steps_as_wide_as_the_whole_life_are_not_used(life: timedelta | None, stages: frozenset[int]) -> None:
    """A short-lived token is not about to expire from its first second on; expiry itself is always a step."""
    assert usable_stages((14, 7, 1), life) == stages


@pytest.mark.parametrize(
    ("remaining", "crossed"),
    [
        (14 * DAY + SECOND, some()),
        (14 * DAY, some(14)),
        (7 * DAY, some(14, 7)),
        (SECOND, some(14, 7, 3, 1)),
        (timedelta(0), STEPS),
        (-40 * DAY, STEPS),
    ],
)
def test_a_step_is_crossed_from_its_moment_on(remaining: timedelta, crossed: frozenset[int]) -> None:
    """A step counts from exactly its moment and for ever after, so a pass that was missed misses nothing."""
    assert crossed_stages(STEPS, remaining) == crossed


@pytest.mark.parametrize(
    ("remaining", "before_now", "decision"),
    [
        (20 * DAY, Heard(), NOTHING),
        (10 * DAY, Heard(), Decision(due=14)),
        (2 * DAY, Heard(), Decision(due=3, cover=some(14, 7))),
        (-40 * DAY, Heard(), Decision(due=EXPIRED, cover=some(14, 7, 3, 1))),
        (-40 * DAY, heard(EXPIRED), NOTHING),
        (6 * DAY, heard(14), Decision(due=7)),
        (6 * DAY, heard(7), NOTHING),
        (6 * DAY, heard(3), NOTHING),
        (6 * DAY, Heard(covered=some(7)), NOTHING),
        (6 * DAY, Heard(pending=some(7)), NOTHING),
        (6 * DAY, Heard(in_flight=some(7)), NOTHING),
        (6 * DAY, Heard(in_flight=some(3)), NOTHING),
        (6 * DAY, Heard(pending=some(14)), Decision(due=7, cover=some(14))),
        (6 * DAY, Heard(in_flight=some(14)), Decision(due=7)),
        (2 * DAY, Heard(sent=some(14), pending=some(7)), Decision(due=3, cover=some(7))),
    ],
)
def test_the_tightest_crossed_step_is_due_once(remaining: timedelta, before_now: Heard, decision: Decision) -> None:
    """Only the tightest crossed step is said, unless it or a tighter one was dealt with; wider ones are covered."""
    actual = decide(STEPS, remaining, before_now, None)
    assert (actual.due, actual.renewed) == (decision.due, decision.renewed)
    assert actual.cover - before_now.covered == decision.cover


@pytest.mark.parametrize("steps", [some(30, EXPIRED), some(10, 5, EXPIRED), some(10, 4, EXPIRED)])
def test_changed_lead_times_bring_no_wider_step(stages: frozenset[int]) -> None:
    """After three days were said, lead times that are wider change nothing, whatever they are."""
    assert decide(stages, 2 * DAY, heard(3), None).due is None


def test_changed_lead_times_may_bring_a_tighter_step() -> None:
    """A new lead time tighter than what was said is due when crossed, and what still waits is not said beside it."""
    assert decide(some(10, 5, EXPIRED), 5 * DAY, heard(7), None).due == 5
    assert decide(some(5, EXPIRED), 5 * DAY, Heard(pending=some(7)), None) == Decision(due=5, cover=some(7))


@pytest.mark.parametrize("tighter", [heard(3), Heard(in_flight=some(3)), Heard(pending=some(3))])
def test_a_step_that_is_owed_again_beside_a_tighter_one_is_covered(tighter: Heard) -> None:
    """A message that turns out not to have arrived is not said beside or after a tighter one."""
    later = replace(tighter, pending=tighter.pending | {7})
    assert decide(STEPS, 2 * DAY, later, None) == Decision(cover=some(7))


@pytest.mark.parametrize(
    ("before", "remaining", "decision"),
    [
        (Heard(), 30 * DAY, NOTHING),
        (Heard(), 6 * DAY, Decision(due=7, cover=some(14))),
        (Heard(pending=some(7), covered=some(14)), 30 * DAY, NOTHING),
        (Heard(covered=some(7)), 10 * DAY, Decision(due=14)),
        (heard(14), 30 * DAY, Decision(renewed=True)),
        (heard(EXPIRED), 30 * DAY, Decision(renewed=True)),
        (heard(14, 7, 3), 10 * DAY, Decision(renewed=True, cover=some(14))),
        (heard(14, 3), 5 * DAY, Decision(renewed=True, cover=some(14, 7))),
        (heard(EXPIRED), 12 * HOUR, Decision(renewed=True, cover=some(14, 7, 3, 1))),
        (heard(14, 7), 6 * DAY, Decision(cover=some(14, 7))),
        (heard(EXPIRED), -DAY, Decision(cover=STEPS)),
        (heard(14), 6 * DAY, Decision(due=7, cover=some(14))),
        (heard(7), -DAY, Decision(due=EXPIRED, cover=some(14, 7, 3, 1))),
        (Heard(in_flight=some(7)), 30 * DAY, Decision(renewed=True)),
        (Heard(in_flight=some(7)), 6 * DAY, Decision(due=7, cover=some(14))),
        (heard(7, renewal_heard=True), 30 * DAY, NOTHING),
        (heard(3, renewal_heard=True), 6 * DAY, Decision(due=7, cover=some(14))),
    ],
)
def test_a_renewal_is_told_by_what_was_sent_before(before: Heard, remaining: timedelta, decision: Decision) -> None:
    """A new token is announced only where it is better news than the last thing said about the old one."""
    assert decide(STEPS, remaining, Heard(), before) == decision


@pytest.mark.parametrize(
    ("present", "remaining", "decision"),
    [
        (heard(14), 6 * DAY, Decision(due=7)),
        (Heard(covered=some(14)), 10 * DAY, NOTHING),
        (Heard(pending=some(14)), 10 * DAY, NOTHING),
        (Heard(in_flight=some(14)), 10 * DAY, NOTHING),
    ],
)
def test_a_token_that_was_spoken_of_is_not_announced(present: Heard, remaining: timedelta, decision: Decision) -> None:
    """Once a step of the new token was dealt with, the old one plays no part any more."""
    actual = decide(STEPS, remaining, present, heard(3))
    assert (actual.due, actual.renewed) == (decision.due, decision.renewed)


@pytest.mark.parametrize("remaining", [20 * DAY, 2 * DAY, -DAY])
def test_nothing_more_is_said_about_a_token_after_its_renewal(remaining: timedelta) -> None:
    """An account that shows its old token again, as two values that alternate do, is not warned about that one."""
    assert decide(STEPS, remaining, heard(7, renewal_heard=True), None) == NOTHING
    assert coming_stages(STEPS, remaining, heard(7, renewal_heard=True)) == []
    waiting = Heard(pending=some(3), renewal_heard=True)
    assert decide(STEPS, remaining, waiting, None) == Decision(cover=some(3))


@pytest.mark.parametrize(
    ("remaining", "before_now", "steps"),
    [
        (30 * DAY, Heard(), [14, 7, 3, 1, EXPIRED]),
        (14 * DAY, Heard(), [7, 3, 1, EXPIRED]),
        (14 * DAY + SECOND, Heard(), [14, 7, 3, 1, EXPIRED]),
        (8 * DAY, heard(3), [1, EXPIRED]),
        (8 * DAY, Heard(covered=some(7)), [3, 1, EXPIRED]),
        (SECOND, heard(1), [EXPIRED]),
        (HOUR, heard(EXPIRED), []),
        (timedelta(0), Heard(), []),
    ],
)
def test_what_is_to_come_is_tighter_than_what_was(remaining: timedelta, before_now: Heard, stages: list[int]) -> None:
    """The steps to come are neither crossed nor as wide as anything that was dealt with, widest first."""
    assert coming_stages(STEPS, remaining, before_now) == stages


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("14, 7, 3, 1", (14, 7, 3, 1)),
        ("14 7 3 1", (14, 7, 3, 1)),
        ("1,3,,7 , 14,", (14, 7, 3, 1)),
        ("7 7 07", (7,)),
        ("365", (365,)),
        ("1 2 3 4 5 6 7 8 8", (8, 7, 6, 5, 4, 3, 2, 1)),
    ],
)
def test_lead_times_are_read_as_people_type_them(typed: str, days: tuple[int, ...]) -> None:
    """Commas, blanks, order and repeats don't matter; the widest comes first."""
    assert parse_days(typed) == days


@pytest.mark.parametrize(
    "typed", ["0", "366", "-1", "1.5", "+3", "seven", "3d", "7;3", "³", "٣", "1_0", "9" * 5000, *HIDDEN]
)
def test_what_is_no_lead_time_is_refused_in_words(typed: str) -> None:
    """Anything but whole days from 1 to 365 is refused by naming that rule."""
    with pytest.raises(ValueError, match=r"^Each lead time is a whole number of days from 1 to 365\.$"):
        parse_days(typed)


@pytest.mark.parametrize("typed", ["", " , ", "1 2 3 4 5 6 7 8 9"])
def test_there_are_one_to_eight_lead_times(typed: str) -> None:
    """No lead time at all and more than eight are refused by naming that rule."""
    with pytest.raises(ValueError, match=r"^There can be 1 to 8 lead times\.$"):
        parse_days(typed)


@pytest.mark.parametrize("shift", [DAY, -DAY])
def test_an_expiry_within_a_day_is_the_same_token(shift: timedelta) -> None:
    """A silent shift of up to a day either way is no new token, the least bit more is one."""
    assert is_same_login(NOW + shift, NOW)
    assert not is_same_login(NOW + shift * 1.00001, NOW)
