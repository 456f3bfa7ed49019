"""Tests of the words for what a reminder will send."""

from datetime import timedelta

import pytest

from bot.chat.views.reminder_list import say_next
from bot.core.accounts import Account
from tests.support.accounts import START

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("covered", "reason"),
    [
        ([], "No accounts yet"),
        ([Account("1"), Account("2")], "No expiry date reported, so nothing is planned"),
        (
            [Account("1", expires_at=START - DAY), Account("2")],
            "Already expired; the next reminder comes after a renewal",
        ),
        ([Account("1", expires_at=START + DAY)], "Nothing is planned"),
        (None, "Nothing is planned"),
    ],
)
def test_says_why_nothing_is_planned(covered: list[Account] | None, reason: str) -> None:
    """Where there is no next reminder, the accounts that it would be about say why."""
    assert say_next(None, START, covered) == reason
