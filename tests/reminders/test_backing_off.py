"""Tests of how long a channel that refuses is left alone."""

from datetime import timedelta

import pytest
from bot.reminders.backoff import count_refusal, is_left_alone

from bot.reminders.context import Refused
from bot.store.channel_failures import ChannelFailure
from tests.support.store.samples import CHANNEL, GUILD, HOUR, NOW

MINUTE = timedelta(minutes=1)
FORBIDDEN, AWAY = Refused("forbidden", is_lasting=True), Refused("away", is_lasting=False)


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [(FORBIDDEN, [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 6 * HOUR]), (AWAY, [5 * MINUTE, 15 * MINUTE, 15 * MINUTE])],
)
def test_waits_ever_longer(refusal: Refused, waits: list[timedelta]) -> None:
    """Each refusal in a row lets the channel rest longer, up to the longest wait; since when is kept."""
    target, now = None, NOW
    for wait in waits:
        target = count_refusal(target, refusal, (GUILD, CHANNEL), now)
        assert (target.next_attempt_at, target.failing_since, target.reason) == (now + wait, NOW, str(refusal))
        now = target.next_attempt_at
    assert target is not None
    assert target.failures == len(waits)


def test_trouble_of_another_sort_begins_anew() -> None:
    """A channel that was out of reach, and then forbids, counts from the first refusal that is for people to end."""
    away = count_refusal(None, AWAY, (GUILD, CHANNEL), NOW)
    forbidden = count_refusal(away, FORBIDDEN, (GUILD, CHANNEL), NOW + HOUR)
    assert (forbidden.failures, forbidden.failing_since) == (1, NOW + HOUR)


@pytest.mark.parametrize(("ahead", "is_early"), [(-HOUR, False), (0 * HOUR, False), (MINUTE, True), (7 * HOUR, False)])
def test_is_tried_once_its_time_has_come(ahead: timedelta, *, is_early: bool) -> None:
    """A channel rests until its next try; one that no wait explains was set by a clock that was wrong."""
    target = ChannelFailure(GUILD, CHANNEL, 1, NOW, NOW + ahead, "no", is_lasting=True)
    assert is_left_alone(target, NOW) == is_early
    assert not is_left_alone(None, NOW)
