"""When trouble is worth a message, if the clock is set back meanwhile."""

import pytest

from bot.core.reminders import BLIND, ERROR, GONE, Rule
from tests.core.test_reminders import after


@pytest.mark.parametrize("rule", [BLIND, GONE])
def test_trouble_before_a_clock_set_back_counts_from_then(rule: Rule) -> None:
    """Trouble needs its own time after the clock was set back, not that time and the hours it was set back by."""
    passes = [(1000.0, True), (0, True), (1, True), (6, True)]
    assert not after(rule, passes[:2]).is_open
    assert after(rule, passes).is_open


@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_a_clock_set_back_does_not_put_off_the_good_day(rule: Rule) -> None:
    """After the clock was set back, a good day makes trouble new again, not that day and the hours since then."""
    first = [(1000.0 + hours, True) for hours in range(7)]
    second = [(24.0 + hours, True) for hours in range(7)]
    assert after(rule, [*first, (1007, False), (0, False), *second]).episode == 2


@pytest.mark.parametrize("rule", [BLIND, GONE, ERROR])
def test_a_clock_set_back_repeats_no_trouble(rule: Rule) -> None:
    """Trouble that lasts while the clock is set back is told once."""
    passes = [(hours, True) for hours in range(10)]
    assert after(rule, [*((1000 + hours, bad) for hours, bad in passes), *passes]).episode == 1
