"""When an incident opens, ends and counts as new, also if the clock is set back meanwhile."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.incidents import (
    AT_ONCE,
    ERROR,
    MISSING,
    UNDATED,
    UNREADABLE,
    Incident,
    IncidentRule,
    follow,
    follow_all,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def after(rule: IncidentRule, polls: Iterable[tuple[float, bool]]) -> Incident:
    """Return the incident after these polls: hours since the start, and whether the poll was bad."""
    incident = Incident()
    for hours, is_bad in polls:
        incident = follow(incident, rule, is_bad=is_bad, now=NOW + hours * HOUR)
    return incident


@pytest.mark.parametrize(
    ("rule", "bad_hours", "is_open"),
    [
        (UNREADABLE, [0, 6], False),
        (UNREADABLE, [0, 1, 2, 3, 4, 5.99], False),
        (UNREADABLE, [0, 1, 6], True),
        (UNREADABLE, [0, 6, 12], True),
        (MISSING, [0, 1], False),
        (MISSING, [0, 0.5, 0.99], False),
        (MISSING, [0, 0.5, 1], True),
        (UNDATED, [0, 1], False),
        (UNDATED, [0, 0.5, 1], True),
        (AT_ONCE, [0], True),
        (ERROR, [0], False),
        (ERROR, [0, 0], True),
    ],
)
def test_an_incident_opens_after_enough_polls_and_hours(
    rule: IncidentRule, bad_hours: list[float], *, is_open: bool
) -> None:
    """Each kind needs its own number of bad polls in a row, and its own time."""
    incident = after(rule, [(hours, True) for hours in bad_hours])
    assert (incident.is_open, incident.number) == (is_open, int(is_open))


@pytest.mark.parametrize("rule", [UNREADABLE, MISSING, UNDATED, ERROR])
def test_one_good_poll_starts_the_count_anew(rule: IncidentRule) -> None:
    """Bad polls with a good one between them never add up."""
    polls = [(hours, hours % 2 == 1) for hours in range(100)]
    assert after(rule, polls).number == 0


@pytest.mark.parametrize("rule", [UNREADABLE, AT_ONCE, MISSING, UNDATED, ERROR])
def test_a_lasting_incident_is_one(rule: IncidentRule) -> None:
    """However long an incident lasts, it stays the same one, and the first good poll ends it."""
    lasting = [(hours, True) for hours in range(500)]
    assert (after(rule, lasting).is_open, after(rule, lasting).number) == (True, 1)
    assert after(rule, [*lasting, (500, False)]) == Incident(good_since=NOW + 500 * HOUR, number=1, began_at=NOW)


@pytest.mark.parametrize("rule", [UNREADABLE, AT_ONCE, MISSING, UNDATED, ERROR])
def test_flapping_is_one_incident(rule: IncidentRule) -> None:
    """A failure that comes back before 24 good hours, again and again, stays one incident."""
    polls = [(hours, hours % 20 < 10) for hours in range(600)]
    assert after(rule, polls).number == 1


@pytest.mark.parametrize(("good_hours", "number"), [(23.99, 1), (24, 2), (200, 2)])
@pytest.mark.parametrize("rule", [UNREADABLE, AT_ONCE, MISSING, UNDATED, ERROR])
def test_an_incident_is_new_after_a_good_day(rule: IncidentRule, good_hours: float, number: int) -> None:
    """An incident that begins at least 24 hours after the good poll that ended the last one has a new number."""
    first = [(hours, True) for hours in range(7)]
    second = [(7 + good_hours + hours, True) for hours in range(7)]
    again = after(rule, [*first, (7, False), *second])
    assert (again.is_open, again.number) == (True, number)


@pytest.mark.parametrize("rule", [UNREADABLE, ERROR])
def test_flapping_does_not_begin_anew(rule: IncidentRule) -> None:
    """One good poll every 23 hours, for 28 days: the incident with that number began with its first bad poll."""
    polls = [(float(hours), hours % 23 != 22) for hours in range(24 * 28)]
    incident = after(rule, polls)
    assert (incident.number, incident.began_at) == (1, NOW)


def test_a_new_number_begins_anew() -> None:
    """After a good day the next incident began with its own first bad poll."""
    incident = after(ERROR, [(0, True), (1, True), (2, False), (30, True), (31, True)])
    assert (incident.number, incident.began_at) == (2, NOW + 30 * HOUR)


def test_an_incident_that_recurs_puts_off_the_good_day() -> None:
    """A return within 24 good hours is the same incident, and the 24 hours count from its end."""
    polls = [(0, True), (1, True), (2, False), (20, True), (21, True), (22, False), (40, True), (41, True)]
    assert after(ERROR, polls).number == 1
    assert after(ERROR, [*polls, (42, False), (66, True), (67, True)]).number == 2


def test_a_lone_bad_poll_does_not_put_off_the_good_day() -> None:
    """A blip too short to open an incident does not count: the day runs on from the end of the last one."""
    polls = [(0, True), (1, True), (2, False), (20, True), (21, False), (26, True), (27, True)]
    assert after(ERROR, polls).number == 2


@pytest.mark.parametrize("rule", [UNREADABLE, MISSING])
def test_a_failure_before_a_clock_set_back_counts_from_then(rule: IncidentRule) -> None:
    """After the clock was set back a failure needs its own time, not also the hours it was set back by."""
    polls = [(1000.0, True), (0, True), (1, True), (6, True)]
    assert not after(rule, polls[:2]).is_open
    assert after(rule, polls).is_open


@pytest.mark.parametrize("rule", [UNREADABLE, AT_ONCE, MISSING, UNDATED, ERROR])
def test_a_clock_set_back_does_not_put_off_the_good_day(rule: IncidentRule) -> None:
    """After the clock was set back, a good day makes an incident new, not also the hours since then."""
    first = [(1000.0 + hours, True) for hours in range(7)]
    second = [(24.0 + hours, True) for hours in range(7)]
    assert after(rule, [*first, (1007, False), (0, False), *second]).number == 2


@pytest.mark.parametrize("rule", [UNREADABLE, AT_ONCE, MISSING, UNDATED, ERROR])
def test_a_clock_set_back_repeats_no_incident(rule: IncidentRule) -> None:
    """An incident that lasts while the clock is set back stays one."""
    polls = [(hours, True) for hours in range(10)]
    assert after(rule, [*((1000 + hours, bad) for hours, bad in polls), *polls]).number == 1


def test_a_failure_that_turns_into_a_refusal_opens_at_once() -> None:
    """Bad polls count on under another rule: a token that is refused after hours without an answer is announced."""
    failing = after(UNREADABLE, [(0, True), (1, True)])
    assert not failing.is_open
    assert follow(failing, AT_ONCE, is_bad=True, now=NOW + 2 * HOUR).is_open


def test_many_accounts_are_followed_at_once() -> None:
    """Each account has its own incident; only changed ones are returned, and an account that never failed has none."""
    rule = IncidentRule(polls=2, over=timedelta(0))
    first = follow_all({}, rule, {"a": True, "b": False, None: True}, NOW)
    assert first == {"a": Incident(1, NOW), None: Incident(1, NOW)}
    second = follow_all(first, rule, {"a": True, "b": False, None: False}, NOW + HOUR)
    assert second == {"a": Incident(2, NOW, None, 1, is_open=True, began_at=NOW), None: Incident()}
    third = follow_all(first | second, rule, {"a": False, "b": False}, NOW + 2 * HOUR)
    assert third == {"a": Incident(good_since=NOW + 2 * HOUR, number=1, began_at=NOW)}


def test_an_incident_that_goes_on_opens_again_under_its_number() -> None:
    """After a short rest the same incident opens again, so that messages about it can be edited."""
    rule = IncidentRule(polls=2, over=HOUR)
    present: dict[str | None, Incident] = {}
    states = []
    for hour, is_bad in enumerate([True, True, True, False, True, True]):
        present |= follow_all(present, rule, {"a": is_bad}, NOW + hour * HOUR)
        states.append((present["a"].is_open, present["a"].number))
    assert states == [(False, 0), (True, 1), (True, 1), (False, 1), (False, 1), (True, 1)]
