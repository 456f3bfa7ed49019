"""When trouble is worth a message, also if the clock is set back meanwhile."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.incidents import BLIND, ERROR, GONE, Incident, IncidentRule, follow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def after(rule: IncidentRule, polls: Iterable[tuple[float, bool]]) -> Incident:
    """Return the trouble after these passes: hours since the start, and whether the pass was bad."""
    trouble = Incident()
    for hours, is_bad in polls:
        trouble = follow(trouble, rule, is_bad=is_bad, now=NOW + hours * HOUR)
    return trouble


@pytest.mark.parametrize(
    ("rule", "bad_hours", "is_open"),
    [
        (BLIND, [0, 6], False),
        (BLIND, [0, 1, 2, 3, 4, 5.99], False),
        (BLIND, [0, 1, 6], True),
        (BLIND, [0, 6, 12], True),
        (GONE, [0, 1], False),
        (GONE, [0, 0.5, 0.99], False),
        (GONE, [0, 0.5, 1], True),
        (ERROR, [0], False),
        (ERROR, [0, 0], True),
    ],
)
def test_trouble_is_told_after_enough_passes_and_hours(
    rule: IncidentRule, bad_hours: list[float], *, is_open: bool
) -> None:
    """Each kind of trouble needs its own number of bad passes in a row, and its own time."""
    trouble = after(rule, [(hours, True) for hours in bad_hours])
    assert (trouble.is_open, trouble.episode) == (is_open, int(is_open))


@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_one_good_pass_starts_the_count_anew(rule: IncidentRule) -> None:
    """Bad passes with a good one between them never add up."""
    polls = [(hours, hours % 2 == 1) for hours in range(100)]
    assert after(rule, polls).episode == 0


@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_trouble_that_lasts_is_told_once(rule: IncidentRule) -> None:
    """However long an episode lasts, it stays the same one, and the first good pass closes it."""
    lasting = [(hours, True) for hours in range(500)]
    assert (after(rule, lasting).is_open, after(rule, lasting).episode) == (True, 1)
    assert after(rule, [*lasting, (500, False)]) == Incident(good_since=NOW + 500 * HOUR, episode=1)


@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_flapping_is_told_once(rule: IncidentRule) -> None:
    """Trouble that comes back before 24 good hours, again and again, stays one episode."""
    polls = [(hours, hours % 20 < 10) for hours in range(600)]
    assert after(rule, polls).episode == 1


@pytest.mark.parametrize(("good_hours", "episode"), [(23.99, 1), (24, 2), (200, 2)])
@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_trouble_is_new_after_a_good_day(rule: IncidentRule, good_hours: float, episode: int) -> None:
    """Trouble that begins at least 24 hours after the good pass that ended the last one is told again."""
    first = [(hours, True) for hours in range(7)]
    second = [(7 + good_hours + hours, True) for hours in range(7)]
    again = after(rule, [*first, (7, False), *second])
    assert (again.is_open, again.episode) == (True, episode)


def test_trouble_that_was_not_told_again_puts_off_the_good_day() -> None:
    """A return within 24 good hours is silent, and the 24 hours count from its end."""
    polls = [(0, True), (1, True), (2, False), (20, True), (21, True), (22, False), (40, True), (41, True)]
    assert after(ERROR, polls).episode == 1
    assert after(ERROR, [*polls, (42, False), (66, True), (67, True)]).episode == 2


def test_a_lone_bad_pass_does_not_put_off_the_good_day() -> None:
    """A blip too short to be told is no trouble: the day counts on from the end of the last episode."""
    polls = [(0, True), (1, True), (2, False), (20, True), (21, False), (26, True), (27, True)]
    assert after(ERROR, polls).episode == 2


@pytest.mark.parametrize("rule", [BLIND, GONE])
def test_trouble_before_a_clock_set_back_counts_from_then(rule: IncidentRule) -> None:
    """Trouble needs its own time after the clock was set back, not that time and the hours it was set back by."""
    polls = [(1000.0, True), (0, True), (1, True), (6, True)]
    assert not after(rule, polls[:2]).is_open
    assert after(rule, polls).is_open


@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_a_clock_set_back_does_not_put_off_the_good_day(rule: IncidentRule) -> None:
    """After the clock was set back, a good day makes trouble new again, not that day and the hours since then."""
    first = [(1000.0 + hours, True) for hours in range(7)]
    second = [(24.0 + hours, True) for hours in range(7)]
    assert after(rule, [*first, (1007, False), (0, False), *second]).episode == 2


@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_a_clock_set_back_repeats_no_trouble(rule: IncidentRule) -> None:
    """Trouble that lasts while the clock is set back is told once."""
    polls = [(hours, True) for hours in range(10)]
    assert after(rule, [*((1000 + hours, bad) for hours, bad in polls), *polls]).episode == 1
