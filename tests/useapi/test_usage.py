"""Jobs and credits over HTTP: shared, switched off for a day where they are not offered, and never in the way."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.errors import (
    AccountOnHold,
    ApiBusy,
    ApiUnreachable,
    BotError,
    NoSuchAccount,
    Stopping,
    SubscriptionLapsed,
    SwitchedOff,
    UnreadableAnswer,
    UseapiTokenRefused,
)
from bot.useapi.client import CREDITS_PATH, JOBS_PATH, MiniMaxClient
from bot.useapi.fake import USER_NUMBER, FakeApi, build_job
from bot.useapi.usage import Usage, log_failure
from tests.support.accounts import START, build_account, by_id
from tests.support.api import ServedDirectory, open_client, serve_directory
from tests.support.hostile import UNREADABLE, Build, answering, drip
from tests.support.network import OK_HEAD, Script, closed_port, serve_bare
from tests.support.wire.virtual_time import in_virtual_time

Read = Callable[[Usage], Coroutine[Any, Any, object]]
CALLS: dict[str, Read] = {"jobs": lambda usage: usage.read_jobs(), "credits": lambda usage: usage.read_credits("1")}
FETCH: dict[str, Callable[[MiniMaxClient], Coroutine[Any, Any, object]]] = {
    "jobs": lambda client: client.fetch_jobs(),
    "credits": lambda client: client.fetch_credits("1"),
}
both = pytest.mark.parametrize("call", CALLS)


def serve() -> Any:
    """Serve an account with a job and credits."""
    return serve_directory(by_id(build_account("1")))


def furnish(served: ServedDirectory) -> Usage:
    """Give the account a job and credits; return what reads them."""
    served.api.jobs = [build_job("1", START)]
    served.api.credits = {"1": {"totalCredits": 7}}
    return served.directory.usage


async def test_both_are_read_in_one_call_each() -> None:
    """The jobs of all accounts are one call, and the credits of an account another one, whatever is in its id."""
    async with serve_directory({}) as served:
        furnish(served)
        served.api.credits = {"a&b=c/?#": {"totalCredits": 7}}
        report = await served.directory.usage.read_jobs()
        assert report.of("1").total == 1
        assert (await served.directory.usage.read_credits("a&b=c/?#")).total == 7
    assert served.api.calls == [f"{JOBS_PATH}?bot=minimax&limit=1000", f"{CREDITS_PATH}?account=a%26b%3Dc%2F%3F%23"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, UseapiTokenRefused),
        (402, SubscriptionLapsed),
        (403, SwitchedOff),
        (404, SwitchedOff),
        (429, ApiBusy),
        (596, AccountOnHold),
        (400, ApiUnreachable),
        (500, ApiUnreachable),
        (503, ApiUnreachable),
        (204, SwitchedOff),
        (302, SwitchedOff),
    ],
)
@both
async def test_each_status_has_its_error(call: str, status: int, kind: type[BotError]) -> None:
    """Only 403, 404 and an answer of another kind switch a call off: it is not made again within a day."""
    async with serve() as served:
        usage = furnish(served)
        served.api.behave = answering(lambda: web.Response(status=status, text="user:7340471958 raw upstream text"))
        with pytest.raises(kind):
            await CALLS[call](usage)
        served.api.behave = None
        served.clock.move(86_399)
        number = len(served.api.calls)
        if kind is SwitchedOff:
            with pytest.raises(SwitchedOff):
                await CALLS[call](usage)
            assert len(served.api.calls) == number
            served.clock.move(2)
        await CALLS[call](usage)
        assert served.directory.last_call is None


@pytest.mark.parametrize("build", UNREADABLE.values(), ids=UNREADABLE)
@both
async def test_an_unknown_shape_switches_off_that_call_alone(call: str, build: Build) -> None:
    """An answer that is not as documented is not asked for again; accounts and the other call go on."""
    async with serve() as served:
        usage = furnish(served)
        served.api.behave = answering(build)
        with pytest.raises(SwitchedOff) as caught:
            await CALLS[call](usage)
        assert caught.value.until == START + timedelta(days=1)
        served.api.behave = None
        (other,) = CALLS.keys() - {call}
        await CALLS[other](usage)
        await served.directory.read("1", fresh=True)
        assert (usage.jobs_off() is not None) is (call == "jobs")
        assert len(usage.credits_off()) == (call == "credits")


async def test_credits_are_switched_off_for_one_account() -> None:
    """An account of another kind, or one that is gone, does not keep the credits of the others from being read."""
    async with serve() as served:
        usage = furnish(served)
        with pytest.raises(SwitchedOff):
            await usage.read_credits("2")
        assert (await usage.read_credits("1")).total == 7


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (Script(reset=True), ApiUnreachable),
        (Script(), ApiUnreachable),
        (Script(b"SSH-2.0-OpenSSH_9.6\r\n"), ApiUnreachable),
        (Script(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), ApiUnreachable),
        (Script(OK_HEAD + b'Content-Length: 99\r\n\r\n{"total": 0'), UnreadableAnswer),
        (Script(OK_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 14\r\n\r\nnot compressed"), UnreadableAnswer),
        (Script(hang=True), ApiUnreachable),
        (Script(OK_HEAD + b"\r\n{", repeat=b" ", pause=0.5), UnreadableAnswer),
    ],
)
@both
@in_virtual_time
async def test_a_broken_connection_switches_nothing_off(call: str, script: Script, kind: type[BotError]) -> None:
    """Resets, cut-off answers and endless ones end within the budget, and the call is made again."""
    async with serve_bare(script) as bare, open_client(bare.base_url) as client:
        usage, loop = Usage(client, now=lambda: START, max_kept=10), asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(kind) as caught:
            await CALLS[call](usage)
        assert loop.time() - began < 11
        assert not isinstance(caught.value, SwitchedOff)
        assert usage.jobs_off() is None
        assert usage.credits_off() == []


@both
async def test_a_server_that_refuses_connections_is_unreachable(call: str) -> None:
    """Nobody listens: the call ends in words."""
    async with open_client(f"http://127.0.0.1:{closed_port()}") as client:
        with pytest.raises(ApiUnreachable):
            await FETCH[call](client)


@both
async def test_an_endless_answer_is_abandoned(call: str) -> None:
    """An answer byte by byte ends with the budget."""
    api = FakeApi({})
    api.behave = drip
    async with api.serve() as base_url, open_client(base_url, budget=0.2) as client:
        with pytest.raises(UnreadableAnswer):
            await FETCH[call](client)


@both
async def test_a_pause_that_is_requested_there_keeps_no_look_up_waiting(call: str) -> None:
    """A 429 of MiniMax on the way to credits or jobs says nothing about accounts."""
    async with serve() as served:
        usage = furnish(served)
        served.api.behave = answering(lambda: web.Response(status=429, headers={"Retry-After": "60"}))
        with pytest.raises(ApiBusy):
            await CALLS[call](usage)
        served.api.behave = None
        assert (await served.directory.read("1")).account.name == "Jane Doe"


@both
async def test_no_answer_puts_a_job_id_into_an_error_or_the_log(call: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the body holds, neither a user's number nor a job's id is in an error or a line of the log."""
    caplog.set_level(logging.DEBUG)
    row = build_job(f"user:{USER_NUMBER}", START)
    bodies: list[Any] = [
        [row],
        {"data": [row], "total": row["jobid"]},
        {"error": row["jobid"], "totalCredits": row["jobid"], "memberName": row["jobid"]},
        row["jobid"],
    ]
    async with serve() as served:
        for body in bodies:
            furnish(served)
            served.api.behave = answering(lambda: web.json_response(body))  # noqa: B023
            try:
                seen = repr(await CALLS[call](served.directory.usage))
            except BotError as error:
                log_failure(error, call)
                seen = f"{error!r} {error.title} {error.text} {error.advice}"
            served.clock.move(2 * 86_400)
            assert str(USER_NUMBER) not in seen
    assert str(USER_NUMBER) not in caplog.text


