"""What the machine, or thinking about it, once found: each a story that ends well now."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bot.store.notifications import Kind
from tests.reminders.test_machine import ANCHOR, Reminders
from tests.support.engine.channels import Mood
from tests.support.engine.engine import CHANNELS

CHANNEL = CHANNELS[0]


def lost_and_overtaken(machine: Reminders) -> None:
    """A reminder is lost, and a tighter one sent, before the channel's history tells that the first is not there."""
    machine.turn_channel(CHANNEL, Mood.VANISHES)
    machine.make_poll()
    machine.turn_channel(CHANNEL, Mood.NO_HISTORY)
    machine.wait(120)


def lost_and_renewed(machine: Reminders) -> None:
    """A reminder is lost, and its account renewed for hardly longer, before anybody knows that it is lost."""
    machine.turn_channel(CHANNEL, Mood.VANISHES)
    machine.make_poll()
    machine.renew(ANCHOR, 5)


def stored_and_closed(machine: Reminders) -> None:
    """A reminder arrives, its answer is lost, and the channel refuses the next try."""
    machine.turn_channel(CHANNEL, Mood.CLOSES)
    machine.make_poll()


def stored_and_hidden(machine: Reminders) -> None:
    """A reminder arrives, and for hours nothing tells that it did."""
    machine.turn_channel(CHANNEL, Mood.HANGS)
    machine.make_poll()


def stored_and_refused_after_a_crash(machine: Reminders) -> None:
    """The process dies when a reminder has arrived, and finds a channel that refuses when it is back."""
    machine.crash_at_post(0, Mood.REFUSES)


HALF_AN_HOUR = timedelta(minutes=30)

STORIES = [
    lost_and_overtaken,
    lost_and_renewed,
    stored_and_closed,
    stored_and_hidden,
    stored_and_refused_after_a_crash,
]


@pytest.fixture
def machine() -> Iterator[Reminders]:
    """The engine with one account, six days before its expiry."""
    machine = Reminders()
    try:
        machine.begin(6)
        yield machine
        machine.mend_everything()
        machine.nothing_is_said_twice_or_too_late()
        machine.nothing_failed()
    finally:
        machine.teardown()


@pytest.mark.parametrize("story", STORIES)
def test_story(machine: Reminders, story: Callable[[Reminders], None]) -> None:
    """Nothing is said twice, nor a wider step after a tighter one, and in the end nothing is missing."""
    story(machine)


def test_an_expiry_that_is_another_one_at_every_read(machine: Reminders) -> None:
    """It is not told as one renewal after the other; once two reads agree, what is due is said."""
    channel = machine.channels.by_id[CHANNEL]
    for number in range(48):
        machine.now += HALF_AN_HOUR
        machine.renew(ANCHOR, 5 + 11 * number % 23)
    assert 1 <= len(channel.said) <= 4
    machine.renew(ANCHOR, 1)
    assert (channel.said[-1].kind, channel.said[-1].stage) != (Kind.STEP, 1)
    machine.now += HALF_AN_HOUR
    machine.make_poll()
    assert (channel.said[-1].kind, channel.said[-1].stage) == (Kind.STEP, 1)


def test_a_login_that_was_wrong_and_then_right(machine: Reminders) -> None:
    """Two renewals within hours are both said."""
    machine.make_poll()
    channel = machine.channels.by_id[CHANNEL]
    for days in (2, 29):
        machine.now += HALF_AN_HOUR
        machine.renew(ANCHOR, days)
    assert [(one.kind, one.stage) for one in channel.said] == [(Kind.STEP, 7), (Kind.STEP, 3), (Kind.RENEWED, 0)]
