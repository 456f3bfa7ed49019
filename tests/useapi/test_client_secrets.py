"""No answer makes the API client reveal its token."""

import logging
import traceback
from io import StringIO

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.secrets import Redactor
from bot.errors import BotError, NoSuchAccount
from bot.logs import build_handler
from bot.useapi.fake import TOKEN, FakeApi
from tests.support.api import open_client
from tests.support.network import OK_HEAD, Script, closed_port, serve_bare

TOKENS = st.text("ABCDEFabcdef0123456789", min_size=16, max_size=60).map("opaque-{}".format)


async def echo(request: web.Request) -> web.StreamResponse:
    """Repeat the token wherever an answer has room for text."""
    token = request.headers["Authorization"].removeprefix("Bearer ")
    status = int(request.match_info["account"])
    headers = {"X-Echo": token, "Retry-After": token, "Location": f"/{token}", "Set-Cookie": f"a={token}"}
    return web.Response(status=status, reason=f"No {token}", text=f"<h1>{token}</h1>", headers=headers)


def texts_of(error: BaseException) -> str:
    """Return all texts of an error: its message, repr, attributes and traceback."""
    return "\n".join([str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)])


@settings(max_examples=5, deadline=None)
@given(TOKENS)
async def test_no_answer_puts_the_token_into_an_error_or_the_log(token: str) -> None:
    """A token that the API repeats in body, reason and headers is in no error and no log line."""
    api, stream = FakeApi({}), StringIO()
    api.behave = echo
    handler, root = build_handler(Redactor([token]), "text", stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        async with api.serve() as base_url, open_client(base_url, token=token) as client:
            for status in (200, 302, 400, 401, 402, 404, 429, 500, 596):
                with pytest.raises(BotError) as caught:
                    await client.fetch_account(str(status))
                logging.getLogger("test").error("failed with %r", caught.value, exc_info=caught.value)
                assert token not in texts_of(caught.value)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert stream.getvalue().count("failed with") == 9
    assert "trying again" in stream.getvalue()
    assert token not in stream.getvalue()


@pytest.mark.parametrize(
    "script",
    [
        Script(reset=True),
        Script(b"HTTP/1.1 abc opaque-0123456789abcdef\r\n\r\n"),
        Script(b"opaque-0123456789abcdef\r\n\r\n"),
        Script(OK_HEAD + b"Content-Length: 99\r\n\r\nopaque-0123456789abcdef"),
        Script(OK_HEAD + b"X-Bad opaque-0123456789abcdef\r\n\r\n"),
    ],
)
async def test_no_broken_connection_puts_the_token_into_an_error(script: Script) -> None:
    """The library's errors, which hold headers of the request and parts of the answer, are not attached."""
    token = "opaque-0123456789abcdef"
    async with serve_bare(script) as bare, open_client(bare.base_url, token=token) as client:
        with pytest.raises(BotError) as caught:
            await client.fetch_account("1")
    assert bare.requests
    assert token not in texts_of(caught.value)


async def test_a_refused_connection_does_not_put_the_token_into_an_error() -> None:
    """Neither the error of a refused connection nor the client's own repr holds the token."""
    async with open_client(f"http://127.0.0.1:{closed_port()}", token="opaque-0123456789abcdef") as client:
        with pytest.raises(BotError) as caught:
            await client.fetch_account("1")
        assert "opaque-" not in texts_of(caught.value)
        assert "opaque-" not in f"{client!r}{client!s}"


@settings(max_examples=5, deadline=None)
@given(TOKENS)
async def test_a_token_in_an_account_is_hidden(token: str) -> None:
    """The client's own token is redacted in every text of an account."""
    user = {"name": f"x {token}", "id": token, "avatar": f"https://a.example/{token}"}
    api = FakeApi({})

    async def behave(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"jwt": {"user": user, "host": token}, "error": f"refused {token}"})

    api.behave = behave
    async with api.serve() as base_url, open_client(base_url, token=token) as client:
        found = await client.fetch_account("1")
    assert found.name == "x [redacted]"
    assert token not in repr(found)


async def test_a_secret_in_place_of_an_id_is_refused_without_a_call() -> None:
    """A token that was pasted as an account id is no account, and is never sent to the API."""
    api = FakeApi({})
    async with api.serve() as base_url, open_client(base_url, token="opaque-0123456789abcdef") as client:
        for pasted in ("opaque-0123456789abcdef", "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoiSmFuZSJ9.c2lnbmF0dXJl"):
            with pytest.raises(NoSuchAccount) as caught:
                await client.fetch_account(pasted)
            assert pasted not in caught.value.title
    assert api.calls == []


async def test_a_pasted_secret_is_not_repeated() -> None:
    """The error for a text that holds a secret names the text without it."""
    api = FakeApi({})
    async with api.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(NoSuchAccount) as caught:
            await client.fetch_account(f"x {TOKEN}")
    assert caught.value.title == 'No account called "x [redacted]"'
