"""The fake API answers as the API's documents say."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.fake import TOKEN, FakeApi
from tests.data import MARCH, OCTOBER, load
from tests.support.hostile import answering

ACCOUNTS = {"123456": load(OCTOBER), "a/b": load(MARCH)}


async def ask(base_url: str, path: str, token: str = TOKEN) -> tuple[int, str, Any]:
    """Return status, content type and body of a GET."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(base_url + path, headers=headers) as response:
        is_json = response.content_type == "application/json"
        return response.status, response.content_type, await (response.json() if is_json else response.text())


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("", (200, "application/json", ACCOUNTS)),
        ("/123456", (200, "application/json", ACCOUNTS["123456"])),
        ("/a%2Fb", (200, "application/json", ACCOUNTS["a/b"])),
        ("/999", (404, "text/plain", "Configuration not found.")),
    ],
)
async def test_it_answers_as_documented(path: str, answer: tuple[int, str, Any]) -> None:
    """The list is an object by id, an account is its object, an unknown account is a 404 with a text."""
    async with FakeApi(ACCOUNTS).serve() as base_url:
        assert await ask(base_url, ACCOUNTS_PATH + path) == answer


@pytest.mark.parametrize("path", ["", "/123456", "/999"])
async def test_it_refuses_another_token(path: str) -> None:
    """A request with a wrong token is answered as in both documents."""
    async with FakeApi(ACCOUNTS).serve() as base_url:
        status, _, body = await ask(base_url, ACCOUNTS_PATH + path, token="user:1-wrong")
    assert (status, body) == (401, {"error": "Unauthorized", "code": 401})


@pytest.mark.parametrize("path", ["", "/999"])
async def test_its_date_is_that_of_its_clock(path: str) -> None:
    """Each answer, an error as well, has the `Date` of the clock that the API was given."""
    now = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    async with (
        FakeApi(ACCOUNTS, now=lambda: now).serve() as base_url,
        aiohttp.request("GET", base_url + ACCOUNTS_PATH + path) as response,
    ):
        assert response.headers["Date"] == "Sat, 31 Jan 2026 12:30:00 GMT"


async def test_it_counts_calls_by_their_encoded_path() -> None:
    """Each call is recorded with its path as it was sent."""
    api = FakeApi(ACCOUNTS)
    async with api.serve() as base_url:
        await ask(base_url, ACCOUNTS_PATH)
        await ask(base_url, ACCOUNTS_PATH + "/a%2Fb")
    assert api.calls == [ACCOUNTS_PATH, ACCOUNTS_PATH + "/a%2Fb"]
    assert api.most_at_once == 1


async def test_its_behaviour_can_be_replaced_and_restored() -> None:
    """`behave` replaces the answers until it is removed."""
    api = FakeApi(ACCOUNTS)
    async with api.serve() as base_url:
        api.behave = answering(lambda: web.Response(status=503))
        assert (await ask(base_url, ACCOUNTS_PATH))[0] == 503
        api.behave = None
        assert (await ask(base_url, ACCOUNTS_PATH))[0] == 200


async def test_accounts_may_change_while_it_serves() -> None:
    """An account that is added is listed at once."""
    api = FakeApi({})
    async with api.serve() as base_url:
        assert (await ask(base_url, ACCOUNTS_PATH))[2] == {}
        api.accounts = ACCOUNTS
        assert (await ask(base_url, ACCOUNTS_PATH + "/123456"))[0] == 200


async def test_it_stops_while_an_answer_is_held_back() -> None:
    """An answer that never comes does not keep the fake API from stopping."""
    api, arrived = FakeApi(ACCOUNTS), asyncio.Event()

    async def behave(_request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    api.behave = behave
    async with asyncio.timeout(5):
        async with api.serve() as base_url:
            asking = asyncio.create_task(ask(base_url, ACCOUNTS_PATH))
            await arrived.wait()
        with pytest.raises(aiohttp.ClientError):
            await asking
