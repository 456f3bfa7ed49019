"""Any bytes in place of an answer become accounts, or an error of the bot's own.

Longer by hand: `python -m pytest tests/useapi/test_fuzz.py --hypothesis-profile=long`.
Where CI is set, Hypothesis draws the same examples each time.
"""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from bot.chat.views.account import account_embed
from bot.cli.accounts import build_facts, describe, tabulate
from bot.core.accounts import Account, AccountSnapshot, by_expiry
from bot.core.links import DEFAULT_RENEWAL
from bot.core.naming import say_choice
from bot.core.parsing import parse_account, parse_accounts
from bot.core.secrets import Redactor
from bot.errors import UnreadableAnswer
from bot.useapi.responses import parse_json, parse_members
from tests.data import MARCH, OCTOBER, load
from tests.support.chat.limits import assert_fits
from tests.support.strategies import OBJECTS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REDACT = Redactor(["user:1-fuzz"])
FIELDS = ["jwt", "token", "user", "id", "name", "avatar", "isAnonymous", "exp", "iat", "exp_Expire", "iat_Issued"]
FIELDS += ["host", "maxJobs", "error", "supportVideo", "supportX", "account", "123456"]
# The parts of a JSON text, and texts that break JSON parsers.
TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "\\",
    "\\u",
    "\\ud83d",
    "\\u0000",
    "null",
    "true",
    "NaN",
    "-Infinity",
    "1e400",
]
TOKENS += [
    "-0.0",
    "1734858598.864",
    "253402300799",
    "0" * 99,
    "9" * 4300,
    "\ufeff",
    "\x00",
    " ",
    *map(json.dumps, FIELDS),
]
SAMPLES = [
    json.dumps(load(name)).encode() for name in (OCTOBER, MARCH, "account.wrong-types", "account.unknown-fields")
]
CHARSETS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1", "cp037"]

SOUPS = st.lists(st.sampled_from(TOKENS) | st.text(max_size=4), max_size=40).map("".join)
TEXTS = SOUPS | st.recursive(
    st.sampled_from(TOKENS[11:]) | st.text(max_size=6).map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(st.sampled_from(FIELDS), inner), max_size=6).map(
            lambda pairs: "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"
        )
    ),
    max_leaves=15,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a sample with some stretches replaced, repeated or deleted."""
    body = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 40)))
        filling = draw(st.sampled_from(TOKENS).map(str.encode) | st.binary(max_size=6) | st.just(body[start:end] * 2))
        body = body[:start] + filling + body[end:]
    return body


def encoded(text: str, charset: str) -> bytes:
    """Return the text in this charset, with its half surrogate pairs."""
    return text.encode(charset, "surrogatepass" if "utf" in charset else "replace")


WHOLE = st.dictionaries(st.sampled_from(["1", "a/b", "\x00"]), OBJECTS, max_size=3) | OBJECTS
BODIES = (
    st.binary(max_size=200)
    | damaged()
    | WHOLE.map(json.dumps).map(str.encode)
    | st.builds(encoded, TEXTS, st.sampled_from(CHARSETS))
)


def digest(body: bytes) -> list[Account]:
    """Return the accounts that both calls make of a body; [] if it can't be read."""
    try:
        data: Any = parse_json(body)
        return [parse_account("1", data, REDACT), *parse_accounts(parse_members(body), REDACT).values()]
    except UnreadableAnswer:
        return []


@settings(deadline=None)
@given(BODIES)
@example(b'{"jwt": {"token": "\\ud83d-more-than-eight", "user": {"name": "\\ud83d"}}}')
def test_any_body_is_accounts_or_unreadable_and_can_be_shown(body: bytes) -> None:
    """No answer leads to another error, when it is read, shown in Discord or printed on a terminal."""
    accounts = sorted(digest(body), key=by_expiry)
    event(f"accounts: {min(len(accounts), 3)}")
    for account in accounts:
        assert_fits(account_embed(AccountSnapshot(account, NOW), NOW))
        assert 1 <= len(say_choice(account, NOW)) <= 100
        describe(account, NOW, DEFAULT_RENEWAL).encode()
        json.dumps(build_facts(account, NOW))
    tabulate(accounts, NOW, DEFAULT_RENEWAL).encode()


@settings(deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 2_000))
def test_half_an_answer_is_never_an_account(body: bytes, length: int) -> None:
    """An answer that was cut off at any place is not read as a whole one."""
    assert digest(body[: min(length, len(body) - 1)]) == []


@settings(deadline=None)
@given(BODIES)
@example(b' \n{ "a" : {} ,\t"a":1} ')
@example(b'{"a": 1,}')
@example(b"{,}")
@example(b"{1: 2}")
@example(b'{"a" 1}')
@example(b'{"a": 1 "b": 2}')
@example(b'{"a": 1}{')
@example(b'{"a": 1,, "b": 2}')
@example(b'\xef\xbb\xbf{"bom": 1}')
@example(b"{}")
@example(b"[]")
def test_members_are_those_of_the_whole(body: bytes) -> None:
    """Decoding an object member by member has the result of decoding it at once, and refuses what that refuses."""
    try:
        whole = parse_json(body)
    except UnreadableAnswer as error:
        expected: object = str(error)
    else:
        expected = whole if isinstance(whole, dict) else "not an object"
    try:
        members: object = dict(parse_members(body))
    except UnreadableAnswer as error:
        members = str(error)
    # A number that is no number equals nothing.
    assert repr(members) == repr(expected)
