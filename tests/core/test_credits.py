"""Credits in useapi.net's answers: each field optional, texts without secrets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.credits import Credits, Portion
from bot.core.secrets import HIDDEN, Redactor
from bot.core.usage_parsing import parse_credits
from bot.errors import UnreadableAnswer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def parse(**fields: Any) -> Credits:
    """Return the credits in an answer with these fields."""
    return parse_credits(fields, Redactor(["s3cret-token-of-the-bot"]), NOW)


def test_the_documented_answer_is_read() -> None:
    """Credits, plan, notes and the portions that expire, soonest first; other fields are dropped."""
    found = parse(
        totalCredits=1240,
        memberName="Free",
        memberHoverText="Membership expires time: 2024-11-09",
        expireText="100 points will expire within 24 hours",
        creditExpireText=[{"credit": 40, "endTime": ms(9)}, {"credit": 100, "endTime": ms(1)}],
        modelControl=[{"modelId": "user:12-abc"}],
    )
    portions = (Portion(100, NOW + DAY), Portion(40, NOW + 9 * DAY))
    notes = ("Membership expires time: 2024-11-09", "100 points will expire within 24 hours")
    assert found == Credits(NOW, 1240, "Free", *notes, portions)


def ms(days: int) -> float:
    """Return a time so many days from now in milliseconds."""
    return (NOW + days * DAY).timestamp() * 1000


@pytest.mark.parametrize("value", [None, "1240", True, -1, 10**13, 10**400, float("nan"), float("inf"), [], {}])
def test_unknown_credits_are_never_zero(value: Any) -> None:
    """A number that can't be credits is not reported."""
    assert parse(totalCredits=value) == Credits(NOW)
    assert parse(totalCredits=0).total == 0
    assert parse(totalCredits=99.9).total == 99


@pytest.mark.parametrize("value", [None, 7, {}, "soon", [None, 1, [], {}], [{"credit": 0, "endTime": 1}]])
def test_odd_portions_are_left_out(value: Any) -> None:
    """What is no portion with credits and a time is skipped, and the rest is read."""
    assert parse(totalCredits=5, creditExpireText=value) == Credits(NOW, 5)


@pytest.mark.parametrize("data", [None, [], "text", 7, {}, {"error": "Unauthorized", "code": 401}, {"minimax": 1}])
def test_an_unknown_shape_is_unreadable(data: object) -> None:
    """An object without any documented field is not an account without credits."""
    with pytest.raises(UnreadableAnswer):
        parse_credits(data, Redactor(), NOW)


@pytest.mark.parametrize(
    "secret",
    ["s3cret-token-of-the-bot", "user:7340471958-abc", "20260131-user:7340471958-bot:minimax", "user:7340471958"],
)
def test_texts_hold_no_secret(secret: str) -> None:
    """Tokens, user numbers and job ids are hidden in every text, also where the text is cut."""
    for name in ("memberName", "memberHoverText", "expireText"):
        shown = repr(parse(**{name: f"x {secret} y"}))
        assert HIDDEN in shown
        assert "7340471958" not in shown
        assert "s3cret" not in shown
        assert "73404" not in repr(parse(**{name: "x" * 190 + f" {secret}"}))
