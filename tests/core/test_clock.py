"""The machine's clock is trusted as long as it agrees with a source, whatever happens to clock and sources."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.clock import TOLERANCE, ClockGuard, parse_http_date
from tests.support.accounts import START

NONE, SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=seconds) for seconds in (0, 1, 60, 3600, 86_400))
USEAPI, DISCORD = "useapi.net", "Discord"
# A `Date` has no fractions of a second, and an answer takes some time.
INACCURACY = 11 * SECOND


@dataclass
class Machine:
    """The right time, and a machine whose clock is `ahead` of it; `uptime` is its monotonic clock."""

    time: datetime = START
    ahead: timedelta = NONE
    uptime: float = 1000.0
    guard: ClockGuard = field(init=False)

    def __post_init__(self) -> None:
        self.guard = ClockGuard(lambda: self.time + self.ahead, lambda: self.uptime)

    def live(self, passed: timedelta) -> None:
        """Let time pass, awake or asleep."""
        self.time += passed
        self.uptime += passed.total_seconds()

    def freeze(self, passed: timedelta) -> None:
        """Let time pass that the monotonic clock does not count, as that of a virtual machine that is moved."""
        self.time += passed

    def answer(self, source: str, wrong_by: timedelta = NONE) -> None:
        """Take an answer of this moment."""
        self.guard.witness(source, format_datetime(self.time + wrong_by, usegmt=True))


Event = Callable[[Machine], None]


def lives(passed: timedelta) -> Event:
    """Let time pass."""
    return lambda machine: machine.live(passed)


def freezes(passed: timedelta) -> Event:
    """Let time pass uncounted."""
    return lambda machine: machine.freeze(passed)


def is_set(ahead: timedelta) -> Event:
    """Set the machine's clock."""
    return lambda machine: setattr(machine, "ahead", ahead)


def answers(source: str, wrong_by: timedelta = NONE) -> Event:
    """Let a source answer."""
    return lambda machine: machine.answer(source, wrong_by)


BOTH = [answers(USEAPI), answers(DISCORD)]
# What happens; whether the clock is trusted then; how far the guard's time is ahead of the right one.
CASES: dict[str, tuple[list[Event], bool, timedelta]] = {
    "nothing": ([], True, NONE),
    "no answer, a month": ([lives(30 * DAY)], True, NONE),
    "no answer, jump ahead": ([lives(HOUR), is_set(20 * DAY), lives(HOUR)], False, NONE),
    "no answer, jump back": ([lives(HOUR), is_set(-20 * DAY), lives(HOUR)], False, NONE),
    "no answer, small correction": ([is_set(5 * MINUTE)], True, 5 * MINUTE),
    "no answer, larger correction": ([is_set(5 * MINUTE + SECOND)], False, NONE),
    "answers": ([*BOTH, lives(DAY), *BOTH], True, NONE),
    "jump ahead": ([*BOTH, lives(DAY), is_set(20 * DAY), lives(DAY)], False, NONE),
    "jump back": ([*BOTH, lives(DAY), is_set(-20 * DAY), lives(DAY)], False, NONE),
    "jump ahead, answers": ([*BOTH, is_set(20 * DAY), lives(DAY), *BOTH, lives(HOUR)], False, NONE),
    "small jumps": ([*BOTH, is_set(5 * MINUTE), lives(DAY), *BOTH, is_set(-5 * MINUTE)], True, -5 * MINUTE),
    "jump ahead and back": ([*BOTH, is_set(20 * DAY), lives(DAY), *BOTH, is_set(NONE)], True, NONE),
    "sleep": ([*BOTH, lives(8 * HOUR)], True, NONE),
    "uncounted sleep": ([*BOTH, freezes(8 * HOUR)], False, -8 * HOUR),
    "uncounted sleep, one answer": ([*BOTH, freezes(8 * HOUR), answers(USEAPI)], True, NONE),
    "one source wrong": ([answers(USEAPI, 20 * DAY), answers(DISCORD)], True, NONE),
    "the newer source wrong": ([answers(DISCORD), lives(DAY), answers(USEAPI, -20 * DAY)], True, NONE),
    "the only source wrong": ([answers(USEAPI, 20 * DAY)], False, 20 * DAY),
    "the only source right again": ([answers(USEAPI, 20 * DAY), lives(DAY), answers(USEAPI)], True, NONE),
    "one source wrong, jump": ([answers(USEAPI, DAY), answers(DISCORD), is_set(-HOUR)], False, NONE),
    "both sources wrong": ([answers(USEAPI, 20 * DAY), answers(DISCORD, -DAY)], False, -DAY),
}


