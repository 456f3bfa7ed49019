"""Types of fields of untrusted JSON: a missing or wrong-typed value becomes None instead of an error."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, StrictBool, WrapValidator
from pydantic import ValidatorFunctionWrapHandler as Handler

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def _none_if_invalid(value: object, handler: Handler) -> Any:
    try:
        return handler(value)
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("not a text")
    text = str(value).strip()
    if not text:
        raise ValueError("empty")
    return text


def _moment(value: object) -> datetime:
    """Return a Unix time as aware UTC; seconds as documented, milliseconds understood, the absurd refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a time")
    for seconds in (value, value / 1000):
        if _EARLIEST <= seconds <= _LATEST:
            return datetime.fromtimestamp(seconds, UTC)
    raise ValueError("out of range")


def _iso_moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("not a date")
    moment = datetime.fromisoformat(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return _moment(moment.timestamp())


def whole_number_up_to(most: int) -> Callable[[object], int]:
    """Return a validator of whole numbers from 0 to `most`."""

    def validate(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in range(most + 1):
            raise ValueError("not a count")
        return int(value)

    return validate


LENIENT = WrapValidator(_none_if_invalid)
Text = Annotated[str | None, BeforeValidator(_text), LENIENT]
Bool = Annotated[StrictBool | None, LENIENT]
Moment = Annotated[datetime | None, BeforeValidator(_moment), LENIENT]
IsoMoment = Annotated[datetime | None, BeforeValidator(_iso_moment), LENIENT]
