"""How often one person may ask, and how long a retry waits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.backoff import backoff
from bot.core.rate_limit import BUTTONS, COMMANDS, Budget, RateLimit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA, BEA = 1, 2
BURST, INTERVAL = 10, timedelta(seconds=3)
BUDGET = Budget(BURST, INTERVAL)


def spent(person: int = ADA) -> RateLimit:
    """Return an allowance whose burst this person has just used up."""
    allowance = RateLimit(BUDGET)
    for _ in range(BURST):
        assert allowance.take(person, NOW) == 0.0
    return allowance


def test_ten_requests_pass_at_once_and_the_eleventh_waits() -> None:
    """After a burst of ten the next request must wait three seconds."""
    assert spent().take(ADA, NOW) == 3.0


def test_one_request_passes_every_three_seconds_after_a_burst() -> None:
    """Once the burst is used up, requests pass exactly three seconds apart."""
    allowance = spent()
    for number in range(1, 6):
        moment = NOW + number * INTERVAL
        assert allowance.take(ADA, moment - timedelta(milliseconds=1)) == pytest.approx(0.001)
        assert allowance.take(ADA, moment) == 0.0
        assert allowance.take(ADA, moment) == 3.0


def test_a_refused_request_costs_nothing() -> None:
    """Asking again and again while refused does not push the next chance back."""
    allowance = spent()
    assert {allowance.take(ADA, NOW) for _ in range(50)} == {3.0}
    assert allowance.take(ADA, NOW + INTERVAL) == 0.0


def test_buttons_have_a_larger_budget_than_commands() -> None:
    """A person can set up a team's reminders in one go, and turn pages as fast as a person does."""
    assert COMMANDS.burst >= 20
    assert BUTTONS.burst > COMMANDS.burst
    assert BUTTONS.interval <= timedelta(seconds=1)


def test_others_are_not_affected() -> None:
    """One person's burst leaves everyone else's alone."""
    assert spent(ADA).take(BEA, NOW) == 0.0


def test_a_burst_is_back_after_thirty_quiet_seconds() -> None:
    """Ten times three quiet seconds restore the whole burst, and no more than that."""
    allowance = spent()
    later = NOW + timedelta(hours=1)
    assert [allowance.take(ADA, later) for _ in range(11)] == [0.0] * 10 + [3.0]


def test_a_clock_set_back_locks_nobody_out() -> None:
    """After the clock jumps back by an hour, nobody waits longer than the three seconds between two requests."""
    allowance = spent()
    assert allowance.take(ADA, NOW - timedelta(hours=1)) <= 3.0


def test_people_who_stopped_asking_are_forgotten() -> None:
    """The memory of many people shrinks again when their requests are long past."""
    allowance = RateLimit(BUDGET)
    for person in range(5_000):
        assert allowance.take(person, NOW) == 0.0
    allowance.take(ADA, NOW + timedelta(minutes=1))
    assert len(allowance._empty_at) == 1  # noqa: SLF001  (memory has no public face)


def test_forgetting_spares_those_who_still_have_to_wait() -> None:
    """Someone who used up the burst is still refused after others were forgotten."""
    allowance = spent(ADA)
    for person in range(100, 5_000):
        allowance.take(person, NOW - timedelta(minutes=1))
    assert allowance.take(ADA, NOW) == 3.0


@given(st.lists(st.timedeltas(timedelta(0), timedelta(seconds=20)), max_size=60))
def test_no_window_lets_more_pass_than_a_burst_and_its_refill(pauses: list[timedelta]) -> None:
    """However the requests are timed, no stretch of time lets more pass than ten plus one every three seconds."""
    allowance, moment, passed = RateLimit(BUDGET), NOW, list[datetime]()
    for pause in pauses:
        moment += pause
        if allowance.take(ADA, moment) == 0.0:
            passed.append(moment)
    for index, start in enumerate(passed):
        for count, end in enumerate(passed[index:], 1):
            assert count <= BURST + (end - start) // INTERVAL


@given(st.lists(st.timedeltas(timedelta(0), timedelta(seconds=5)), max_size=40))
def test_a_request_after_the_wait_is_admitted(pauses: list[timedelta]) -> None:
    """After the seconds named in a refusal the next request passes."""
    allowance, moment = RateLimit(BUDGET), NOW
    for pause in pauses:
        moment += pause
        wait = allowance.take(ADA, moment)
        assert 0.0 <= wait <= 3.0
        if wait:
            moment += timedelta(seconds=wait)
            assert allowance.take(ADA, moment) == 0.0


@pytest.mark.parametrize(
    ("failures", "jitter", "first", "most", "seconds"),
    [
        (1, 1.0, 1.0, 300.0, 1.0),
        (2, 1.0, 1.0, 300.0, 2.0),
        (5, 1.0, 1.0, 300.0, 16.0),
        (9, 1.0, 1.0, 300.0, 256.0),
        (10, 1.0, 1.0, 300.0, 300.0),
        (1, 0.0, 1.0, 300.0, 0.5),
        (2, 0.5, 1.0, 300.0, 1.5),
        (3, 1.0, 5.0, 300.0, 20.0),
        (1, 1.0, 5.0, 2.0, 2.0),
        (10_000, 1.0, 1.0, 300.0, 300.0),
        (10**9, 0.0, 1.0, 300.0, 150.0),
    ],
)
def test_the_wait_doubles_up_to_a_cap(failures: int, jitter: float, first: float, most: float, seconds: float) -> None:
    """The wait doubles with each failure, is spread over its upper half, and stops growing at the cap."""
    assert backoff(failures, jitter, first=first, most=most) == seconds


@given(st.integers(1, 10**12), st.floats(0, 1))
def test_the_wait_is_always_between_half_and_all_of_the_doubled_value(failures: int, jitter: float) -> None:
    """No number of failures overflows, and no jitter leaves the upper half."""
    longest = backoff(failures, 1.0)
    assert longest / 2 <= backoff(failures, jitter) <= longest <= 300.0
