"""Stories that the state machine, or thinking about it, once found; each ends well."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bot.core.notifications import Kind
from tests.support.engine.channels import Condition
from tests.support.engine.engine import CHANNELS
from tests.support.engine.reminders import ANCHOR, Reminders

CHANNEL = CHANNELS[0]
HALF_AN_HOUR = timedelta(minutes=30)


def lost_and_overtaken(machine: Reminders) -> None:
    """A reminder is lost, and a tighter one sent, before the channel's history shows that the first is missing."""
    machine.change_channel(CHANNEL, Condition.VANISHES)
    machine.poll()
    machine.change_channel(CHANNEL, Condition.NO_HISTORY)
    machine.wait(120)


def lost_and_renewed(machine: Reminders) -> None:
    """A reminder is lost, and its account renewed for hardly longer, before the loss is known."""
    machine.change_channel(CHANNEL, Condition.VANISHES)
    machine.poll()
    machine.renew(ANCHOR, 5)


def stored_and_closed(machine: Reminders) -> None:
    """A reminder arrives, its answer is lost, and the channel refuses the next attempt."""
    machine.change_channel(CHANNEL, Condition.CLOSES)
    machine.poll()


def stored_and_hidden(machine: Reminders) -> None:
    """A reminder arrives, and for hours nothing shows that it did."""
    machine.change_channel(CHANNEL, Condition.HANGS)
    machine.poll()


def stored_and_refused_after_a_crash(machine: Reminders) -> None:
    """The process dies when a reminder has arrived, and finds a channel that refuses when it is back."""
    machine.crash_at_post(0, Condition.REFUSES)


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
        machine.repair_everything()
        machine.nothing_is_repeated()
        machine.nothing_is_noise()
        machine.nothing_failed()
    finally:
        machine.teardown()


@pytest.mark.parametrize("story", STORIES)
def test_story(machine: Reminders, story: Callable[[Reminders], None]) -> None:
    """Nothing is sent twice, nor a wider stage after a tighter one, and in the end nothing is missing."""
    story(machine)


def test_an_expiry_that_is_another_one_at_every_read(machine: Reminders) -> None:
    """No channel hears of it; once two polls agree, the stage that is due is sent."""
    channel = machine.channels.by_id[CHANNEL]
    for number in range(48):
        machine.elapse(HALF_AN_HOUR)
        machine.renew(ANCHOR, 5 + 11 * number % 23)
    assert [(one.kind, one.stage) for one in channel.heard] == [(Kind.STAGE, 7)]
    machine.renew(ANCHOR, 1)
    assert len(channel.heard) == 1
    machine.confirm()
    assert [(one.kind, one.stage) for one in channel.heard] == [(Kind.STAGE, 7), (Kind.STAGE, 1)]


def test_a_login_that_was_wrong_and_then_right(machine: Reminders) -> None:
    """Two renewals within hours are both announced."""
    machine.poll()
    channel = machine.channels.by_id[CHANNEL]
    for days in (2, 29):
        machine.elapse(HALF_AN_HOUR)
        machine.renew(ANCHOR, days)
        machine.confirm()
    heard = [(one.kind, one.stage) for one in channel.heard]
    assert heard == [(Kind.STAGE, 7), (Kind.STAGE, 3), (Kind.RENEWED, 0)]
