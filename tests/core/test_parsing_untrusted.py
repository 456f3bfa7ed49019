"""Parsing of answers that mean harm, and of any JSON at all."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.accounts import Account
from bot.core.parsing import parse_account, parse_accounts
from bot.core.secrets import Redactor
from bot.errors import UnreadableAnswer
from tests.data import OCTOBER, load
from tests.support.strategies import OBJECTS, TEXTS, VALUES


def avatar_of(url: object) -> str | None:
    """Return what becomes of this avatar."""
    return parse_account("1", {"jwt": {"user": {"avatar": url}}}, Redactor()).avatar_url


@settings(max_examples=150, deadline=None)
@given(VALUES | OBJECTS)
def test_any_json_is_an_account_or_unreadable(data: Any) -> None:
    """Every JSON value gives an account or the one error that says it can't be read."""
    try:
        assert isinstance(parse_account("1", data, Redactor()), Account)
    except UnreadableAnswer:
        assert not isinstance(data, dict)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(TEXTS, VALUES | OBJECTS, max_size=4))
def test_one_odd_entry_never_spoils_the_list(listed: dict[str, Any]) -> None:
    """Whatever else a list holds, its good entries are read."""
    accounts = parse_accounts((listed | {"good": load(OCTOBER)}).items(), Redactor())
    assert accounts["good"].name == "<name>"


@pytest.mark.parametrize(
    "account_id", ["", "  ", ".", "..", "a\x00b", "a\nb", "\ud800", "9" * 257, "\U0001f600" * 100_000]
)
def test_an_account_whose_id_is_of_no_use_is_left_out(account_id: str) -> None:
    """An id that nobody can ask for, or that no database takes, costs its own account and no other."""
    assert list(parse_accounts([(account_id, {}), ("good", {})], Redactor())) == ["good"]


@pytest.mark.parametrize(
    "account_id", ["a/b", "..%2f..", "%2f", "?", "#", "a b", "...", "\U0001f600" * 256, "\u202e", "@here"]
)
def test_an_account_whose_id_is_merely_odd_is_kept(account_id: str) -> None:
    """An id is an opaque text: whatever can be asked for counts as an account."""
    assert parse_accounts([(account_id, {})], Redactor())[account_id].id == account_id


@pytest.mark.parametrize("token", ["\ud83d-more-than-eight", "\x00" * 40, "\u202e" * 40])
def test_a_token_of_odd_characters_is_masked(token: str) -> None:
    """A token that no server can send, with half a surrogate pair say, is still no reason to fail."""
    account = parse_account("1", {"jwt": {"token": token, "host": f"x{token}"}}, Redactor())
    assert account.host == "x[redacted]"
    assert token[:8] not in (account.masked_token or "")


@pytest.mark.parametrize("text", [r'{"\ud800": 1}', r'{"supportX\ud800": true}', r'{"\udfff": {"jwt": {}}}'])
def test_a_field_name_that_is_not_unicode_is_ignored(text: str) -> None:
    """A field whose name holds half a surrogate pair is one more unknown field."""
    assert parse_account("1", json.loads(text), Redactor()) == parse_account("1", {}, Redactor())


def test_deep_nesting_is_ignored_where_it_is_unknown() -> None:
    """An unknown field nested thousands of levels deep does no harm."""
    deep: dict[str, Any] = {}
    for _ in range(20_000):
        deep = {"jwt": deep}
    assert parse_account("1", {"other": deep, "maxJobs": 1}, Redactor()).max_jobs == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.hailuoai.video/a.png",
        "http://cdn.hailuoai.video/a.png?x=1#y",
        "HTTPS://CDN.HAILUOAI.VIDEO/A.PNG",
        "https://cdn.example:8443/%20/a.png",
    ],
)
def test_a_web_address_is_an_avatar(url: str) -> None:
    """An http or https address is taken as it is."""
    assert avatar_of(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "<url>",
        "",
        "cdn.example.com/a.png",
        "//cdn.example.com/a.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "attachment://a.png",
        "ftp://example.com/a.png",
        "https://",
        "https:///a.png",
        "https://localhost/a.png",
        "https://localhost./a.png",
        "https://a.localhost/a.png",
        "https://printer.local/a.png",
        "https://printer.LOCAL./a.png",
        "http://metadata.google.internal/a.png",
        "http://127.0.0.1/a.png",
        "http://127.0.0.1./a.png",
        "http://10.0.0.1:8080/a.png",
        "http://192.168.1.1/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://0x7f.1/a.png",
        "http://127.0x1/a.png",
        "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/a.png",
        "http://2130706433/a.png",
        "http://[::1]/a.png",
        "https://a.example\\@127.0.0.1/a.png",
        "https://exam ple.com/a.png",
        "https://example.com/a b.png",
        "https://example.com/a\nb.png",
        "https://example.com/\x00.png",
        "https://example.com/\x1b[31m.png",
        "https://example.com/\u2028.png",
        "https://example.com/\ud800.png",
        "https://[example.com/a.png",
        "https://[redacted].example.com/a.png",
        "https://example.com:port/a.png",
        "https://example.com:99999/a.png",
        7,
        None,
        ["https://example.com/a.png"],
    ],
)
def test_anything_else_is_no_avatar(url: object) -> None:
    """What Discord would refuse as a picture's address is dropped, or the whole answer could not be shown."""
    assert avatar_of(url) is None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["https://", "http://"]), st.text(st.characters(codec="latin-1"), max_size=20), TEXTS)
def test_every_avatar_is_a_well_formed_address(scheme: str, host: str, path: str) -> None:
    """An address that is kept has a host, a sane port and no unprintable characters."""
    url = avatar_of(f"{scheme}{host}.com/{path}")
    if url is not None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port is None or parts.port <= 65_535
        assert url.isprintable()
