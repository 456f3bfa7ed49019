"""Which expiry belongs to which login."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.logins import is_same_login, longest_life

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize("shift", [DAY, -DAY])
def test_an_expiry_within_a_day_is_the_same_login(shift: timedelta) -> None:
    """A silent shift of up to a day either way is no new login; any more is one."""
    assert is_same_login(NOW + shift, NOW)
    assert not is_same_login(NOW + shift * 1.00001, NOW)


@pytest.mark.parametrize(
    ("expires", "issued", "known", "life"),
    [
        (20, None, None, 20),
        (20, -10, None, 30),
        (20, None, 25 * DAY, 25),
        (20, 10, None, 20),
        (-5, -35, None, 30),
        (-5, None, None, None),
        (-5, -3, None, None),
    ],
)
def test_the_longest_known_life_counts(
    expires: int, issued: int | None, known: timedelta | None, life: int | None
) -> None:
    """A life is the time left, the time since the issue, or one known before, whichever is longest; never negative."""
    issued_at = None if issued is None else NOW + issued * DAY
    expected = None if life is None else life * DAY
    assert longest_life(NOW + expires * DAY, issued_at, known, NOW) == expected
