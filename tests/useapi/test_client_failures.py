"""The API client against servers that fail: refused, reset, slow, endless, oversized and garbled answers."""

import asyncio
import gzip
import json
import tracemalloc

import aiohttp
import pytest
from aiohttp import web

from bot.core.telemetry import Telemetry
from bot.errors import (
    AccountOnHold,
    ApiBusy,
    ApiNotSecure,
    ApiSlow,
    ApiUnreachable,
    BotError,
    NoSuchAccount,
    SubscriptionLapsed,
    UnreadableAnswer,
    UseapiTokenRefused,
)
from bot.useapi.client import (
    ACCOUNTS_PATH,
    BUDGET_SECONDS,
    MAX_ACCOUNT_BYTES,
    MAX_CALLS,
    MAX_LIST_BYTES,
    MiniMaxClient,
)
from bot.useapi.fake import FakeApi
from tests.support.accounts import build_account, by_id
from tests.support.api import Gate, open_client
from tests.support.hostile import answering, with_status
from tests.support.network import OK_HEAD, Script, closed_port, serve_bare
from tests.support.tls import BROKEN, CUT_OFF, PLAIN, UNTRUSTED, serve_tls, trusting
from tests.support.wire.virtual_time import in_virtual_time

BUDGET = 10.0
GOOD = Script(OK_HEAD + b'Content-Length: 14\r\n\r\n{"maxJobs": 4}')
RESET = Script(reset=True)


def padded(size: int) -> bytes:
    """Return an account of this many bytes."""
    return b'{"maxJobs": 4' + b" " * (size - 14) + b"}"


async def test_a_refused_connection_is_unreachable() -> None:
    """A server that refuses connections is unreachable after three attempts."""
    async with open_client(f"http://127.0.0.1:{closed_port()}") as client:
        with pytest.raises(ApiUnreachable, match="ClientConnector"):
            await client.fetch_account("1")


async def test_a_server_without_tls_gets_no_request_over_https() -> None:
    """After a failed handshake no request is sent unencrypted."""
    api = FakeApi(by_id(build_account("1")))
    async with api.serve() as base_url, open_client(base_url.replace("http:", "https:")) as client:
        with pytest.raises(ApiNotSecure, match="answers without TLS"):
            await client.fetch_account("1")
    assert api.calls == []


class _Counting(Telemetry):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def api_called(self, status: str) -> None:
        self.calls.append(status)


@pytest.mark.parametrize(
    ("kind", "words", "attempts"),
    [(UNTRUSTED, "certificate isn't trusted", 1), (PLAIN, "without TLS", 1), (CUT_OFF, "broke off", 3)],
)
async def test_a_failed_handshake_has_its_cause(kind: str, words: str, attempts: int) -> None:
    """A certificate that is not trusted is reported at once; a handshake that breaks off is tried again first."""
    counting = _Counting()
    async with serve_tls(kind) as port, open_client(f"https://localhost:{port}", telemetry=counting) as client:
        with pytest.raises(ApiNotSecure, match=words) as caught:
            await client.fetch_account("1")
    assert caught.value.advice.startswith("Bot owner: ")
    assert counting.calls == ["unreachable"] * attempts


async def test_a_connection_that_breaks_after_its_handshake() -> None:
    """What breaks in a connection that was trusted is no fault of certificates, and is tried again."""
    counting, session = _Counting(), aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting()))
    async with (
        serve_tls(BROKEN) as port,
        open_client(f"https://localhost:{port}", telemetry=counting, session=session) as client,
    ):
        with pytest.raises(ApiUnreachable) as caught:
            await client.fetch_account("1")
    assert caught.value.title == ApiUnreachable.title
    assert counting.calls == ["unreachable"] * 3


