"""Statuses, pauses and bodies of answers, without a connection."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import (
    AccountOnHold,
    ApiBusy,
    ApiUnreachable,
    BotError,
    CallForbidden,
    NoSuchAccount,
    SubscriptionLapsed,
    UnreadableAnswer,
    UseapiTokenRefused,
)
from bot.useapi.responses import check_status, parse_json, parse_retry_after

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DATE_PARTS = ["Mon,", "Thu,", "01", "Jan", "2026", "99999", "12:00:00", "GMT", "+0000", "-2359", "+99999999999999"]


def test_a_200_is_no_error() -> None:
    """The status 200 raises nothing."""
    check_status(200, {}, NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, UseapiTokenRefused),
        (402, SubscriptionLapsed),
        (403, CallForbidden),
        (404, NoSuchAccount),
        (429, ApiBusy),
        (596, AccountOnHold),
        *[(status, UnreadableAnswer) for status in (101, 201, 202, 204, 206, 299, 300, 301, 302, 304, 307, 308, 399)],
        *[(status, ApiUnreachable) for status in (400, 405, 408, 412, 418, 422, 451, 499)],
        *[(status, ApiUnreachable) for status in (500, 501, 502, 503, 504, 520, 595, 597, 599, 600, 999)],
    ],
)
def test_every_status_has_its_error(status: int, kind: type[BotError]) -> None:
    """The status alone decides which error it is."""
    with pytest.raises(kind) as caught:
        check_status(status, {}, NOW)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("1", 1.0),
        (" 120 ", 120.0),
        ("86400", 86_400.0),
        ("86401", 86_400.0),
        ("9" * 400, 86_400.0),
        ("9" * 5_000, 86_400.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 12:00:30", 30.0),
        ("Thu, 01 Jan 2026 13:00:30 +0100", 30.0),
        ("Thursday, 01-Jan-26 12:00:30 GMT", 30.0),
        ("Wed, 31 Dec 2025 12:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400.0),
        ("", None),
        ("  ", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("\u0663", None),
        ("2026-01-01T12:00:30Z", None),
        ("Thu, 99 Jan 2026 12:00:30 GMT", None),
        ("Thu, 01 Jan 99999 12:00:30 GMT", None),
        ("Thu, 01 Jan 2026 12:00:30 +99999999999999", None),
    ],
)
def test_a_pause_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    """`Retry-After` gives between 0 seconds and a day, or None if it makes no sense."""
    assert parse_retry_after({"Retry-After": value}, NOW) == seconds


def test_no_pause_without_the_header() -> None:
    """Without `Retry-After` there is no pause."""
    assert parse_retry_after({}, NOW) is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(DATE_PARTS), max_size=7).map(" ".join) | st.text(max_size=30))
def test_any_pause_is_sane(value: str) -> None:
    """For any text in the header, the pause is None or between 0 seconds and a day."""
    seconds = parse_retry_after({"Retry-After": value}, NOW)
    assert seconds is None or 0.0 <= seconds <= 86_400.0


def test_a_busy_answer_carries_its_pause() -> None:
    """The error of a 429 holds the pause."""
    with pytest.raises(ApiBusy) as caught:
        check_status(429, {"Retry-After": "7"}, NOW)
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b"[]", []),
        (b" null ", None),
        (b'\xef\xbb\xbf{"bom": 1}', {"bom": 1}),
        ('{"wide": "\u00e9"}'.encode("utf-16"), {"wide": "\u00e9"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": 1e400}', {"a": float("inf")}),
    ],
)
def test_json_is_decoded(body: bytes, value: object) -> None:
    """Any JSON value in any of JSON's encodings is decoded."""
    assert parse_json(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<html>",
        b"{",
        b'{"a": 1',
        b'{"a": 1}x',
        b"{'a': 1}",
        b'{"a": 1,}',
        b"\xff\xfe\xfa",
        b'{"a": "\xff"}',
        b"\x1f\x8b\x08\x00",
        b"\x00" * 8,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
    ],
    ids=lambda body: ascii(body[:12]),
)
def test_a_body_that_is_not_json_is_unreadable(body: bytes) -> None:
    """A body that is cut off, wrongly encoded, too deep or no JSON is unreadable; the error does not hold it."""
    with pytest.raises(UnreadableAnswer) as caught:
        parse_json(body)
    assert str(caught.value) == "not JSON"
    assert caught.value.__suppress_context__


def test_the_number_of_values_is_bounded() -> None:
    """Half a million values are read; more, which would take many times the memory of their text, are not."""
    most = b"[" + b"0," * 500_000 + b"0]"
    assert len(str(parse_json(most))) > 1_000_000
    with pytest.raises(UnreadableAnswer, match="too many"):
        parse_json(b"[0," + most[1:])


@settings(deadline=None)
@given(st.binary(max_size=50))
def test_any_body_is_json_or_unreadable(body: bytes) -> None:
    """Any bytes are JSON or raise UnreadableAnswer."""
    try:
        json.dumps(parse_json(body))
    except UnreadableAnswer:
        with pytest.raises(ValueError, match=r".*"):
            json.loads(body)
