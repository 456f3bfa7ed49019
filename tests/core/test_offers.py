"""Tests of which server is offered a reminder for a new account, and in which channel."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.accounts import Account, AccountSnapshot
from bot.core.incidents import OpenIncident
from bot.core.notifications import Kind
from bot.core.offers import NEW_FOR, choose_channel, is_covered, is_new
from bot.core.subscriptions import Subscription, by_account

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def in_channel(channel_id: int, *account_ids: str | None, paused: bool = False) -> dict[str | None, Subscription]:
    """Return the subscriptions of a channel on these accounts, by account."""
    paused_at = NOW if paused else None
    return by_account(
        Subscription(1, channel_id, account_id, (7,), None, 1, paused_at=paused_at) for account_id in account_ids
    )


@pytest.mark.parametrize(
    ("in_guild", "covered", "channel"),
    [
        ({}, False, None),
        ({1: in_channel(1, "a")}, False, 1),
        ({1: in_channel(1, "a"), 2: in_channel(2, None)}, True, 1),
        ({1: in_channel(1, None, paused=True)}, True, None),
        ({1: in_channel(1, "a"), 2: in_channel(2, "a", "b")}, False, 2),
        ({1: in_channel(1, "a"), 2: in_channel(2, "b")}, False, 1),
        ({1: in_channel(1, None, paused=True) | in_channel(1, "a"), 2: in_channel(2, "a", "b")}, True, 2),
        ({1: in_channel(1, "new", paused=True) | in_channel(1, None)}, True, 1),
        ({1: in_channel(1, "new")}, True, 1),
    ],
)
def test_the_channel(
    in_guild: dict[int, dict[str | None, Subscription]], channel: int | None, *, covered: bool
) -> None:
    """A paused reminder covers its accounts too; the offer goes where the most reminders arrive."""
    assert is_covered("new", in_guild) is covered
    assert choose_channel(in_guild) == channel


@pytest.mark.parametrize(
    ("appeared_at", "is_missing", "expected"),
    [(NOW, False, True), (NOW - NEW_FOR, False, False), (None, False, False), (NOW - timedelta(hours=1), True, False)],
)
def test_what_is_new(appeared_at: datetime | None, *, is_missing: bool, expected: bool) -> None:
    """An account is new for a day, unless the first list of all held it, or it is gone again."""
    incidents = (OpenIncident(Kind.MISSING, 1, NOW),) if is_missing else ()
    assert is_new(AccountSnapshot(Account("a"), NOW, incidents=incidents, appeared_at=appeared_at), NOW) is expected