async def test_what_is_switched_off_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The first refusal is a warning; the rest of the day is silent."""
    async with serve() as served:
        for _ in range(5):
            served.clock.move(3_600)
            with pytest.raises(SwitchedOff) as caught:
                await served.directory.usage.read_credits("2")
            log_failure(caught.value, "the credits of an account")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "status 404" in record.getMessage()


@pytest.mark.parametrize(("seconds", "calls"), [(0, 1), (300, 1), (301, 2), (-1, 2)])
async def test_credits_are_reused_for_five_minutes(seconds: float, calls: int) -> None:
    """A second reader within five minutes gets the same answer; a clock set back keeps no old one."""
    async with serve() as served:
        usage = furnish(served)
        await usage.read_credits("1")
        served.clock.move(seconds)
        await usage.read_credits("1")
    assert len(served.api.calls) == calls


async def test_simultaneous_readers_share_a_call() -> None:
    """However many read the credits of an account at once, it is one call, which outlives its first reader."""
    async with serve() as served:
        usage = furnish(served)
        served.api.delay = 0.05
        first, *others = (asyncio.create_task(usage.read_credits("1")) for _ in range(20))
        await asyncio.sleep(0)
        first.cancel()
        assert {one.total for one in await asyncio.gather(*others)} == {7}
    assert len(served.api.calls) == 1


async def test_closing_ends_waiting_and_later_reads() -> None:
    """The end of the directory ends a reader in words."""
    async with serve() as served:
        usage = furnish(served)
        served.api.delay = 60.0
        reading = asyncio.create_task(usage.read_credits("1"))
        await asyncio.sleep(0)
        served.directory.close()
        with pytest.raises(Stopping):
            await reading
        with pytest.raises(Stopping):
            await usage.read_credits("1")


@pytest.mark.parametrize("account_id", ["", "..", "a\x00b", "x" * 257, "user:7340471958-abc"])
async def test_an_impossible_id_is_refused_without_a_call(account_id: str) -> None:
    """What can be no account, or is a secret, is not sent."""
    async with serve() as served, open_client("http://127.0.0.1:9") as client:
        with pytest.raises(NoSuchAccount):
            await client.fetch_credits(account_id)
        with pytest.raises(SwitchedOff):
            await served.directory.usage.read_credits(account_id)
    assert served.api.calls == []
