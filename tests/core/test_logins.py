"""Which expiry is believed, and which login it belongs to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.logins import Doubt, Login, follow_expiry, follow_login, is_renewal, is_same_expiry, life_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
EXPIRY = NOW + 12 * DAY
LOGIN = Login(7, "123456", EXPIRY, 30 * DAY, None, "7")


@pytest.mark.parametrize("shift", [timedelta(0), HOUR, -HOUR])
def test_expiries_up_to_an_hour_apart_agree(shift: timedelta) -> None:
    """A shift of up to an hour either way is none; any more is one."""
    assert is_same_expiry(EXPIRY + shift, EXPIRY)
    assert not is_same_expiry(EXPIRY + HOUR + SECOND, EXPIRY)
    assert not is_same_expiry(EXPIRY - HOUR - SECOND, EXPIRY)


@pytest.mark.parametrize(
    ("before", "after", "is_new"),
    [
        pytest.param(5 * DAY, 6 * DAY, True, id="a day later"),
        pytest.param(5 * DAY, 6 * DAY - SECOND, False, id="less than a day later"),
        pytest.param(5 * DAY, 3 * DAY, False, id="earlier"),
        pytest.param(-SECOND, HOUR, True, id="expired, valid again"),
        pytest.param(timedelta(0), HOUR + SECOND, True, id="expired this moment, valid again"),
        pytest.param(timedelta(0), HOUR, False, id="expired this moment, moved by an hour"),
        pytest.param(-30 * SECOND, 59 * 60 * SECOND, False, id="moved by minutes around the expiry"),
        pytest.param(-5 * DAY, -4 * DAY, True, id="expired, a day later, expired as well"),
        pytest.param(-5 * HOUR, -HOUR, False, id="expired, hours later, still expired"),
        pytest.param(-DAY, -DAY, False, id="expired, unchanged"),
    ],
)
def test_a_renewal_is_a_day_later_or_follows_an_expiry(before: timedelta, after: timedelta, *, is_new: bool) -> None:
    """A later expiry is a renewal by a day or more, or if the login had expired and is valid again."""
    assert is_renewal(NOW + before, NOW + after, NOW) is is_new


@pytest.mark.parametrize("shift", [timedelta(0), HOUR, -HOUR])
def test_an_expiry_that_agrees_is_believed_at_once(shift: timedelta) -> None:
    """The first expiry of an account, and one within an hour of the last, need no second reading and end a doubt."""
    assert follow_expiry(None, None, EXPIRY, NOW) == (EXPIRY, None)
    doubt = Doubt(EXPIRY + 30 * DAY, NOW)
    assert follow_expiry(LOGIN, doubt, EXPIRY + shift, NOW) == (EXPIRY + shift, None)


@pytest.mark.parametrize("shift", [30 * DAY, -5 * DAY, 2 * HOUR])
def test_a_moved_expiry_waits_for_a_second_reading(shift: timedelta) -> None:
    """The first other reading is in doubt; a second one within an hour of it is believed."""
    moved = EXPIRY + shift
    believed, doubt = follow_expiry(LOGIN, None, moved, NOW)
    assert (believed, doubt) == (EXPIRY, Doubt(moved, NOW))
    agreed = moved + timedelta(minutes=30)
    assert follow_expiry(LOGIN, doubt, agreed, NOW + HOUR) == (agreed, None)


def test_readings_that_never_agree_are_one_doubt() -> None:
    """Each other reading replaces the last one; the doubt lasts since the first."""
    doubt = None
    for number in range(6):
        moved = EXPIRY + number * 3 * DAY + DAY
        believed, doubt = follow_expiry(LOGIN, doubt, moved, NOW + number * HOUR)
        assert (believed, doubt) == (EXPIRY, Doubt(moved, NOW))


def test_a_clock_set_back_does_not_prolong_a_doubt() -> None:
    """A doubt that began later than now begins now."""
    doubt = Doubt(EXPIRY + DAY, NOW + 100 * DAY)
    assert follow_expiry(LOGIN, doubt, EXPIRY + 9 * DAY, NOW) == (EXPIRY, Doubt(EXPIRY + 9 * DAY, NOW))


def new(expires_at: datetime, life: timedelta | None = 20 * DAY) -> Login:
    """Return a login as it is read, without an id."""
    return Login(0, "123456", expires_at, life, None, "8")


def test_a_renewal_makes_a_new_login() -> None:
    """The new login knows the one that it replaced, and when; the first one replaces none."""
    read = new(EXPIRY + 30 * DAY)
    assert follow_login(None, read, NOW) == read
    assert follow_login(LOGIN, read, NOW) == replace(read, previous_id=LOGIN.id, began_at=NOW)


@pytest.mark.parametrize("shift", [timedelta(0), HOUR, DAY - SECOND, -HOUR, -10 * DAY])
def test_any_other_shift_moves_the_login(shift: timedelta) -> None:
    """Less than a day later, or earlier, it is the same login with another expiry."""
    moved = follow_login(LOGIN, new(EXPIRY + shift), NOW)
    assert moved == replace(LOGIN, expires_at=EXPIRY + shift)


@pytest.mark.parametrize(("life", "kept"), [(20, 30), (30, 30), (40, 40)])
def test_a_login_keeps_its_longest_life(life: int, kept: int) -> None:
    """A token that was issued anew with the same expiry does not shorten the login's life."""
    assert follow_login(LOGIN, new(EXPIRY, life * DAY), NOW) == replace(LOGIN, life=kept * DAY)


def test_another_login_has_its_own_life() -> None:
    """The life of the login before says nothing about the one that replaces it."""
    assert follow_login(LOGIN, new(EXPIRY + 30 * DAY, 5 * DAY), NOW).life == 5 * DAY


@pytest.mark.parametrize(
    ("issued_at", "life"),
    [
        pytest.param(None, None, id="unknown"),
        pytest.param(EXPIRY - 5 * DAY, 5 * DAY, id="before the expiry"),
        pytest.param(EXPIRY, None, id="at the expiry"),
        pytest.param(EXPIRY + DAY, None, id="after the expiry"),
    ],
)
def test_an_impossible_life_is_unknown(issued_at: datetime | None, life: timedelta | None) -> None:
    """A life is the time from issue to expiry; a token that was issued after its expiry has none."""
    assert life_of(EXPIRY, issued_at) == life


def test_a_life_that_is_not_given_any_more_is_kept() -> None:
    """A reading without an issue date leaves the life as it was known."""
    assert follow_login(LOGIN, new(EXPIRY, None), NOW) == LOGIN
