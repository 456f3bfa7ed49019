"""Untrusted JSON of useapi.net into accounts.

Every documented field is optional, so a missing or wrong-typed one becomes None instead of an error.
`deviceID` and `searchParams` are a browser fingerprint and are dropped, also where another field repeats them; the
token is masked here.
"""

import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, StrictBool, WrapValidator
from pydantic import ValidatorFunctionWrapHandler as Handler

from bot.core.accounts import Account, Capability, is_possible_id
from bot.core.secrets import Redactor, mask_token
from bot.core.text import is_web_url
from bot.errors import UnreadableAnswer

KNOWN_FLAGS = ("supportVideo", "supportChat", "supportAudio", "supportMusic")
MAX_ERROR = 200
_FLAG = re.compile(r"support[A-Z0-9]\w{0,60}", re.ASCII)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_MAX_JOBS = 10_000
_MAX_ACCOUNTS = 20_000
_LONGEST_TEXT = 4096
_FINGERPRINT = ("deviceID", "searchParams")
_LONGEST_TOKEN = 8192
# Shorter values are no secrets, and redacting them would tear holes into names.
_SHORTEST_SECRET = 8
_SHORTEST_PARAMETER = 16


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


def _error(value: object) -> str | None:
    """Return the error text; any truthy value means an error, as in useapi.net's own scripts."""
    if not value:
        return None
    return value.strip() if isinstance(value, str) and value.strip() else "no details given"


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


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in range(_MAX_JOBS + 1):
        raise ValueError("not a count")
    return int(value)


_Lenient = WrapValidator(_none_if_invalid)
_Text = Annotated[str | None, BeforeValidator(_text), _Lenient]
_Bool = Annotated[StrictBool | None, _Lenient]
_Moment = Annotated[datetime | None, BeforeValidator(_moment), _Lenient]
_IsoMoment = Annotated[datetime | None, BeforeValidator(_iso_moment), _Lenient]
_Count = Annotated[int | None, BeforeValidator(_whole_number), _Lenient]


class _User(BaseModel):
    id: _Text = None
    name: _Text = None
    avatar: _Text = None
    is_anonymous: _Bool = Field(None, alias="isAnonymous")


class _Jwt(BaseModel):
    token: Annotated[SecretStr | None, Field(max_length=_LONGEST_TOKEN), _Lenient] = None
    user: Annotated[_User | None, _Lenient] = None
    host: _Text = None
    exp: _Moment = None
    iat: _Moment = None
    exp_expire: _IsoMoment = Field(None, alias="exp_Expire")
    iat_issued: _IsoMoment = Field(None, alias="iat_Issued")


class _Document(BaseModel):
    jwt: Annotated[_Jwt | None, _Lenient] = None
    max_jobs: _Count = Field(None, alias="maxJobs")
    error: Annotated[str | None, BeforeValidator(_error), _Lenient] = None


def _capabilities(data: dict[str, Any], clean: Callable[[str], str]) -> tuple[Capability, ...]:
    """Return the four known flags in their order, then any other `support...` flag by name."""
    others = sorted(key for key in data if key not in KNOWN_FLAGS and _FLAG.fullmatch(key) and clean(key) == key)
    values = {key: value for key, value in data.items() if isinstance(value, bool)}
    return tuple(Capability(flag, values.get(flag)) for flag in (*KNOWN_FLAGS, *others))


def _fingerprint(data: dict[str, Any]) -> Iterator[str]:
    """Return the values of the browser's fingerprint, and those of its parameters."""
    jwt = data.get("jwt")
    user = jwt.get("user") if isinstance(jwt, dict) else None
    for holder in (data, jwt, user):
        values = [holder.get(name) for name in _FINGERPRINT] if isinstance(holder, dict) else []
        for value in values:
            if isinstance(value, str | int):
                yield str(value)
                # Shorter ones are words such as the name of the browser.
                yield from (one for _, one in parse_qsl(str(value)) if len(one) >= _SHORTEST_PARAMETER)


def parse_account(account_id: str, data: object, redact: Redactor) -> Account:
    """Build the account from the API's object; the id is the one it was asked for under.

    Raises:
        UnreadableAnswer: the value is not an object.
    """
    if not isinstance(data, dict):
        raise UnreadableAnswer("not an object")
    document = _Document.model_validate({key: data[key] for key in ("jwt", "maxJobs", "error") if key in data})
    jwt = document.jwt or _Jwt()
    user = jwt.user or _User()
    token = jwt.token.get_secret_value().strip() if jwt.token else ""
    redact_own = Redactor(one for one in (token, *_fingerprint(data)) if len(one) >= _SHORTEST_SECRET)

    def clean(text: str) -> str:
        # Cut afterwards: of a secret at the end, a part would stay.
        return redact(redact_own(text))[:_LONGEST_TEXT]

    avatar = user.avatar or ""
    return Account(
        id=account_id,
        name=clean(user.name) if user.name else None,
        user_id=clean(user.id) if user.id else None,
        anonymous=user.is_anonymous,
        avatar_url=avatar if is_web_url(avatar) and clean(avatar) == avatar else None,
        expires_at=jwt.exp or jwt.exp_expire,
        issued_at=jwt.iat or jwt.iat_issued,
        host=clean(jwt.host) if jwt.host else None,
        max_jobs=document.max_jobs,
        capabilities=_capabilities(data, clean),
        masked_token=mask_token(token) if token else None,
        error=clean(document.error)[:MAX_ERROR] if document.error else None,
    )


def parse_accounts(data: object, redact: Redactor) -> dict[str, Account]:
    """Build all accounts from the list endpoint's object, keyed by id.

    Entries that are no objects, or whose id could be neither asked for nor stored, or holds a secret, are skipped: one
    must not stop all.

    Raises:
        UnreadableAnswer: the value is not an object, or holds more than 20,000 accounts.
    """
    if not isinstance(data, dict):
        raise UnreadableAnswer("not an object")
    if len(data) > _MAX_ACCOUNTS:
        raise UnreadableAnswer("too many accounts")
    entries = {key: value for key, value in data.items() if isinstance(value, dict)}
    usable = [key for key in entries if is_possible_id(key) and not redact.finds_secret(key)]
    return {key: parse_account(key, entries[key], redact) for key in usable}
