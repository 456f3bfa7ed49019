"""Turns HTTP answers of useapi.net into JSON or errors; the status alone decides which error."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus

from bot.core.clock import parse_http_date
from bot.errors import (
    AccountOnHold,
    ApiBusy,
    ApiUnreachable,
    CallForbidden,
    NoSuchAccount,
    SubscriptionLapsed,
    UnreadableAnswer,
    UseapiTokenRefused,
)

# useapi.net's own status, not in any registry: the linked account is on hold or in error.
ON_HOLD = 596
_LONGEST_WAIT = 86_400.0
# Far more than all accounts have; a value of three bytes takes up to two hundred in Python.
_MAX_COMMAS = 500_000
# What stands around the members of a JSON object, with the spaces that JSON allows.
_OPEN, _COLON, _COMMA, _CLOSE = (re.compile(rf"[ \t\n\r]*{mark}[ \t\n\r]*") for mark in (r"\{", ":", ",", r"\}"))


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for, as a number or date, a day at most; None if absent or invalid."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_WAIT)
    moment = parse_http_date(value)
    return None if moment is None else min(max(0.0, (moment - now).total_seconds()), _LONGEST_WAIT)


def check_status(status: int, headers: Mapping[str, str], now: datetime) -> None:
    """Raise the error of a status; return on 200.

    Raises:
        UseapiTokenRefused: 401. SubscriptionLapsed: 402. CallForbidden: 403. NoSuchAccount: 404. ApiBusy: 429.
        AccountOnHold: 596.
        UnreadableAnswer: any other 1xx, 2xx or 3xx; redirects are not followed.
        ApiUnreachable: any other 4xx or 5xx.
    """
    match status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED:
            raise UseapiTokenRefused("401")
        case HTTPStatus.PAYMENT_REQUIRED:
            raise SubscriptionLapsed("402")
        case HTTPStatus.FORBIDDEN:
            raise CallForbidden(f"status {status}")
        case HTTPStatus.NOT_FOUND:
            raise NoSuchAccount
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise ApiBusy(parse_retry_after(headers, now))
        case _ if status == ON_HOLD:
            raise AccountOnHold(str(ON_HOLD))
        case _ if status < HTTPStatus.BAD_REQUEST:
            raise UnreadableAnswer(f"status {status}")
        case _:
            raise ApiUnreachable(f"status {status}")


def parse_json(body: bytes) -> object:
    """Return the decoded JSON.

    Raises:
        UnreadableAnswer: it is not JSON, cut off, nested too deep or wrongly encoded, or holds too many values.
    """
    _check_size(body)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableAnswer("not JSON") from None


def parse_members(body: bytes) -> Iterator[tuple[str, object]]:
    """Yield the members of a JSON object one by one: decoding a long list at once would hold up all threads.

    Raises:
        UnreadableAnswer: as `parse_json`, perhaps after some members, or it is not an object.
    """
    _check_size(body)
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        opened = _OPEN.match(text)
        if opened is None:
            json.loads(text)
            is_object = False
        else:
            is_object = True
            yield from _iterate(text, opened.end())
    except (ValueError, RecursionError):
        raise UnreadableAnswer("not JSON") from None
    if not is_object:
        raise UnreadableAnswer("not an object")


def _iterate(text: str, at: int) -> Iterator[tuple[str, object]]:
    """Yield the members of a JSON object from behind its brace to the end of the text; raise ValueError if broken."""
    decode = json.JSONDecoder().raw_decode
    closed = _CLOSE.match(text, at)
    while closed is None:
        name, at = decode(text, at)
        colon = _COLON.match(text, at)
        if colon is None or not isinstance(name, str):
            raise ValueError("no member")
        value, at = decode(text, colon.end())
        yield name, value
        closed, comma = _CLOSE.match(text, at), _COMMA.match(text, at)
        if closed is None and comma is None:
            raise ValueError("no end")
        at = at if comma is None else comma.end()
    if closed.end() != len(text):
        raise ValueError("more than an object")


def _check_size(body: bytes) -> None:
    if body.count(b",") > _MAX_COMMAS:
        raise UnreadableAnswer("too many values")
