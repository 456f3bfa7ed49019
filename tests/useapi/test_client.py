"""The API client: the requests it sends, and the result or error of each status."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import unquote

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import __version__
from bot.core.accounts import is_possible_id
from bot.core.secrets import HIDDEN, Redactor
from bot.errors import (
    AccountOnHold,
    ApiBusy,
    ApiUnreachable,
    BotError,
    NoSuchAccount,
    SubscriptionLapsed,
    UnreadableAnswer,
    UseapiTokenRefused,
)
from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.fake import TOKEN, FakeApi
from tests.data import OCTOBER, load
from tests.support.accounts import START, build_account, by_id
from tests.support.api import open_client
from tests.support.hostile import answering
from tests.support.network import OK_HEAD, Script, serve_bare
from tests.support.wire.virtual_time import in_virtual_time

BODIES = [
    (b"", "text/plain"),
    (b'{"error": "Unable to find configuration", "code": 404}', "application/json"),
    (b"<html><h1>Not found</h1></html>", "text/html"),
    (b"{", "application/json"),
    (b"\xff\x00", "application/octet-stream"),
]


async def test_one_account_is_read() -> None:
    """An account is read by its id, in one call."""
    api = FakeApi({"123456": load(OCTOBER)})
    async with api.serve() as base_url, open_client(base_url) as client:
        found = await client.fetch_account("123456")
    assert (found.id, found.name, found.max_jobs) == ("123456", "<name>", 1)
    assert api.calls == [f"{ACCOUNTS_PATH}/123456"]


async def test_all_accounts_are_read_in_one_call() -> None:
    """The list of all accounts is one call."""
    api = FakeApi(by_id(build_account("1", "Jane"), build_account("2", "Sam")))
    async with api.serve() as base_url, open_client(base_url) as client:
        found = await client.fetch_accounts()
    assert {key: item.name for key, item in found.items()} == {"1": "Jane", "2": "Sam"}
    assert api.calls == [ACCOUNTS_PATH]


@pytest.mark.parametrize("status", [200, 404])
async def test_no_accounts_is_an_empty_list(status: int) -> None:
    """An empty object and a 404 in place of the list both mean that no account is configured."""
    api = FakeApi({})
    api.behave = answering(lambda: web.json_response({}, status=status))
    async with api.serve() as base_url, open_client(base_url) as client:
        assert await client.fetch_accounts() == {}


@pytest.mark.parametrize(("body", "kind"), BODIES)
async def test_a_404_is_no_such_account_whatever_its_body(body: bytes, kind: str) -> None:
    """The status decides, never the body; the call is not repeated."""
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(status=404, body=body, content_type=kind))
    async with api.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(NoSuchAccount):
            await client.fetch_account("1")
    assert len(api.calls) == 1


@pytest.mark.parametrize(("body", "body_type"), BODIES[:3])
@pytest.mark.parametrize(
    ("status", "kind", "calls"),
    [
        (401, UseapiTokenRefused, 1),
        (402, SubscriptionLapsed, 1),
        (596, AccountOnHold, 1),
        (429, ApiBusy, 1),
        (204, UnreadableAnswer, 1),
        (304, UnreadableAnswer, 1),
        (400, ApiUnreachable, 3),
        (403, ApiUnreachable, 3),
        (500, ApiUnreachable, 3),
        (502, ApiUnreachable, 3),
        (599, ApiUnreachable, 3),
    ],
)
async def test_each_status_is_its_own_error(
    status: int, kind: type[BotError], calls: int, body: bytes, body_type: str
) -> None:
    """Both calls raise the same error for a status; only failures that may be temporary are tried three times."""
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(status=status, body=body, content_type=body_type))
    async with api.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(kind):
            await client.fetch_account("1")
        assert len(api.calls) == calls
        with pytest.raises(kind):
            await client.fetch_accounts()


@pytest.mark.parametrize(
    ("header", "asked", "calls"),
    [
        (None, None, 1),
        ("soon", None, 1),
        ("3", 3.0, 1),
        ("600", 600.0, 1),
        (format_datetime(START + timedelta(seconds=30)), 30.0, 1),
        ("0", 0.0, 3),
        (format_datetime(START - timedelta(seconds=30)), 0.0, 3),
    ],
)
async def test_a_long_or_missing_pause_ends_the_call_and_an_empty_one_repeats_it(
    header: str | None, asked: float | None, calls: int
) -> None:
    """A 429 with a long pause, or without one, is raised to the caller; with a pause of zero the call is repeated."""
    api = FakeApi({})
    headers = {} if header is None else {"Retry-After": header}
    api.behave = answering(lambda: web.Response(status=429, headers=headers))
    async with api.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(ApiBusy) as caught:
            await client.fetch_account("1")
    assert caught.value.retry_after == asked
    assert len(api.calls) == calls


@in_virtual_time
async def test_a_short_pause_is_waited_for() -> None:
    """After a pause of up to two seconds the call is repeated, and its answer returned."""
    api, asked_at = FakeApi(by_id(build_account("1", "Jane"))), list[float]()
    until = format_datetime(START + timedelta(seconds=1))

    async def behave(_request: web.Request) -> web.StreamResponse:
        asked_at.append(asyncio.get_running_loop().time())
        return web.Response(status=429, headers={"Retry-After": until}) if len(asked_at) == 1 else web.json_response({})

    api.behave = behave
    now = START + timedelta(milliseconds=800)
    async with api.serve() as base_url, open_client(base_url, now=now) as client:
        assert (await client.fetch_account("1")).id == "1"
    first, second = asked_at
    assert second - first == pytest.approx(0.2, abs=0.05)


async def test_a_pause_beyond_the_budget_ends_the_call_at_once() -> None:
    """A pause that the time budget does not cover is not waited for."""
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(status=429, headers={"Retry-After": "2"}))
    async with api.serve() as base_url, open_client(base_url, budget=1.0) as client:
        with pytest.raises(ApiBusy) as caught:
            await client.fetch_account("1")
    assert caught.value.retry_after == 2.0
    assert len(api.calls) == 1


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_temporary_server_error_is_retried(failures: int) -> None:
    """After up to two server errors in a row, the call succeeds with the next attempt."""
    api = FakeApi({})

    async def behave(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503) if len(api.calls) <= failures else web.json_response({"maxJobs": 4})

    api.behave = behave
    async with api.serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).max_jobs == 4
    assert len(api.calls) == failures + 1


async def test_requests_carry_the_token_and_nothing_about_the_machine() -> None:
    """Each request carries the token, asks for JSON and names the bot; cookies are never sent back."""
    api, seen = FakeApi({}), list[dict[str, str]]()

    async def behave(request: web.Request) -> web.StreamResponse:
        seen.append(dict(request.headers))
        response = web.json_response({})
        response.set_cookie("session", "s3cret")
        return response

    api.behave = behave
    async with api.serve() as base_url, open_client(base_url) as client:
        await client.fetch_account("1")
        await client.fetch_accounts()
    host = base_url.removeprefix("http://")
    for headers in seen:
        assert headers.pop("Accept-Encoding")
        assert headers == {
            "Host": host,
            "Authorization": f"Bearer {TOKEN}",
            "Accept": "application/json",
            "User-Agent": f"minimax-account-bot/{__version__}",
        }
    assert len(seen) == 2


async def test_a_proxy_from_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is set for other programs does not get the token."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with FakeApi(by_id(build_account("1", "Jane"))).serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).name == "Jane"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    """Neither the call nor its token is sent to the address in a redirect."""
    here, elsewhere = FakeApi({}), FakeApi(by_id(build_account("1")))
    async with elsewhere.serve() as other_url, here.serve() as base_url, open_client(base_url) as client:
        for target in (f"{other_url}{ACCOUNTS_PATH}/1", f"{ACCOUNTS_PATH}/2"):
            here.behave = answering(lambda: web.Response(status=status, headers={"Location": target}))  # noqa: B023
            with pytest.raises(UnreadableAnswer):
                await client.fetch_account("1")
    assert elsewhere.calls == []
    assert here.calls == [f"{ACCOUNTS_PATH}/1"] * 2


def is_asked(account_id: str) -> bool:
    """Whether the client asks the API for an id: it can exist, and does not look like a secret."""
    return is_possible_id(account_id) and Redactor()(account_id) != HIDDEN


async def assert_one_segment(account_ids: list[str]) -> None:
    """Fail unless each id is sent as one path segment below the accounts, or refused without a call."""
    api = FakeApi({})
    async with api.serve() as base_url, open_client(base_url) as client:
        for account_id in account_ids:
            with pytest.raises(NoSuchAccount):
                await client.fetch_account(account_id)
    segments = [path.removeprefix(f"{ACCOUNTS_PATH}/") for path in api.calls]
    assert [unquote(segment) for segment in segments] == [one for one in account_ids if is_asked(one)]
    assert not [segment for segment in segments if not segment.isascii() or set(segment) & set("/?#\\ ")]
    assert not [segment for segment in segments if segment in ("", ".", "..")]


@pytest.mark.parametrize(
    "account_id",
    [
        *("a/b", "../../v2/account", "..%2f..", "%2e%2e", "%2f", "%", "a?b=c", "?", "#", "a#b", "a b", "a\\b"),
        *("a;b=c", "a+b", "a&b", "@host", "//host/x", "http://host/", "...", "~", ":"),
        *("\U0001f600", "\u738b\u5c0f\u660e", "\u202e"),
    ],
)
async def test_an_id_never_leaves_its_place_in_the_path(account_id: str) -> None:
    """An id with any characters is sent percent-encoded as one path segment."""
    assert is_possible_id(account_id)
    await assert_one_segment([account_id])


@pytest.mark.parametrize(
    "account_id", ["", " ", ".", "..", "1" * 257, "a\x00b", "a\nb", "\r\nHost: evil", "\x7f", "\x85", "a\ud800"]
)
async def test_an_impossible_id_is_refused_without_a_call(account_id: str) -> None:
    """Blanks, dots, control characters, half surrogate pairs and overlong ids are refused without a call."""
    assert not is_possible_id(account_id)
    await assert_one_segment([account_id])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=30) | st.text("./%?#\\\0", max_size=8), max_size=20))
async def test_any_text_stays_in_its_place_in_the_path(account_ids: list[str]) -> None:
    """Every text is sent as one path segment, or not at all."""
    await assert_one_segment(account_ids)


async def test_the_date_of_every_answer_is_witnessed() -> None:
    """Answers, errors and repeated attempts all tell the time; an answer without a date does as well, as None."""
    dates: list[str | None] = []
    api = FakeApi({}, now=lambda: START)
    async with api.serve() as base_url, open_client(base_url, witness=dates.append) as client:
        await client.fetch_accounts()
        with pytest.raises(NoSuchAccount):
            await client.fetch_account("1")
        api.behave = answering(lambda: web.Response(status=503))
        with pytest.raises(ApiUnreachable):
            await client.fetch_account("1")
    assert dates == ["Thu, 01 Jan 2026 00:00:00 GMT"] * 5
    without_date = Script(OK_HEAD + b"Content-Length: 2\r\n\r\n{}")
    async with serve_bare(without_date) as bare, open_client(bare.base_url, witness=dates.append) as client:
        await client.fetch_accounts()
    assert dates[5:] == [None]
