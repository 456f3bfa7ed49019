"""Durations and states in words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.accounts import Account, Capability
from bot.core.wording import (
    say_bare_name,
    say_capabilities,
    say_days,
    say_duration,
    say_full_name,
    say_life_left,
    say_short_name,
    say_skew,
    say_state,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (30 * DAY, "30 days"),
        (29 * DAY + 1, "30 days"),
        (2 * DAY, "2 days"),
        (DAY + 1, "2 days"),
        (DAY + 0.000001, "2 days"),
        (DAY, "24 hours"),
        (DAY - 1, "24 hours"),
        (23 * HOUR, "23 hours"),
        (2 * HOUR, "2 hours"),
        (HOUR + 1, "2 hours"),
        (HOUR, "60 minutes"),
        (HOUR - 1, "60 minutes"),
        (2 * MINUTE, "2 minutes"),
        (MINUTE + 1, "2 minutes"),
        (MINUTE, "1 minute"),
        (1, "1 minute"),
        (0.000001, "1 minute"),
        (0, "1 minute"),
    ],
)
def test_time_left_is_rounded_up(seconds: float, words: str) -> None:
    """A duration ahead is said in its largest fitting unit, rounded up."""
    assert say_duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 minute"),
        (MINUTE - 1, "1 minute"),
        (2 * MINUTE - 1, "1 minute"),
        (2 * MINUTE, "2 minutes"),
        (HOUR - 1, "59 minutes"),
        (HOUR, "60 minutes"),
        (HOUR + 1, "1 hour"),
        (2 * HOUR - 1, "1 hour"),
        (DAY - 1, "23 hours"),
        (DAY, "24 hours"),
        (DAY + 1, "1 day"),
        (2 * DAY - 1, "1 day"),
        (2 * DAY, "2 days"),
        (40 * DAY + HOUR, "40 days"),
    ],
)
def test_time_gone_by_is_rounded_down(seconds: float, words: str) -> None:
    """A duration in the past is said without a sign, rounded down."""
    assert say_duration(timedelta(seconds=-seconds)) == words


@given(st.timedeltas())
def test_every_duration_is_a_positive_whole_number_of_a_unit(duration: timedelta) -> None:
    """No duration reads as nothing, as negative or in the wrong number."""
    number, unit = say_duration(duration).split(" ")
    assert int(number) >= 1
    assert unit.removesuffix("s") in ("minute", "hour", "day")
    assert unit.endswith("s") == (int(number) != 1)


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account("1", expires_at=NOW + timedelta(days=12)), "expires in 12 days"),
        (Account("1", expires_at=NOW + timedelta(days=3)), "expires in 3 days"),
        (Account("1", expires_at=NOW + timedelta(days=12.4)), "expires in 12 days"),
        (Account("1", expires_at=NOW + timedelta(days=12.6)), "expires in 13 days"),
        (Account("1", expires_at=NOW + timedelta(days=1)), "expires in 1 day"),
        (Account("1", expires_at=NOW + timedelta(hours=21)), "expires in 21 hours"),
        (Account("1", expires_at=NOW + timedelta(hours=5)), "expires in 5 hours"),
        (Account("1", expires_at=NOW + timedelta(seconds=20)), "expires in 1 minute"),
        (Account("1", expires_at=NOW), "expired 1 minute ago"),
        (Account("1", expires_at=NOW - timedelta(days=2.9)), "expired 3 days ago"),
        (Account("1", expires_at=NOW - timedelta(days=40)), "expired 40 days ago"),
        (Account("1"), "expiry unknown"),
        (Account("1", error="no"), "in error"),
        (Account("1", expires_at=NOW - timedelta(days=40), error="no"), "in error"),
    ],
)
def test_a_state_is_said_in_a_few_words(account: Account, words: str) -> None:
    """Each status has its own few words; times are rounded as Discord rounds them."""
    assert say_state(account, NOW) == words


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, ""),
        ({"supportVideo": True, "supportAudio": False, "supportMusic": None}, "video"),
        ({"supportVideo": True, "supportChat": True, "supportAudio": True}, "video, chat and audio"),
        ({f"supportX{n}": True for n in range(20)}, "x0, x1, x2, x3, x4, x5, x6 and other"),
    ],
)
def test_what_an_account_can_do_is_one_list(flags: dict[str, bool | None], words: str) -> None:
    """Only what is reported as supported counts, and a long list is cut."""
    capabilities = tuple(Capability(flag, supported) for flag, supported in flags.items())
    assert say_capabilities(Account("1", capabilities=capabilities)) == words


@pytest.mark.parametrize(
    ("days", "life", "words"),
    [(3, 30, "▰▱▱▱▱▱▱▱▱▱ 10% left"), (30, 30, "▰▰▰▰▰▰▰▰▰▰ 100% left"), (-1, 30, "▱▱▱▱▱▱▱▱▱▱ 0% left"), (3, None, "")],
)
def test_how_much_of_a_life_is_left(days: int, life: int | None, words: str) -> None:
    """The bar and the number agree; without a date of issue there is none."""
    expires_at = NOW + timedelta(days=days)
    issued_at = None if life is None else expires_at - timedelta(days=life)
    assert say_life_left(Account("1", expires_at=expires_at, issued_at=issued_at), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20 * DAY, "20 days ahead"),
        (20 * DAY - 1, "20 days ahead"),
        (20 * DAY + HOUR, "20 days ahead"),
        (-20 * DAY + 1, "20 days behind"),
        (-2 * HOUR - 1, "2 hours behind"),
        (301, "5 minutes ahead"),
    ],
)
def test_a_wrong_clock(seconds: float, words: str) -> None:
    """How wrong a clock is, is said in its largest fitting unit; seconds don't matter."""
    assert say_skew(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("lead_times", "words"),
    [
        ((14, 7, 3, 1), "14, 7, 3 and 1 day before"),
        ((10, 5, 2), "10, 5 and 2 days before"),
        ((7, 1), "7 and 1 day before"),
        ((1,), "1 day before"),
        ((30,), "30 days before"),
    ],
)
def test_lead_times_are_one_list_of_days(lead_times: tuple[int, ...], words: str) -> None:
    """The unit agrees with the last number."""
    assert say_days(lead_times) == words


@pytest.mark.parametrize(
    ("name", "bare", "short", "full"),
    [
        ("Mateo Silva", "Mateo Silva", "**Mateo Silva**", "**Mateo Silva** `118733902`"),
        (None, "`118733902`", "`118733902`", "`118733902`"),
        ("\u202e", "`118733902`", "`118733902`", "`118733902`"),
        ("*x*", "\\*x\\*", "**\\*x\\***", "**\\*x\\*** `118733902`"),
    ],
)
def test_a_name_comes_first_and_its_id_second(name: str | None, bare: str, short: str, full: str) -> None:
    """An account without a name is called by its id."""
    account = Account(id="118733902", name=name)
    assert say_bare_name(account) == bare
    assert say_short_name(account) == short
    assert say_full_name(account) == full
