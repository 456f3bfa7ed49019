"""The client against servers that misbehave: refused, reset, slow, endless, oversized, garbled."""

import asyncio
import gzip
import json
import tracemalloc

import pytest
from aiohttp import web

from bot.errors import ApiBusy, ApiUnreachable, SubscriptionLapsed, UnreadableAnswer
from bot.useapi.client import ACCOUNTS_PATH, MAX_ACCOUNT_BYTES, MAX_CALLS, MAX_LIST_BYTES, MiniMaxClient
from bot.useapi.fake import FakeApi
from tests.support.api import OK_HEAD, Gate, Script, account, always, closed_port, open_client, serve_bare

SHORT = 0.3
GOOD = Script(OK_HEAD + b'Content-Length: 14\r\n\r\n{"maxJobs": 4}')
RESET = Script(reset=True)


def padded(size: int) -> bytes:
    """Return an account of this many bytes."""
    return b'{"maxJobs": 4' + b" " * (size - 14) + b"}"


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    """A refused connection is told as unreachable after three tries."""
    async with open_client(f"http://127.0.0.1:{closed_port()}") as client:
        with pytest.raises(ApiUnreachable, match="ClientConnector"):
            await client.fetch_account("1")


async def test_a_server_without_tls_is_unreachable_over_https() -> None:
    """A failed handshake is told as unreachable; nothing is asked for in the clear."""
    standin = FakeApi({"1": account()})
    async with standin.serve() as base_url, open_client(base_url.replace("http:", "https:")) as client:
        with pytest.raises(ApiUnreachable, match=r"ClientConnectorSSLError|ClientOSError"):
            await client.fetch_account("1")
    assert standin.calls == []


