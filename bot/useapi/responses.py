"""Turns HTTP answers of useapi.net into JSON or errors; the status alone decides which error."""

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from bot.core.clock import parse_http_date
from bot.errors import (
    AccountOnHold,
    ApiBusy,
    ApiUnreachable,
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
        UseapiTokenRefused: 401. SubscriptionLapsed: 402. NoSuchAccount: 404. ApiBusy: 429. AccountOnHold: 596.
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
    if body.count(b",") > _MAX_COMMAS:
        raise UnreadableAnswer("too many values")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableAnswer("not JSON") from None
