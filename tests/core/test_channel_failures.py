"""How long a channel that refuses is left alone, and when people must act."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.channel_failures import ChannelFailure, count_refusal
from bot.core.messages import MessageKind
from bot.core.timing import DEFAULT_TIMING
from tests.support.store.samples import CHANNEL, GUILD, HOUR, NOW, failure

MINUTE = timedelta(minutes=1)
PLACE = (GUILD, CHANNEL, MessageKind.NOTIFICATIONS)


def refused(before: ChannelFailure | None, *, is_lasting: bool, hours: float = 0) -> ChannelFailure:
    """Return the failure after one more refusal at this hour."""
    now = NOW + hours * HOUR
    return count_refusal(before, PLACE, "no", is_lasting=is_lasting, timing=DEFAULT_TIMING, now=now)


@pytest.mark.parametrize(
    ("is_lasting", "waits"),
    [
        (True, [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 6 * HOUR]),
        (False, [5 * MINUTE, 15 * MINUTE, 15 * MINUTE]),
    ],
)
def test_waits_grow_with_each_refusal(waits: list[timedelta], *, is_lasting: bool) -> None:
    """Each refusal in a row makes the next wait longer, up to the longest; the first refusal's time is kept."""
    found, now = None, NOW
    for wait in waits:
        found = count_refusal(found, PLACE, "no", is_lasting=is_lasting, timing=DEFAULT_TIMING, now=now)
        assert (found.next_attempt_at, found.failing_since, found.reason) == (now + wait, NOW, "no")
        now = found.next_attempt_at
    assert found is not None
    assert found.failures == len(waits)


def test_a_failure_of_the_other_sort_begins_anew() -> None:
    """A channel that was out of reach, and then forbids, counts from the first refusal that people can end."""
    away = refused(None, is_lasting=False)
    forbidden = refused(away, is_lasting=True, hours=1)
    assert (forbidden.failures, forbidden.failing_since) == (1, NOW + HOUR)


def test_a_failure_of_discord_ends_no_count() -> None:
    """A channel that forbids, can't be reached and forbids again has refused twice since the first time."""
    away = refused(refused(None, is_lasting=True), is_lasting=False, hours=0.5)
    assert (away.failures, away.is_lasting, away.next_attempt_at) == (1, True, NOW + 35 * MINUTE)
    again = refused(away, is_lasting=True, hours=1)
    assert (again.failures, again.failing_since, again.is_blocked(NOW + HOUR)) == (2, NOW, True)


@pytest.mark.parametrize(("ends_in", "waits"), [(2 * HOUR, 2 * HOUR), (0 * HOUR, MINUTE), (9 * HOUR, 6 * HOUR)])
def test_a_refusal_with_a_known_end_is_tried_soon_after_it(ends_in: timedelta, waits: timedelta) -> None:
    """A channel is tried again when its refusal ends, if that is sooner than the next regular attempt."""
    before, ends_at = failure(failures=9), NOW + ends_in
    found = count_refusal(before, PLACE, "no", is_lasting=True, timing=DEFAULT_TIMING, now=NOW, ends_at=ends_at)
    assert found.next_attempt_at == NOW + waits


def test_a_report_is_remembered() -> None:
    """Further refusals of a channel that was reported are not reported again."""
    assert refused(replace(refused(None, is_lasting=True), is_reported=True), is_lasting=True).is_reported


@pytest.mark.parametrize(("ahead", "is_waiting"), [(-HOUR, False), (0 * HOUR, False), (MINUTE, True)])
def test_a_channel_waits_until_its_next_attempt(ahead: timedelta, *, is_waiting: bool) -> None:
    """A channel waits until its next attempt is due."""
    assert failure(next_attempt_at=NOW + ahead).is_waiting(DEFAULT_TIMING, NOW) == is_waiting


@pytest.mark.parametrize(("failures", "longest"), [(0, 5), (1, 5), (2, 15), (3, 60), (4, 360), (9, 360)])
def test_a_wrong_clock_makes_no_wait_longer_than_any(failures: int, longest: int) -> None:
    """An attempt further away than any wait after so many refusals was saved by a wrong clock, and is due now."""
    for minutes, is_waiting in ((longest, True), (longest + 1, False)):
        found = failure(failures=failures, next_attempt_at=NOW + minutes * MINUTE)
        assert found.is_waiting(DEFAULT_TIMING, NOW) == is_waiting


@pytest.mark.parametrize(
    ("failures", "hours", "is_lasting", "is_blocked"),
    [
        (3, 0, True, True),
        (2, 1, True, True),
        (1, 1, True, True),
        (2, 0.9, True, False),
        (9, 9, False, False),
        (0, 0, True, True),
    ],
)
def test_a_channel_is_blocked_after_three_refusals_or_an_hour(
    failures: int, hours: float, *, is_lasting: bool, is_blocked: bool
) -> None:
    """Three refusals, or refusals for an hour, or a failed check need people; a failure of Discord does not."""
    found = failure(failures=failures, is_lasting=is_lasting)
    assert found.is_blocked(NOW + hours * HOUR) == is_blocked