@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("failure", [RESET, Script(), Script(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")])
async def test_a_broken_connection_is_retried(failure: Script, failures: int) -> None:
    """After a reset, a closed connection or a server error, the next attempt succeeds."""
    async with serve_bare(*[failure] * failures, GOOD) as bare, open_client(bare.base_url) as client:
        assert (await client.fetch_account("1")).max_jobs == 4
    assert len(bare.requests) == failures + 1


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
    """A server that does not speak HTTP is unreachable after three attempts."""
    async with serve_bare(script) as bare, open_client(bare.base_url) as client:
        with pytest.raises(ApiUnreachable):
            await client.fetch_account("1")
    # aiohttp itself repeats a GET once if the connection broke.
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
    """A body that is cut off or garbled is unreadable; the call is not repeated."""
    async with serve_bare(script) as bare, open_client(bare.base_url) as client:
        with pytest.raises(UnreadableAnswer):
            await client.fetch_account("1")
    assert len(bare.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        Script(hang=True),
        Script(b"HTTP/1.1 200 OK\r\nContent-", hang=True),
        Script(b"HTTP/1.1 200 OK\r\n", repeat=b"X-Drip: 1\r\n", pause=0.5),
    ],
)
@in_virtual_time
async def test_a_server_that_never_answers_is_unreachable_within_the_budget(script: Script) -> None:
    """A call without an answer, or with endless headers, ends when its time budget does."""
    async with serve_bare(script) as bare, open_client(bare.base_url, budget=BUDGET) as client:
        with pytest.raises(ApiSlow, match="TimeoutError"):
            await client.fetch_account("1")
        assert asyncio.get_running_loop().time() - bare.asked_at[0] == pytest.approx(BUDGET, abs=0.5)
    assert len(bare.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        Script(OK_HEAD + b'Content-Length: 99\r\n\r\n{"maxJobs', hang=True),
        Script(OK_HEAD + b"\r\n{", repeat=b" ", pause=0.5),
    ],
)
@in_virtual_time
async def test_a_body_that_never_ends_is_unreadable_within_the_budget(script: Script) -> None:
    """A call whose body stops half way, or never ends, ends when its time budget does."""
    async with serve_bare(script) as bare, open_client(bare.base_url, budget=BUDGET) as client:
        with pytest.raises(UnreadableAnswer, match="TimeoutError"):
            await client.fetch_account("1")
        assert asyncio.get_running_loop().time() - bare.asked_at[0] == pytest.approx(BUDGET, abs=0.5)


async def test_the_body_of_an_error_is_not_waited_for() -> None:
    """The status of an error is enough: its endless body is not read."""
    script = Script(b"HTTP/1.1 402 Lapsed\r\n\r\n", repeat=b" ", pause=0.01)
    async with serve_bare(script) as bare, open_client(bare.base_url) as client, asyncio.timeout(5):
        with pytest.raises(SubscriptionLapsed):
            await client.fetch_account("1")


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"null", b"[]", b'[{"account": "1"}]', b'"text"', b"7", b"true", b'{"a": ', b"\xff"]
)
async def test_a_body_that_is_no_json_object_is_unreadable(body: bytes) -> None:
    """A 200 whose body is not a JSON object is unreadable in both calls."""
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(body=body, content_type="application/json"))
    async with api.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(UnreadableAnswer):
            await client.fetch_account("1")
        with pytest.raises(UnreadableAnswer):
            await client.fetch_accounts()
    assert len(api.calls) == 2


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/octet-stream"])
async def test_the_content_type_does_not_matter(content_type: str) -> None:
    """JSON is read under any content type."""
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(body=padded(50), content_type=content_type))
    async with api.serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).max_jobs == 4


async def fetch(client: MiniMaxClient, limit: int) -> int:
    """Read an account or, with the limit of the list, the list; return the number of accounts."""
    if limit == MAX_LIST_BYTES:
        return len(await client.fetch_accounts())
    await client.fetch_account("1")
    return 1


@pytest.mark.parametrize(("limit", "body"), [(MAX_ACCOUNT_BYTES, b"{}"), (MAX_LIST_BYTES, b'{"1": {}}')])
async def test_the_largest_answer_is_read_and_one_byte_more_is_not(limit: int, body: bytes) -> None:
    """An account may have 1 MiB, the list 16 MiB, to the byte."""
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(body=body.ljust(limit)))
    async with api.serve() as base_url, open_client(base_url) as client:
        assert await fetch(client, limit) == 1
        api.behave = answering(lambda: web.Response(body=body.ljust(limit + 1)))
        with pytest.raises(UnreadableAnswer, match="over"):
            await fetch(client, limit)


@pytest.mark.parametrize("limit", [MAX_ACCOUNT_BYTES, MAX_LIST_BYTES])
async def test_an_endless_answer_is_abandoned(limit: int) -> None:
    """A body without an end is read up to the limit only."""
    endless = Script(OK_HEAD + b"\r\n", repeat=b" " * 65_536)
    async with serve_bare(endless) as bare, open_client(bare.base_url) as client, asyncio.timeout(20):
        with pytest.raises(UnreadableAnswer, match="over"):
            await fetch(client, limit)


async def test_a_compressed_answer_is_read() -> None:
    """A body may be compressed."""
    packed = gzip.compress(json.dumps(build_account("1", "Jane")).encode())
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(body=packed, headers={"Content-Encoding": "gzip"}))
    async with api.serve() as base_url, open_client(base_url) as client:
        assert (await client.fetch_account("1")).name == "Jane"


