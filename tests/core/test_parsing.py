"""The API's objects into accounts: the documents' samples and every way in which they may be wrong."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.accounts import Account, Capability
from bot.core.parsing import KNOWN_FLAGS, MAX_ERROR, parse_account, parse_accounts
from bot.core.secrets import Redactor
from bot.errors import TooManyAccounts, UnreadableAnswer
from tests.data import MARCH, OCTOBER, load

EXP = datetime(2024, 12, 22, 9, 9, 58, 864_000, tzinfo=UTC)
IAT = datetime(2024, 11, 22, 9, 9, 58, 864_000, tzinfo=UTC)
EXP_EXPIRE = datetime(2024, 12, 1, tzinfo=UTC)
IAT_ISSUED = datetime(2024, 1, 1, tzinfo=UTC)
TOKEN = "user:7-standin"


def parse(data: object) -> Account:
    """Parse as account 1."""
    return parse_account("1", data, Redactor([TOKEN]))


def parse_jwt(**jwt: Any) -> Account:
    """Parse an account with this `jwt` object."""
    return parse({"jwt": jwt})


def flags(**values: bool | None) -> tuple[Capability, ...]:
    """Return the four known capabilities with these values, unknown where none is given."""
    return tuple(Capability(flag, values.get(flag)) for flag in KNOWN_FLAGS)


def test_the_sample_of_october_2024() -> None:
    """The older document's sample gives every field that it shows."""
    assert parse_account("123456", load(OCTOBER), Redactor()) == Account(
        id="123456",
        name="<name>",
        user_id="123456",
        anonymous=True,
        avatar_url=None,
        expires_at=EXP,
        issued_at=IAT,
        host="hailuoai.video",
        max_jobs=1,
        capabilities=flags(supportVideo=True, supportMusic=False),
        masked_token="••••••",
    )


def test_the_sample_of_march_2025() -> None:
    """The newer document's sample has no host, and says nothing of music."""
    assert parse_account("123456", load(MARCH), Redactor()) == Account(
        id="123456",
        name="<name>",
        user_id="123456",
        anonymous=True,
        expires_at=EXP,
        issued_at=IAT,
        host=None,
        max_jobs=1,
        capabilities=flags(supportVideo=True, supportChat=True, supportAudio=True),
        masked_token="••••••",
    )


@pytest.mark.parametrize("data", [{}, {"jwt": {}}, {"jwt": None}, {"jwt": {"user": {}}}, {"jwt": {"user": None}}])
def test_every_field_may_be_missing(data: dict[str, Any]) -> None:
    """An object without a single field is an account of which nothing is known."""
    assert parse(data) == Account(id="1", capabilities=flags())


def test_wrong_types_everywhere_are_unknown() -> None:
    """A field of a wrong type counts as missing, and spoils no other."""
    assert parse(load("account.wrong-types")) == Account(id="1", capabilities=flags())


@pytest.mark.parametrize("value", [None, True, 7, 1.5, "text", [], [1], {"user": 1}, {"user": ["a"], "exp": {}}])
def test_a_jwt_of_a_wrong_type_spoils_nothing_else(value: object) -> None:
    """The rest of an account is read even if its `jwt` can't be."""
    assert parse({"jwt": value, "maxJobs": 2}) == Account(id="1", max_jobs=2, capabilities=flags())


def test_unknown_fields_are_ignored_and_unknown_flags_kept() -> None:
    """Fields nobody documented change nothing; a new `support...` flag is a capability more."""
    account = parse(load("account.unknown-fields"))
    assert (account.name, account.expires_at, account.max_jobs) == ("Jane Doe", EXP, 2)
    assert account.capabilities == (*flags(supportVideo=True), Capability("supportVoiceClone", supported=True))


@pytest.mark.parametrize(
    ("name", "is_flag"),
    [
        ("supportVoiceClone", True),
        ("support3D", True),
        ("supportA" + "b" * 60, True),
        ("supportA" + "b" * 61, False),
        ("support", False),
        ("supportEmail@", False),
        ("supported", False),
        ("supports", False),
        ("unsupportedVideo", False),
    ],
)
def test_which_fields_are_flags(name: str, *, is_flag: bool) -> None:
    """A flag is `support` and a capitalised word of sane length."""
    assert (Capability(name, supported=True) in parse({name: True}).capabilities) is is_flag


