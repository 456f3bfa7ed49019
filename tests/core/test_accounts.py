"""Status, time left, capability labels and the order of accounts."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.accounts import Account, Capability, by_expiry, sort_by_urgency
from bot.core.status import Status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


def expiring(left: timedelta, error: str | None = None) -> Account:
    """Return an account with this much time left."""
    return Account("1", expires_at=NOW + left, error=error)


@pytest.mark.parametrize(
    ("left", "status"),
    [
        (30 * DAY, Status.HEALTHY),
        (7 * DAY + TICK, Status.HEALTHY),
        (7 * DAY, Status.EXPIRING),
        (7 * DAY - TICK, Status.EXPIRING),
        (DAY + TICK, Status.EXPIRING),
        (DAY, Status.LAST_DAY),
        (TICK, Status.LAST_DAY),
        (timedelta(0), Status.EXPIRED),
        (-TICK, Status.EXPIRED),
        (-400 * DAY, Status.EXPIRED),
    ],
)
def test_status_follows_the_time_left(left: timedelta, status: Status) -> None:
    """An account is expiring from seven days before its expiry, on its last day from 24 hours before, then expired."""
    assert expiring(left).status(NOW) is status


def test_status_is_unknown_without_an_expiry() -> None:
    """An account without an expiry is neither healthy nor expired."""
    assert Account("1").status(NOW) is Status.UNKNOWN


@pytest.mark.parametrize("left", [30 * DAY, DAY, -DAY])
@pytest.mark.parametrize("error", ["Session refresh failed", ""])
def test_an_error_outranks_every_date(left: timedelta, error: str) -> None:
    """An error that the API reports is the status, whatever the expiry."""
    assert expiring(left, error).status(NOW) is Status.ERROR


def test_an_error_outranks_an_unknown_expiry() -> None:
    """An error is the status even if no expiry is known."""
    assert Account("1", error="no").status(NOW) is Status.ERROR


@pytest.mark.parametrize(
    ("left", "expected"),
    [(7 * DAY, False), (DAY + TICK, False), (DAY, True), (TICK, True), (timedelta(0), True), (-DAY, True)],
)
@pytest.mark.parametrize("error", [None, "no"])
def test_an_account_is_urgent_from_its_last_day_on(left: timedelta, error: str | None, *, expected: bool) -> None:
    """An account is urgent from exactly 24 hours before the expiry, also after it, whatever error it has."""
    assert expiring(left, error).is_urgent(NOW) is expected


def test_an_unknown_expiry_is_not_urgent() -> None:
    """Without an expiry an account is never urgent."""
    assert not Account("1").is_urgent(NOW)


@pytest.mark.parametrize(
    ("expires_at", "remaining"),
    [(NOW + DAY, DAY), (NOW, timedelta(0)), (NOW - DAY, -DAY), (None, None)],
)
def test_remaining_is_negative_once_expired(expires_at: datetime | None, remaining: timedelta | None) -> None:
    """The time left counts on below zero, and is unknown if the expiry is."""
    assert Account("1", expires_at=expires_at).remaining(NOW) == remaining


@pytest.mark.parametrize(
    ("issued_at", "expires_at", "share"),
    [
        (NOW, NOW + 30 * DAY, 1.0),
        (NOW - 15 * DAY, NOW + 15 * DAY, 0.5),
        (NOW - 30 * DAY, NOW, 0.0),
        (NOW - 60 * DAY, NOW - 30 * DAY, 0.0),
        (NOW + DAY, NOW + 31 * DAY, 1.0),
        (NOW, NOW, None),
        (NOW + DAY, NOW, None),
        (None, NOW + DAY, None),
        (NOW - DAY, None, None),
        (None, None, None),
    ],
)
def test_the_remaining_share_stays_between_none_and_all(
    issued_at: datetime | None, expires_at: datetime | None, share: float | None
) -> None:
    """The share of the life left is 0 to 1, and unknown if either end is unknown or they are in the wrong order."""
    assert Account("1", issued_at=issued_at, expires_at=expires_at).remaining_share(NOW) == share


@pytest.mark.parametrize(
    ("flag", "label"),
    [
        ("supportVideo", "Video"),
        ("supportVoiceClone", "Voice clone"),
        ("supportMusic2", "Music2"),
        ("supportHD", "Hd"),
        ("supportTextToSpeech", "Text to speech"),
        ("support", ""),
    ],
)
def test_a_flag_reads_as_words(flag: str, label: str) -> None:
    """A capability's label is its flag in words, without the prefix."""
    assert Capability(flag, supported=True).label == label


def test_the_soonest_expiry_comes_first() -> None:
    """Accounts sort by expiry, the unknown ones last, equal ones by id."""
    accounts = [
        Account("unknown-b"),
        Account("late", expires_at=NOW + 30 * DAY),
        Account("soon-b", expires_at=NOW + DAY),
        Account("unknown-a"),
        Account("gone", expires_at=NOW - DAY),
        Account("soon-a", expires_at=NOW + DAY),
    ]
    ordered = [account.id for account in sorted(accounts, key=by_expiry)]
    assert ordered == ["gone", "soon-a", "soon-b", "late", "unknown-a", "unknown-b"]


def test_the_most_urgent_account_comes_first() -> None:
    """Accounts sort by status, and within a status by expiry; an error is not below a healthy login."""
    accounts = [
        Account("unknown"),
        Account("well", expires_at=NOW + 30 * DAY),
        Account("soon", expires_at=NOW + 3 * DAY),
        Account("sooner", expires_at=NOW + 2 * DAY),
        Account("today", expires_at=NOW + DAY / 2),
        Account("undated-error", error="x"),
        Account("error", expires_at=NOW + 40 * DAY, error="x"),
        Account("gone", expires_at=NOW - DAY),
    ]
    ordered = [account.id for account in sort_by_urgency(accounts, NOW)]
    assert ordered == ["gone", "error", "undated-error", "today", "sooner", "soon", "well", "unknown"]
