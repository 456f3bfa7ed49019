"""Untrusted JSON of useapi.net into accounts.

Every documented field is optional, so a missing or wrong-typed one becomes None instead of an error.
`deviceID` and `searchParams` are a browser fingerprint and are dropped, also where another field repeats them; the
token is masked here.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

from bot.core.accounts import Account, Capability, build_capabilities, is_possible_id
from bot.core.lenient import LENIENT, Bool, IsoMoment, Moment, Text, whole_number_up_to
from bot.core.secrets import Redactor, mask_token
from bot.core.text import is_web_url
from bot.errors import TooManyAccounts, UnreadableAnswer

KNOWN_FLAGS = ("supportVideo", "supportChat", "supportAudio", "supportMusic")
MAX_ERROR = 200
_FLAG = re.compile(r"support[A-Z0-9]\w{0,60}", re.ASCII)
_MAX_JOBS = 10_000
_MAX_ACCOUNTS = 20_000
_LONGEST_TEXT = 4096
_FINGERPRINT = ("deviceID", "searchParams")
_LONGEST_TOKEN = 8192
# Shorter values are no secrets, and redacting them would tear holes into names.
_SHORTEST_SECRET = 8
_SHORTEST_PARAMETER = 16


def _error(value: object) -> str | None:
    """Return the error text; any truthy value means an error, as in useapi.net's own scripts."""
    if not value:
        return None
    return value.strip() if isinstance(value, str) and value.strip() else "no details given"


class _User(BaseModel):
    id: Text = None
    name: Text = None
    avatar: Text = None
    is_anonymous: Bool = Field(None, alias="isAnonymous")


class _Jwt(BaseModel):
    token: Annotated[SecretStr | None, Field(max_length=_LONGEST_TOKEN), LENIENT] = None
    user: Annotated[_User | None, LENIENT] = None
    host: Text = None
    exp: Moment = None
    iat: Moment = None
    exp_expire: IsoMoment = Field(None, alias="exp_Expire")
    iat_issued: IsoMoment = Field(None, alias="iat_Issued")


class _Document(BaseModel):
    jwt: Annotated[_Jwt | None, LENIENT] = None
    max_jobs: Annotated[int | None, BeforeValidator(whole_number_up_to(_MAX_JOBS)), LENIENT] = Field(
        None, alias="maxJobs"
    )
    error: Annotated[str | None, BeforeValidator(_error), LENIENT] = None


def _capabilities(data: dict[str, Any], clean: Callable[[str], str]) -> tuple[Capability, ...]:
    """Return the four known flags in their order, then any other `support...` flag by name."""
    others = sorted(key for key in data if key not in KNOWN_FLAGS and _FLAG.fullmatch(key) and clean(key) == key)
    values = {key: value for key, value in data.items() if isinstance(value, bool)}
    return build_capabilities(tuple((flag, values.get(flag)) for flag in (*KNOWN_FLAGS, *others)))


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
            yield from (one for one in _parameters(value) if len(one) >= _SHORTEST_PARAMETER)


def _parameters(value: object) -> Iterator[str]:
    """Yield the texts and numbers in a value: those of a query, an object or a list."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as held:
                waiting += held.values()
            case list() as held:
                waiting += held
            case str() | int() as held:
                yield from (str(held), *(one for _, one in parse_qsl(str(held))))


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


def parse_accounts(members: Iterable[tuple[str, object]], redact: Redactor) -> dict[str, Account]:
    """Build all accounts from the members of the list endpoint's object, keyed by id.

    Entries that are no objects, or whose id could be neither asked for nor stored, or holds a secret, are skipped: one
    must not stop all.

    Raises:
        TooManyAccounts: there are more than 20,000 members.
    """
    accounts: dict[str, Account] = {}
    for number, (key, value) in enumerate(members):
        if number >= _MAX_ACCOUNTS:
            raise TooManyAccounts(f"more than {_MAX_ACCOUNTS:,} accounts")
        # The last one of the same name counts.
        accounts.pop(key, None)
        if isinstance(value, dict) and is_possible_id(key) and not redact.finds_secret(key):
            accounts[key] = parse_account(key, value, redact)
    return accounts