@pytest.mark.parametrize("name", CASES)
def test_the_clock_is_judged(name: str) -> None:
    """The clock is trusted if it agrees with at least one source; otherwise the newest answer says the time."""
    machine, (events, is_trusted, wrong_by) = Machine(), CASES[name]
    for event in events:
        event(machine)
    assert (machine.guard.is_trusted, machine.guard.now() - machine.time) == (is_trusted, wrong_by)


@pytest.mark.parametrize("ahead", [20 * DAY, -20 * DAY, timedelta(days=-56 * 365)])
def test_a_clock_that_is_wrong_from_the_start(ahead: timedelta) -> None:
    """Only an answer shows that the clock was wrong from the start; from then on the time is right."""
    machine = Machine(ahead=ahead)
    machine.live(HOUR)
    assert machine.guard.is_trusted
    machine.answer(DISCORD)
    assert not machine.guard.is_trusted
    assert (machine.guard.skew, machine.guard.now()) == (ahead, machine.time)


def test_the_skew_is_that_to_the_closer_source() -> None:
    """The skew tells how far the clock is ahead of the source that it agrees with best."""
    machine = Machine()
    machine.answer(USEAPI, -DAY)
    assert machine.guard.skew == DAY
    machine.answer(DISCORD, MINUTE)
    assert machine.guard.skew == -MINUTE


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Thu, 99 Jan 2026 00:00:00 GMT",
        "Thu, 01 Jan 99999999999 00:00:00 GMT",
    ],
)
def test_an_impossible_date_is_ignored(date: str | None) -> None:
    """An answer without a usable `Date` changes nothing, not even an earlier answer of the source."""
    machine = Machine()
    machine.guard.witness(USEAPI, date)
    assert machine.guard.is_trusted
    machine.answer(USEAPI)
    machine.ahead = DAY
    machine.guard.witness(USEAPI, date)
    assert (machine.guard.skew, machine.guard.now()) == (DAY, machine.time)


@given(st.text() | st.from_regex(r"\w{3}, \d{1,3} (Jan|Foo) -?\d{1,12} \d\d:\d\d:\d\d( GMT| [+-]\d{4})?"))
def test_any_text_is_a_date_or_none(text: str) -> None:
    """Whatever a server sends as its date ends in a moment or in None, and the guard keeps working."""
    parsed = parse_http_date(text)
    assert parsed is None or parsed.tzinfo is not None
    machine = Machine()
    machine.guard.witness(USEAPI, text)
    assert machine.guard.now().tzinfo is UTC


def test_without_a_monotonic_clock_only_answers_count() -> None:
    """A guard that gets one clock alone believes it until an answer contradicts it."""
    now = START
    guard = ClockGuard(lambda: now)
    guard.witness(USEAPI, format_datetime(now, usegmt=True))
    now += 20 * DAY
    assert (guard.is_trusted, guard.now()) == (True, now)
    guard.witness(USEAPI, format_datetime(now - 20 * DAY, usegmt=True))
    assert (guard.is_trusted, guard.now()) == (False, now - 20 * DAY)


_HOPS = st.timedeltas(-40 * DAY, 40 * DAY) | st.timedeltas(-10 * MINUTE, 10 * MINUTE)
_LIVED = st.tuples(st.just("live"), st.timedeltas(NONE, 40 * DAY))
_SET = st.tuples(st.just("set"), _HOPS)
# An answer is up to ten seconds old when it comes.
_ANSWERED = st.tuples(st.sampled_from([USEAPI, DISCORD]), st.timedeltas(-10 * SECOND, NONE))


@given(_HOPS, _ANSWERED, st.lists(_LIVED | _SET | _ANSWERED))
def test_no_time_is_far_from_the_right_one(
    ahead: timedelta, first: tuple[str, timedelta], events: list[tuple[str, timedelta]]
) -> None:
    """Once a source has answered, the time is right to within the tolerance, and a wrong clock is seen at once."""
    machine = Machine(ahead=ahead)
    for what, amount in (first, *events):
        match what:
            case "live":
                machine.live(amount)
            case "set":
                machine.ahead = amount
            case source:
                machine.answer(source, amount)
        assert abs(machine.guard.now() - machine.time) <= TOLERANCE + INACCURACY
        assert machine.guard.is_trusted or abs(machine.ahead) > TOLERANCE - INACCURACY
        assert not machine.guard.is_trusted or abs(machine.ahead) <= TOLERANCE + INACCURACY


@given(st.lists(st.tuples(_HOPS, st.timedeltas(NONE, 40 * DAY))))
def test_one_wrong_source_stops_nothing(answered: list[tuple[timedelta, timedelta]]) -> None:
    """A clock that is right stays trusted beside a source that is right, whatever the other one says."""
    machine = Machine()
    machine.answer(DISCORD)
    for wrong_by, passed in answered:
        machine.answer(USEAPI, wrong_by)
        machine.live(passed)
        assert (machine.guard.is_trusted, machine.guard.now()) == (True, machine.time)
