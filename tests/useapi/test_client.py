"""The client against real local servers: what it sends, and what it makes of each status."""

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
from tests.support.api import START, account, always, open_client

BODIES = [
    (b"", "text/plain"),
    (b'{"error": "Unable to find configuration", "code": 404}', "application/json"),
    (b"<html><h1>Not found</h1></html>", "text/html"),
    (b"{", "application/json"),
    (b"\xff\x00", "application/octet-stream"),
]


async def test_it_reads_one_account() -> None:
    """An account is read under the id it was asked for."""
    standin = FakeApi({"123456": load(OCTOBER)})
    async with standin.serve() as base_url, open_client(base_url) as client:
        found = await client.fetch_account("123456")
    assert (found.id, found.name, found.max_jobs) == ("123456", "<name>", 1)
    assert standin.calls == [f"{ACCOUNTS_PATH}/123456"]


async def test_it_reads_all_accounts_in_one_call() -> None:
    """The list is one call, whatever its length."""
    standin = FakeApi({"1": account("Jane"), "2": account("Sam")})
    async with standin.serve() as base_url, open_client(base_url) as client:
        found = await client.fetch_accounts()
    assert {key: item.name for key, item in found.items()} == {"1": "Jane", "2": "Sam"}
    assert standin.calls == [ACCOUNTS_PATH]


@pytest.mark.parametrize("status", [200, 404])
async def test_no_accounts_is_an_empty_list(status: int) -> None:
    """Both ways in which the API may say that there is no account mean just that."""
    standin = FakeApi({})
    standin.behave = always(lambda: web.json_response({}, status=status))
    async with standin.serve() as base_url, open_client(base_url) as client:
        assert await client.fetch_accounts() == {}


@pytest.mark.parametrize(("body", "kind"), BODIES)
async def test_404_is_no_such_account_whatever_its_body(body: bytes, kind: str) -> None:
    """The status counts, never the body's shape; nobody asks twice."""
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(status=404, body=body, content_type=kind))
    async with standin.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(NoSuchAccount):
            await client.fetch_account("1")
    assert len(standin.calls) == 1


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
    """Both calls tell statuses apart alike; only trouble that may pass is tried three times."""
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(status=status, body=body, content_type=body_type))
    async with standin.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(kind):
            await client.fetch_account("1")
        assert len(standin.calls) == calls
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
async def test_a_long_or_unnamed_pause_is_told_and_none_at_all_tried(
    header: str | None, asked: float | None, calls: int
) -> None:
    """A pause too long to wait for is passed on to whoever asked; if none is asked for, the call is repeated."""
    standin = FakeApi({})
    headers = {} if header is None else {"Retry-After": header}
    standin.behave = always(lambda: web.Response(status=429, headers=headers))
    async with standin.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(ApiBusy) as caught:
            await client.fetch_account("1")
    assert caught.value.retry_after == asked
    assert len(standin.calls) == calls


async def test_a_short_pause_is_honoured_by_trying_again() -> None:
    """A pause of up to two seconds is waited for, and the answer after it given."""
    standin, asked_at = FakeApi({"1": account("Jane")}), list[float]()
    until = format_datetime(START + timedelta(seconds=1))

    async def behave(_request: web.Request) -> web.StreamResponse:
        asked_at.append(asyncio.get_running_loop().time())
        return web.Response(status=429, headers={"Retry-After": until}) if len(asked_at) == 1 else web.json_response({})

    standin.behave = behave
    now = START + timedelta(milliseconds=800)
    async with standin.serve() as base_url, open_client(base_url, now=now) as client:
        assert (await client.fetch_account("1")).id == "1"
    first, second = asked_at
    assert 0.19 <= second - first < 2.0


async def test_a_pause_beyond_the_budget_is_told_at_once() -> None:
    """A pause that the budget does not cover is not waited for."""
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(status=429, headers={"Retry-After": "2"}))
    async with standin.serve() as base_url, open_client(base_url, budget=1.0) as client:
        with pytest.raises(ApiBusy) as caught:
            await client.fetch_account("1")
    assert caught.value.retry_after == 2.0
    assert len(standin.calls) == 1


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_server_error_that_passes_is_not_noticed(failures: int) -> None:
    """Up to two server errors in a row are made good by trying again."""
    standin = FakeApi({})

    async def behave(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503) if len(standin.calls) <= failures else web.json_response({"maxJobs": 4})

    standin.behave = behave
    async with standin.serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).max_jobs == 4
    assert len(standin.calls) == failures + 1


async def test_it_sends_the_token_and_nothing_that_identifies_the_machine() -> None:
    """Each request bears the token, asks for JSON and names the bot; cookies are never sent back."""
    standin, seen = FakeApi({}), list[dict[str, str]]()

    async def behave(request: web.Request) -> web.StreamResponse:
        seen.append(dict(request.headers))
        response = web.json_response({})
        response.set_cookie("session", "s3cret")
        return response

    standin.behave = behave
    async with standin.serve() as base_url, open_client(base_url) as client:
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
    """The token does not travel through a proxy that happens to be set for other programs."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with FakeApi({"1": account("Jane")}).serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).name == "Jane"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    """Neither the call nor its token goes to wherever an answer points."""
    here, elsewhere = FakeApi({}), FakeApi({"1": account()})
    async with elsewhere.serve() as other_url, here.serve() as base_url, open_client(base_url) as client:
        for target in (f"{other_url}{ACCOUNTS_PATH}/1", f"{ACCOUNTS_PATH}/2"):
            here.behave = always(lambda: web.Response(status=status, headers={"Location": target}))  # noqa: B023
            with pytest.raises(UnreadableAnswer):
                await client.fetch_account("1")
    assert elsewhere.calls == []
    assert here.calls == [f"{ACCOUNTS_PATH}/1"] * 2


def is_asked(account_id: str) -> bool:
    """Whether the API may be asked for an id: one that can exist, and that no secret looks like."""
    return is_possible_id(account_id) and Redactor()(account_id) != HIDDEN


async def assert_one_segment(account_ids: list[str]) -> None:
    """Fail unless each id is sent as one path segment below the accounts, or refused without a call."""
    standin = FakeApi({})
    async with standin.serve() as base_url, open_client(base_url) as client:
        for account_id in account_ids:
            with pytest.raises(NoSuchAccount):
                await client.fetch_account(account_id)
    segments = [path.removeprefix(f"{ACCOUNTS_PATH}/") for path in standin.calls]
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
    """Whatever an id holds, it is sent percent-encoded as one segment."""
    assert is_possible_id(account_id)
    await assert_one_segment([account_id])


@pytest.mark.parametrize(
    "account_id", ["", " ", ".", "..", "1" * 257, "a\x00b", "a\nb", "\r\nHost: evil", "\x7f", "\x85", "a\ud800"]
)
async def test_an_id_that_can_not_be_a_segment_is_not_asked_for(account_id: str) -> None:
    """Blanks, dots, control characters and broken ones, and what no index holds, are answered without a call."""
    assert not is_possible_id(account_id)
    await assert_one_segment([account_id])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=30) | st.text("./%?#\\\0", max_size=8), max_size=20))
async def test_no_id_at_all_leaves_its_place_in_the_path(account_ids: list[str]) -> None:
    """Every text is sent as one segment or not at all."""
    await assert_one_segment(account_ids)
