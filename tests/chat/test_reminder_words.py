"""Tests of the words for what a reminder will send."""

from datetime import timedelta

import pytest

from bot.chat.views.reminder_answers import say_why_none
from bot.core.accounts import Account
from tests.support.accounts import START

DAY = timedelta(days=1)
SENT = "which was sent; the next reminder comes after that"


@pytest.mark.parametrize(
    ("covered", "has_failing", "reason"),
    [
        ([], False, "No accounts yet, so nothing is planned"),
        ([Account("1"), Account("2")], False, "No expiry date reported, so nothing is planned"),
        (
            [Account("1", expires_at=START - DAY), Account("2")],
            False,
            "Already expired; the next reminder comes after a renewal",
        ),
        ([Account("1", expires_at=START + DAY, error="refused")], False, f"useapi.net reports an error, {SENT}"),
        ([Account("1", expires_at=START + DAY)], True, f"MiniMax jobs fail, {SENT}"),
        ([Account("1", expires_at=START + DAY)], False, "Nothing is planned"),
    ],
)
def test_says_why_nothing_is_planned(covered: list[Account], reason: str, *, has_failing: bool) -> None:
    """Where there is no next reminder, the accounts that it would be about say why."""
    assert say_why_none(covered, START, has_failing=has_failing, has_accounts=bool(covered)) == reason