async def test_an_answer_that_decompresses_to_a_huge_one_is_abandoned() -> None:
    """The limit holds for the decompressed body, and memory stays near it."""
    bomb = gzip.compress(b" " * 2**26)
    api = FakeApi({})
    api.behave = answering(lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"}))
    async with api.serve() as base_url, open_client(base_url) as client:
        tracemalloc.start()
        with pytest.raises(UnreadableAnswer):
            await client.fetch_account("1")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2**24


async def test_at_most_64_calls_run_and_the_others_wait_in_order() -> None:
    """The 65th call waits for a free slot; waiting calls start first come, first served."""
    api, arrived = FakeApi({}), asyncio.Queue[str]()
    releases = asyncio.Queue[None]()

    async def behave(request: web.Request) -> web.StreamResponse:
        arrived.put_nowait(request.raw_path.removeprefix(f"{ACCOUNTS_PATH}/"))
        await releases.get()
        return web.json_response({})

    api.behave = behave
    async with api.serve() as base_url, open_client(base_url) as client, asyncio.TaskGroup() as group:
        for number in range(MAX_CALLS + 20):
            group.create_task(client.fetch_account(str(number)))
        assert {await arrived.get() for _ in range(MAX_CALLS)} == {str(number) for number in range(MAX_CALLS)}
        for number in range(MAX_CALLS, MAX_CALLS + 20):
            assert arrived.empty()
            releases.put_nowait(None)
            assert await arrived.get() == str(number)
        for _ in range(MAX_CALLS):
            releases.put_nowait(None)
    assert api.most_at_once == MAX_CALLS


@in_virtual_time
async def test_the_wait_for_a_slot_is_part_of_the_budget() -> None:
    """While the API hangs, calls that find no free slot fail within the budget, and make no request."""
    api, loop = FakeApi(by_id(build_account("1", "Jane"))), asyncio.get_running_loop()
    async with api.serve() as base_url, open_client(base_url) as client:
        with Gate(api) as gate:
            began = loop.time()
            calls = (client.fetch_account(str(number)) for number in range(3 * MAX_CALLS))
            failed = await asyncio.gather(*calls, return_exceptions=True)
            assert loop.time() - began == pytest.approx(BUDGET_SECONDS, abs=0.5)
        assert {type(error) for error in failed} == {ApiSlow}
        assert gate.arrived.qsize() == MAX_CALLS
        assert (await client.fetch_account("1")).name == "Jane"


@in_virtual_time
async def test_look_ups_that_hang_delay_no_list() -> None:
    """While the API hangs on more accounts than can be read at a time, a poll reads the list at once."""
    api, hanging = FakeApi({}), asyncio.Event()

    async def behave(request: web.Request) -> web.StreamResponse:
        if request.path != ACCOUNTS_PATH:
            await hanging.wait()
        return web.json_response({})

    api.behave = behave
    async with api.serve() as base_url, open_client(base_url) as client, asyncio.TaskGroup() as group:
        for number in range(MAX_CALLS + 20):
            group.create_task(client.fetch_account(str(number)))
        began = asyncio.get_running_loop().time()
        assert await client.fetch_accounts() == {}
        assert asyncio.get_running_loop().time() - began < 1.0
        hanging.set()


@in_virtual_time
async def test_failed_and_cancelled_calls_free_their_slots() -> None:
    """After 64 timed-out and 64 cancelled calls, another call still runs."""
    api = FakeApi(by_id(build_account("1", "Jane")))
    async with api.serve() as base_url, open_client(base_url, budget=BUDGET) as client:
        with Gate(api) as gate:
            calls = (client.fetch_account("1") for _ in range(MAX_CALLS))
            failed = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(error) for error in failed} == {ApiSlow}
            tasks = [asyncio.create_task(client.fetch_account("1")) for _ in range(MAX_CALLS)]
            assert await gate.arrived.get()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        assert (await client.fetch_account("1")).name == "Jane"


async def test_a_requested_pause_is_kept() -> None:
    """After a 429 with a pause no call is made until it is over; callers get an error with the time left."""
    api = FakeApi(by_id(build_account("1")))
    api.behave = answering(lambda: web.Response(status=429, headers={"Retry-After": "30"}))
    async with api.serve() as base_url, open_client(base_url) as client:
        with pytest.raises(ApiBusy):
            await client.fetch_account("1")
        with pytest.raises(ApiBusy) as caught:
            await client.fetch_accounts()
    assert len(api.calls) == 1
    assert caught.value.retry_after is not None
    assert 20 < caught.value.retry_after <= 30


async def test_remembers_how_the_last_call_ended() -> None:
    """A failure of the API is remembered until a call succeeds; an unknown account or one on hold is no failure."""
    api = FakeApi(by_id(build_account("1")))
    refusals: list[tuple[int, type[BotError]]] = [(402, SubscriptionLapsed), (401, UseapiTokenRefused)]
    answers: list[tuple[int, type[BotError]]] = [(404, NoSuchAccount), (596, AccountOnHold)]
    async with api.serve() as base_url, open_client(base_url) as client:
        assert client.last_call is None
        await client.fetch_accounts()
        assert client.last_call is not None
        assert client.last_call.failure is None
        for status, kind in refusals:
            api.behave = with_status(status)
            with pytest.raises(kind):
                await client.fetch_account("1")
            assert isinstance(client.last_call.failure, kind)
        api.behave = answering(lambda: web.Response(text="<html>"))
        with pytest.raises(UnreadableAnswer):
            await client.fetch_accounts()
        assert isinstance(client.last_call.failure, UnreadableAnswer)
        for status, kind in answers:
            api.behave = with_status(status)
            with pytest.raises(kind):
                await client.fetch_account("1")
            assert client.last_call.failure is None