def test_new_flags_follow_the_known_ones_by_name() -> None:
    """The four known capabilities keep their order, the others follow alphabetically."""
    account = parse({"supportZoom": True, "supportMusic": True, "supportClone": "?", "supportVideo": False})
    names = [capability.flag for capability in account.capabilities]
    assert names == [*KNOWN_FLAGS, "supportClone", "supportZoom"]
    assert account.capabilities[-2] == Capability("supportClone", supported=None)


@pytest.mark.parametrize(
    ("jwt", "expires_at"),
    [
        ('{"exp": 1734858598.864, "exp_Expire": "2024-12-01T00:00:00.000Z"}', EXP),
        ('{"exp_Expire": "2024-12-01T00:00:00.000Z"}', EXP_EXPIRE),
        ('{"exp_Expire": "2024-12-01T00:00:00"}', EXP_EXPIRE),
        ('{"exp_Expire": "2024-12-01T02:00:00+02:00"}', EXP_EXPIRE),
        ('{"exp_Expire": "2024-12-01"}', EXP_EXPIRE),
        ('{"exp": null, "exp_Expire": "2024-12-01T00:00:00.000Z"}', EXP_EXPIRE),
        ('{"exp": "1734858598", "exp_Expire": "2024-12-01T00:00:00.000Z"}', EXP_EXPIRE),
        ('{"exp": true, "exp_Expire": "2024-12-01T00:00:00.000Z"}', EXP_EXPIRE),
        ('{"exp": 0, "exp_Expire": "2024-12-01T00:00:00.000Z"}', EXP_EXPIRE),
        ('{"exp": 1734858598864}', EXP),
        ('{"exp": 1734858598864.0}', EXP),
        ('{"exp": 946684800}', datetime(2000, 1, 1, tzinfo=UTC)),
        ('{"exp": 4102444800}', datetime(2100, 1, 1, tzinfo=UTC)),
        ('{"exp": 946684799}', None),
        ('{"exp": 4102444801}', None),
        ('{"exp": -1734858598}', None),
        ('{"exp": 253402300799}', None),
        ('{"exp": NaN}', None),
        ('{"exp": Infinity}', None),
        ('{"exp": -Infinity}', None),
        ('{"exp": 1e400}', None),
        ('{"exp": 1' + "0" * 400 + "}", None),
        ('{"exp_Expire": "9999-12-31T23:59:59.999Z"}', None),
        ('{"exp_Expire": "0001-01-01T00:00:00+23:59"}', None),
        ('{"exp_Expire": "1999-12-31T23:59:59Z"}', None),
        ('{"exp_Expire": "2024-13-01T00:00:00.000Z"}', None),
        ('{"exp_Expire": "tomorrow"}', None),
        ('{"exp_Expire": ""}', None),
        ('{"exp_Expire": 1734858598}', None),
        ("{}", None),
    ],
)
def test_the_expiry_comes_from_exp_and_else_from_exp_expire(jwt: str, expires_at: datetime | None) -> None:
    """`exp` wins over `exp_Expire`; milliseconds are understood, and what can't be a date is unknown."""
    account = parse(json.loads('{"jwt": ' + jwt + "}"))
    assert account.expires_at == expires_at
    assert expires_at is None or (account.expires_at is not None and account.expires_at.tzinfo is UTC)


@pytest.mark.parametrize(
    ("jwt", "issued_at"),
    [
        ({"iat": 1732266598.864, "iat_Issued": "2024-01-01T00:00:00.000Z"}, IAT),
        ({"iat_Issued": "2024-01-01T00:00:00.000Z"}, IAT_ISSUED),
        ({"iat": -1, "iat_Issued": "2024-01-01T00:00:00.000Z"}, IAT_ISSUED),
        ({"iat": "soon"}, None),
    ],
)
def test_the_date_of_issue_comes_from_iat_and_else_from_iat_issued(
    jwt: dict[str, Any], issued_at: datetime | None
) -> None:
    """`iat` wins over `iat_Issued`."""
    assert parse_jwt(**jwt).issued_at == issued_at


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("Session refresh failed", "Session refresh failed"),
        ("  Session refresh failed\n", "Session refresh failed"),
        (True, "no details given"),
        (1, "no details given"),
        ({"code": 7}, "no details given"),
        (["x"], "no details given"),
        ("   ", "no details given"),
        (f"refused {TOKEN}!", "refused [redacted]!"),
        ("x" * 201, "x" * MAX_ERROR),
        ("x" * 100_000, "x" * MAX_ERROR),
        ("", None),
        (None, None),
        (False, None),
        (0, None),
        ([], None),
        ({}, None),
    ],
)
def test_any_truthy_error_is_an_error(error: object, text: str | None) -> None:
    """Whatever is truthy is an error, as in useapi.net's own scripts; its text is redacted and cut to 200."""
    assert parse({"error": error}).error == text