@pytest.mark.parametrize("troubles", [1, 2])
@pytest.mark.parametrize("trouble", [RESET, Script(), Script(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")])
async def test_a_connection_that_breaks_is_tried_again(trouble: Script, incidents: int) -> None:
    """A reset, a hang-up or a server error is made good by the next try."""
    async with serve_bare(*[trouble] * incidents, GOOD) as bare, open_client(bare.base_url) as client:
        assert (await client.fetch_account("1")).max_jobs == 4
    assert len(bare.requests) == incidents + 1


@pytest.mark.parametrize(
    "script",
    [
        RESET,
        Script(),
        Script(b"SSH-2.0-OpenSSH_9.6\r\n"),
        Script(b"HTTP/1.1 abc Odd\r\n\r\n"),
        Script(b"HTTP/1.1\r\n\r\n"),
        Script(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
        Script(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n"),
        Script(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
        Script(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
        Script(b"\x00\xff" * 500),
        Script(b"HTTP/1.1 200 OK\r\nContent-"),
        Script(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ],
)
async def test_a_broken_answer_is_unreachable(script: Script) -> None:
    """A server that does not speak HTTP is tried three times and then told as unreachable."""
    async with serve_bare(script) as bare, open_client(bare.base_url) as client:
        with pytest.raises(ApiUnreachable):
            await client.fetch_account("1")
    # aiohttp itself repeats a GET once where the connection broke.
    assert 3 <= len(bare.requests) <= 6


@pytest.mark.parametrize(
    "script",
    [
        Script(OK_HEAD + b'Content-Length: 99\r\n\r\n{"maxJobs": 4}'),
        Script(OK_HEAD + b'Transfer-Encoding: chunked\r\n\r\ne\r\n{"maxJobs": 4}\r\n'),
        Script(OK_HEAD + b'\r\n{"maxJobs": '),
        Script(OK_HEAD + b"Content-Length: 0\r\n\r\n"),
        Script(OK_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 14\r\n\r\nnot compressed"),
        Script(OK_HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(padded(500))[:-12]),
        Script(OK_HEAD + b"Content-Encoding: deflate\r\nContent-Length: 3\r\n\r\n\xff\xff\xff"),
    ],
)
async def test_an_answer_that_breaks_off_is_unreadable(script: Script) -> None:
    """A body that is cut off or garbled is a bad answer, and not asked for again."""
    async with serve_bare(script) as bare, open_client(bare.base_url) as client:
        with pytest.raises(UnreadableAnswer):
            await client.fetch_account("1")
    assert len(bare.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        Script(hang=True),
        Script(b"HTTP/1.1 200 OK\r\nContent-", hang=True),
        Script(b"HTTP/1.1 200 OK\r\n", repeat=b"X-Drip: 1\r\n", pause=0.01),
    ],
)
async def test_a_server_that_never_answers_is_unreachable_within_the_budget(script: Script) -> None:
    """Silence, and headers that trickle in, end with the budget."""
    async with serve_bare(script) as bare, open_client(bare.base_url, budget=SHORT) as client, asyncio.timeout(5):
        with pytest.raises(ApiUnreachable, match="TimeoutError"):
            await client.fetch_account("1")
    assert len(bare.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        Script(OK_HEAD + b'Content-Length: 99\r\n\r\n{"maxJobs', hang=True),
        Script(OK_HEAD + b"\r\n{", repeat=b" ", pause=0.01),
    ],
)
async def test_a_body_that_never_ends_is_unreadable_within_the_budget(script: Script) -> None:
    """A body that stops half way, or trickles in for ever, ends with the budget."""
    async with serve_bare(script) as bare, open_client(bare.base_url, budget=SHORT) as client, asyncio.timeout(5):
        with pytest.raises(UnreadableAnswer, match="TimeoutError"):
            await client.fetch_account("1")


async def test_the_body_of_an_error_is_not_waited_for() -> None:
    """Of an answer that is an error only the status counts, however slowly the rest trickles in."""
    script = Script(b"HTTP/1.1 402 Lapsed\r\n\r\n", repeat=b" ", pause=0.01)
    async with serve_bare(script) as bare, open_client(bare.base_url) as client, asyncio.timeout(5):
        with pytest.raises(SubscriptionLapsed):
            await client.fetch_account("1")


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"null", b"[]", b'[{"account": "1"}]', b'"text"', b"7", b"true", b'{"a": ', b"\xff"]
)
async def test_a_body_that_is_no_json_object_is_unreadable(body: bytes) -> None:
    """A 200 with anything but an object is a bad answer to both calls."""
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(body=body, content_type="application/json"))
    async with standin.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(UnreadableAnswer):
            await client.fetch_account("1")
        with pytest.raises(UnreadableAnswer):
            await client.fetch_accounts()
    assert len(standin.calls) == 2


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/octet-stream"])
async def test_the_content_type_does_not_matter(content_type: str) -> None:
    """JSON is read whatever the server calls it."""
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(body=padded(50), content_type=content_type))
    async with standin.serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).max_jobs == 4


async def fetch(client: MiniMaxClient, limit: int) -> int:
    """Read an account or, with the list's limit, the list; return how many accounts came."""
    if limit == MAX_LIST_BYTES:
        return len(await client.fetch_accounts())
    await client.fetch_account("1")
    return 1


@pytest.mark.parametrize(("limit", "body"), [(MAX_ACCOUNT_BYTES, b"{}"), (MAX_LIST_BYTES, b'{"1": {}}')])
async def test_the_largest_answer_is_read_and_one_byte_more_is_not(limit: int, body: bytes) -> None:
    """An account may have 1 MiB, the list 16 MiB, to the byte."""
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(body=body.ljust(limit)))
    async with standin.serve() as base_url, open_client(base_url) as client:
        assert await fetch(client, limit) == 1
        standin.behave = always(lambda: web.Response(body=body.ljust(limit + 1)))
        with pytest.raises(UnreadableAnswer, match="over"):
            await fetch(client, limit)


@pytest.mark.parametrize("limit", [MAX_ACCOUNT_BYTES, MAX_LIST_BYTES])
async def test_an_endless_answer_is_given_up(limit: int) -> None:
    """A body without an end is read up to the limit only."""
    endless = Script(OK_HEAD + b"\r\n", repeat=b" " * 65_536)
    async with serve_bare(endless) as bare, open_client(bare.base_url) as client, asyncio.timeout(20):
        with pytest.raises(UnreadableAnswer, match="over"):
            await fetch(client, limit)


async def test_a_compressed_answer_is_read() -> None:
    """A body may be compressed."""
    packed = gzip.compress(json.dumps(account("Jane")).encode())
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(body=packed, headers={"Content-Encoding": "gzip"}))
    async with standin.serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).name == "Jane"


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_given_up() -> None:
    """The limit holds for what is unpacked, and memory stays near it."""
    bomb = gzip.compress(b" " * 2**26)
    standin = FakeApi({})
    standin.behave = always(lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"}))
    async with standin.serve() as base_url, open_client(base_url) as client:
        tracemalloc.start()
        with pytest.raises(UnreadableAnswer):
            await client.fetch_account("1")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2**24


async def test_at_most_64_calls_run_and_the_rest_come_in_order() -> None:
    """The 65th call waits for a free place, and whoever came first goes first."""
    standin, arrived = FakeApi({}), asyncio.Queue[str]()
    releases = asyncio.Queue[None]()

    async def behave(request: web.Request) -> web.StreamResponse:
        arrived.put_nowait(request.raw_path.removeprefix(f"{ACCOUNTS_PATH}/"))
        await releases.get()
        return web.json_response({})

    standin.behave = behave
    async with standin.serve() as base_url, open_client(base_url) as client, asyncio.TaskGroup() as group:
        for number in range(MAX_CALLS + 20):
            group.create_task(client.fetch_account(str(number)))
        assert {await arrived.get() for _ in range(MAX_CALLS)} == {str(number) for number in range(MAX_CALLS)}
        for number in range(MAX_CALLS, MAX_CALLS + 20):
            assert arrived.empty()
            releases.put_nowait(None)
            assert await arrived.get() == str(number)
        for _ in range(MAX_CALLS):
            releases.put_nowait(None)
    assert standin.most_at_once == MAX_CALLS


async def test_calls_that_fail_or_are_cancelled_give_their_place_back() -> None:
    """After 64 time-outs and 64 cancelled calls there is still room for more."""
    standin = FakeApi({"1": account("Jane")})
    async with standin.serve() as base_url, open_client(base_url, budget=SHORT) as client:
        with Gate(standin) as gate:
            calls = (client.fetch_account("1") for _ in range(MAX_CALLS))
            failed = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(error) for error in failed} == {ApiUnreachable}
            tasks = [asyncio.create_task(client.fetch_account("1")) for _ in range(MAX_CALLS)]
            assert await gate.arrived.get()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        assert (await client.fetch_account("1")).name == "Jane"


async def test_a_pause_that_was_asked_for_is_kept() -> None:
    """After a 429 with a pause nobody calls until it is over; who asks is told how long that is."""
    standin = FakeApi({"1": account()})
    standin.behave = always(lambda: web.Response(status=429, headers={"Retry-After": "30"}))
    async with standin.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(ApiBusy):
            await client.fetch_account("1")
        with pytest.raises(ApiBusy) as caught:
            await client.fetch_accounts()
    assert len(standin.calls) == 1
    assert caught.value.retry_after is not None
    assert 29 < caught.value.retry_after <= 30
