"""Decides whether the machine's clock can be trusted, by the `Date` of the answers that the bot gets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# A clock that differs by more is wrong.
TOLERANCE = timedelta(minutes=5)
# A date outside these years is a mistake of the server.
_YEARS = range(2020, 2100)


def parse_http_date(text: str) -> datetime | None:
    """Return the moment of an HTTP date, None if it is not one."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@dataclass(frozen=True, slots=True)
class _Reference:
    """A moment, and what the monotonic clock showed then."""

    moment: datetime
    monotonic: float

    def expect(self, monotonic: float) -> datetime:
        """Return the time when the monotonic clock shows this."""
        return self.moment + timedelta(seconds=monotonic - self.monotonic)


class ClockGuard:
    """Compares the machine's clock with the `Date` of each source, plus the time that has passed since its answer.

    The clock is trusted while it agrees with at least one source that has answered, to within five minutes. Before the
    first answer it must agree with itself: with the time at the start, plus the time that has passed.

    Args:
        machine_now: reads the machine's clock.
        monotonic: reads seconds that no change of that clock moves, and that go on while the machine sleeps. Without
            it, the machine's clock serves as such, so that only a `Date` can contradict it.
    """

    def __init__(self, machine_now: Callable[[], datetime], monotonic: Callable[[], float] | None = None) -> None:
        self.machine_now = machine_now
        self.monotonic = monotonic or (lambda: machine_now().timestamp())
        self._start = _Reference(machine_now(), self.monotonic())
        # The newest answer is the last one.
        self._answers: dict[str, _Reference] = {}

    def witness(self, source: str, date: str | None) -> None:
        """Take the `Date` of an answer that has just come; an absent or impossible one is ignored."""
        moment = None if date is None else parse_http_date(date)
        if moment is not None and moment.year in _YEARS:
            self._answers.pop(source, None)
            self._answers[source] = _Reference(moment.astimezone(UTC), self.monotonic())

    @property
    def skew(self) -> timedelta:
        """How far the machine's clock is ahead of the source with which it agrees best."""
        return self._compare()[0]

    @property
    def is_trusted(self) -> bool:
        """Whether the machine's clock is right."""
        return abs(self.skew) <= TOLERANCE

    def now(self) -> datetime:
        """Return the machine's time while it is trusted, otherwise the time by the newest answer."""
        skew, machine, newest = self._compare()
        return machine if abs(skew) <= TOLERANCE else newest

    def _compare(self) -> tuple[timedelta, datetime, datetime]:
        """Return the skew, the machine's time, and the time by the newest answer."""
        machine, monotonic = self.machine_now(), self.monotonic()
        expected = [one.expect(monotonic) for one in (self._answers.values() or [self._start])]
        return min((machine - one for one in expected), key=abs), machine, expected[-1]