def test_a_secret_at_the_cut_of_an_error_does_not_survive_in_part() -> None:
    """An error is redacted before it is cut, so that no half of a secret remains."""
    error = parse({"error": "x" * (MAX_ERROR - 9) + TOKEN}).error
    assert error is not None
    assert "user:" not in error


@pytest.mark.parametrize(
    ("value", "max_jobs"),
    [
        (1, 1),
        (10, 10),
        (3.0, 3),
        (0, 0),
        (10_000, 10_000),
        (10_001, None),
        (-1, None),
        (2.5, None),
        (float("inf"), None),
        (float("nan"), None),
        (10**400, None),
        (True, None),
        ("3", None),
        (None, None),
        ([3], None),
    ],
)
def test_max_jobs_is_a_sane_whole_number(value: object, max_jobs: int | None) -> None:
    """Only a whole number from 0 to 10,000 is a number of jobs."""
    assert parse({"maxJobs": value}).max_jobs == max_jobs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Jane", "Jane"),
        ("  Jane ", "Jane"),
        (7, "7"),
        ("", None),
        ("  ", None),
        (True, None),
        (1.5, None),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_texts_are_stripped_and_empty_ones_unknown(value: object, text: str | None) -> None:
    """Name, user id and host are stripped; an empty one counts as missing, a whole number as text."""
    account = parse_jwt(user={"name": value, "id": value}, host=value)
    assert (account.name, account.user_id, account.host) == (text, text, text)


@pytest.mark.parametrize(("value", "anonymous"), [(True, True), (False, False), ("true", None), (1, None), (0, None)])
def test_anonymous_is_a_boolean_or_unknown(value: object, *, anonymous: bool | None) -> None:
    """Only true and false say whether the user is anonymous."""
    assert parse_jwt(user={"isAnonymous": value}).anonymous is anonymous


def test_the_id_is_the_one_that_was_asked_for() -> None:
    """The account keeps the id it was asked for under, whatever the object calls itself."""
    assert parse_account("18-digit", {"account": "other"}, Redactor()).id == "18-digit"


@pytest.mark.parametrize("data", [None, True, 1, 1.5, "text", [], [{}]])
def test_anything_but_an_object_is_unreadable(data: object) -> None:
    """An account is an object; anything else is a bad answer."""
    with pytest.raises(UnreadableAnswer):
        parse(data)


def test_the_list_is_keyed_by_id() -> None:
    """Each entry of the list becomes an account under its key; entries that are no objects are left out."""
    listed = {"a": load(OCTOBER), "b": {}, "c": None, "d": "x", "e": [1]}
    accounts = parse_accounts(listed.items(), Redactor())
    assert {key: account.id for key, account in accounts.items()} == {"a": "a", "b": "b"}
    assert accounts["a"].name == "<name>"


def test_an_empty_list_means_no_accounts() -> None:
    """An empty object is a list of no accounts."""
    assert parse_accounts([], Redactor()) == {}


def test_a_list_is_bounded() -> None:
    """20,000 accounts are read; with one more, the list is refused before the others are looked at."""
    members: Iterator[tuple[str, object]] = ((str(number), {}) for number in itertools.count())
    assert len(parse_accounts(itertools.islice(members, 20_000), Redactor())) == 20_000
    with pytest.raises(TooManyAccounts, match="more than 20,000 accounts"):
        parse_accounts(members, Redactor())


def test_of_two_accounts_with_one_id_the_last_counts() -> None:
    """A name that comes twice in an object has its last value, as JSON is usually read."""
    assert parse_accounts([("a", load(OCTOBER)), ("a", {})], Redactor())["a"].name is None
    assert parse_accounts([("a", load(OCTOBER)), ("a", None)], Redactor()) == {}
