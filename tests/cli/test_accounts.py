"""Tests of `account` and `accounts`, run as real processes against the API's stand-in."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.cli.accounts import ExitStatus, build_facts, describe, exit_status_of, print_accounts, tabulate
from bot.cli.ending import INTERRUPTED
from bot.config import UseapiSettings, read_settings
from bot.core.accounts import Account
from bot.core.clock import ClockGuard
from bot.core.links import DEFAULT_RENEWAL, GUIDED_SETUP, SETUP_GUIDE
from bot.core.wording import HOW_TO_RENEW
from bot.useapi.fake import TOKEN, USER_NUMBER, FakeApi, build_job
from tests.support.accounts import JWT, build_account, by_id
from tests.support.hostile import UNREADABLE, answering
from tests.support.wire.process import run_bot

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
# Without an address discord.py is not loaded.
NO_DISCORD = ""


def build_current(account_id: str, name: str, days: float | None, **fields: Any) -> dict[str, Any]:
    """Return an account object whose login expires in so many days from now."""
    return build_account(account_id, name, days=days, now=datetime.now(UTC), **fields)


ACCOUNTS = by_id(
    build_current("1", "Healthy", 20.6),
    build_current("2", "Expiring", 2.6, supportVideo=None, maxJobs=None),
    build_current("3", "Expired", -3.4),
    build_current("4", "Broken", 20.6, error="login lost"),
    build_current("5", "Undated", None),
)


async def ask(
    accounts: Mapping[str, Any],
    *arguments: str,
    behave: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None,
    **settings: str,
) -> tuple[int, str]:
    """Run the bot with these arguments; returns its exit status and output."""
    api = FakeApi(dict(accounts))
    api.behave = behave
    async with api.serve() as base_url:
        given = {"USEAPI_TOKEN": TOKEN, "USEAPI_BASE_URL": base_url, **settings}
        async with run_bot(NO_DISCORD, given, *arguments, is_forked=True) as bot:
            return await bot.ended(), bot.output


@pytest.mark.parametrize(
    ("asked", "status", "state"),
    [
        ("1", 0, "expires in 21 days"),
        ("healthy", 0, "expires in 21 days"),
        ("2", 1, "expires in 3 days"),
        ("3", 1, "expired 3 days ago"),
        ("4", 1, "in error"),
        ("5", 1, "expiry unknown"),
    ],
)
async def test_one_account_by_id_or_name(asked: str, status: int, state: str) -> None:
    """The exit status separates healthy from in need of attention, and needs no Discord setting."""
    found, output = await ask(ACCOUNTS, "account", asked)
    assert (found, state in output) == (status, True)
    assert ("How to renew" in output) is bool(status)
    assert f"{JWT[:3]}•••{JWT[-3:]}" in output
    assert JWT[:9] not in output


async def test_one_account_as_json() -> None:
    """Programs get the same facts, dated in UTC, with null for each fact that is not reported."""
    status, output = await ask(ACCOUNTS, "account", "2", "--json")
    facts = json.loads(output)
    assert status == ExitStatus.NEEDS_ATTENTION
    assert facts["status"] == "expiring"
    assert facts["user"] == "Expiring"
    assert facts["max_jobs"] is None
    assert facts["capabilities"]["supportVideo"] is None
    assert datetime.fromisoformat(facts["expires"]).utcoffset() == timedelta(0)
    assert 2 < facts["expires_in_seconds"] / 86_400 < 3


async def test_jobs_and_credits_are_facts_too(capsys: pytest.CaptureFixture[str]) -> None:
    """An account whose jobs fail needs attention, whatever its date; what can't be read is null."""
    api = FakeApi(dict(ACCOUNTS))
    api.jobs = [build_job("1", datetime.now(UTC) - timedelta(minutes=number), 401) for number in range(1, 4)]
    api.credits = {"1": {"totalCredits": 80, "memberName": "Free"}}

    async def run(*arguments: str) -> tuple[ExitStatus, str]:
        settings = read_settings(UseapiSettings, {"USEAPI_TOKEN": TOKEN, "USEAPI_BASE_URL": base_url}, Path("none"))
        asked, *options = arguments
        clock = ClockGuard(lambda: datetime.now(UTC))
        status = await print_accounts(settings, asked or None, clock, as_json=bool(options))
        return status, capsys.readouterr().out

    async with api.serve() as base_url:
        status, output = await run("1", "--json")
        facts = json.loads(output)
        assert status == ExitStatus.NEEDS_ATTENTION
        assert facts["credits"] == {"total": 80, "plan": "Free", "expiring": []}
        assert facts["jobs"]["counts"] == {"refused": 3}
        assert (facts["jobs"]["total"], facts["jobs"]["failing"], facts["jobs"]["last_success"]) == (3, "refused", None)
        _, output = await run("1")
        assert "Jobs         fail: MiniMax refuses the login\nCredits      80 (Free)\n" in output
        _, output = await run("2")
        assert "Jobs         none in 24 hours\n" in output
        _, output = await run("2", "--json")
        assert (json.loads(output)["credits"], json.loads(output)["jobs"]["total"]) == (None, 0)
        _, output = await run("", "--json")
        assert [one["jobs"]["failing"] for one in json.loads(output)].count("refused") == 1
    assert str(USER_NUMBER) not in output


@pytest.mark.parametrize(
    ("left", "status"),
    [
        (timedelta(days=8), "healthy"),
        (timedelta(days=7), "expiring"),
        (timedelta(days=1), "expiring"),
        (timedelta(minutes=1), "expiring"),
        (timedelta(0), "expired"),
        (None, "unknown"),
    ],
)
def test_programs_get_the_statuses_they_know(left: timedelta | None, status: str) -> None:
    """The JSON has no status of its own for the last day, as in the first version."""
    account = Account("1", expires_at=None if left is None else NOW + left)
    assert build_facts(account, NOW)["status"] == status


async def test_all_accounts_most_urgent_first() -> None:
    """The list has a header, a sign a line, totals and how to renew; its status is the worst one's."""
    status, output = await ask(ACCOUNTS, "accounts")
    assert status == ExitStatus.NEEDS_ATTENTION
    header, *lines, _, totals, guided, how, manual = output.splitlines()
    assert header.split()[-1] == "STATE"
    shown = [line.split()[:2] for line in lines]
    names = ["Expired", "Broken", "Expiring", "Healthy", "Undated"]
    assert shown == [list(row) for row in zip("✗✗!✓?", names, strict=True)]
    assert "error: login lost" in lines[1]
    assert {line.index(name) for line, name in zip(lines, names, strict=True)} == {header.index("NAME")}
    expires = datetime.fromtimestamp(ACCOUNTS["3"]["jwt"]["exp"], UTC)
    assert lines[0][header.index("EXPIRES") :].startswith(f"{expires:%Y-%m-%d %H:%M}  expired 3 days ago")
    assert totals == "5 accounts: 1 expired, 1 in error, 1 expiring, 1 without a date, 1 healthy"
    assert (guided, how, manual) == (f"How to renew: {GUIDED_SETUP}", f"{HOW_TO_RENEW}.", f"By hand: {SETUP_GUIDE}")
    healthy, output = await ask({"1": ACCOUNTS["1"]}, "accounts")
    assert (healthy, "How to renew" in output) == (ExitStatus.HEALTHY, False)


def test_wide_names_keep_the_columns_even() -> None:
    """A name in East Asian characters, which take two cells of a terminal, moves no column."""
    names = ["海螺", "a" * 9, "e\N{COMBINING ACUTE ACCENT}"]
    accounts = [
        Account(str(number), name=name, expires_at=NOW + timedelta(days=20)) for number, name in enumerate(names)
    ]
    _, wide, narrow, combined = tabulate(accounts, NOW, DEFAULT_RENEWAL).splitlines()[:4]
    assert (len(wide) + 2, len(combined) - 1) == (len(narrow), len(narrow))


async def test_all_accounts_as_json() -> None:
    """Programs get a list."""
    _, output = await ask(ACCOUNTS, "accounts", "--json")
    assert [facts["account"] for facts in json.loads(output)] == ["3", "4", "2", "1", "5"]


async def test_no_account_at_all() -> None:
    """An empty list is reported, and needs attention."""
    status, output = await ask({}, "accounts")
    assert status == ExitStatus.NEEDS_ATTENTION
    assert "No MiniMax accounts yet" in output


async def test_an_unknown_account_has_a_status_of_its_own() -> None:
    """A missing account ends with status 3 and the names and ids that exist; an API that is away has another status."""
    status, output = await ask(ACCOUNTS, "account", "99")
    assert status == ExitStatus.NO_SUCH_ACCOUNT
    assert "These accounts exist: Expired (3), Expiring (2), Healthy (1), Broken (4), Undated (5)" in output


async def test_an_unknown_account_as_json() -> None:
    """Programs get the error and the existing accounts as JSON, and nothing besides."""
    status, output = await ask({"1": ACCOUNTS["1"]}, "account", "99", "--json")
    error = json.loads(output)["error"]
    assert status == ExitStatus.NO_SUCH_ACCOUNT
    assert (error["kind"], error["accounts"]) == ("no_such_account", [{"account": "1", "user": "Healthy"}])


@pytest.mark.parametrize(("changed", "kind"), [({}, "subscription_lapsed"), ({"USEAPI_TOKEN": ""}, "settings_error")])
async def test_failures_as_json(changed: dict[str, str], kind: str) -> None:
    """An API that refuses and settings that are wrong are reported to programs as JSON too."""

    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=402)

    status, output = await ask({}, "accounts", "--json", behave=fail, **changed)
    assert (status, json.loads(output)["error"]["kind"]) == (ExitStatus.UNREADABLE, kind)


@pytest.mark.parametrize(("code", "arguments"), [(500, ("account", "1")), (402, ("accounts",))])
async def test_a_failing_api_is_not_readable(code: int, arguments: tuple[str, ...]) -> None:
    """A failure of the API ends with status 2, in words, never with a traceback or the API's own text."""

    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text="<html>")

    status, output = await ask(ACCOUNTS, *arguments, behave=fail, LOG_LEVEL="ERROR")
    assert status == ExitStatus.UNREADABLE
    assert "Traceback" not in output
    assert "<html>" not in output
    assert len(output.splitlines()) == 3


async def test_an_answer_that_cannot_be_read() -> None:
    """An answer without accounts ends in words, and with the status for it."""
    status, output = await ask(ACCOUNTS, "accounts", behave=answering(UNREADABLE["too large"]))
    assert status == ExitStatus.UNREADABLE
    assert output.startswith("useapi.net's answer can't be read.\n")
    assert "Traceback" not in output


async def test_ten_thousand_accounts() -> None:
    """Each account has a line, and a name that many have is answered with ten ids."""
    many = by_id(*(build_current(str(number), "Twin", 20.5 + number) for number in range(10_000)))
    status, output = await ask(many, "accounts")
    assert status == ExitStatus.HEALTHY
    assert [line.split()[2] for line in output.splitlines()[1:-2]] == [str(number) for number in range(10_000)]
    status, output = await ask(many, "account", "twin")
    assert status == ExitStatus.NO_SUCH_ACCOUNT
    assert output.endswith("Twin (1004), Twin (1005) and 9990 more")


@pytest.mark.parametrize("style", [(), ("--json",)])
async def test_hostile_accounts_cannot_steer_the_terminal(style: tuple[str, ...]) -> None:
    """No control character of an id, name or error reaches the terminal, in words or as JSON."""
    text = "\x1b[2J\x9b31m\u202e\x85\u2028\x00" + "x" * 100_000
    accounts = by_id(build_current("\u202e1", text, 2, error=text), build_current("2", text, 2))
    status, output = await ask(accounts, "accounts", *style)
    assert status == ExitStatus.NEEDS_ATTENTION
    assert not set("\x1b\x9b\u202e\x85\u2028\x00") & set(output)
    assert len(output) < 20_000


async def test_a_missing_setting_is_not_readable() -> None:
    """Only the API's settings are asked for."""
    status, output = await ask(ACCOUNTS, "accounts", USEAPI_TOKEN="")
    assert status == ExitStatus.UNREADABLE
    assert "USEAPI_TOKEN is missing" in output
    assert "DISCORD_TOKEN" not in output


async def test_an_interrupted_command_is_not_healthy() -> None:
    """Ctrl-C before the API answers ends with a status of its own, not with the one for healthy."""
    api, asked = FakeApi({}), asyncio.Event()

    async def wait(_request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    api.behave = wait
    async with api.serve() as base_url:
        settings = {"USEAPI_TOKEN": TOKEN, "USEAPI_BASE_URL": base_url}
        async with run_bot(NO_DISCORD, settings, "accounts") as bot:
            await asked.wait()
            bot.signal(signal.SIGINT)
            assert await bot.ended() == INTERRUPTED


def test_names_cannot_steer_the_terminal() -> None:
    """Control characters in a name never reach the terminal."""
    shown = describe(Account("1", name="\x1b[31mred\x07\nsecond line"), NOW, DEFAULT_RENEWAL)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert not any(line.startswith("second") for line in shown.splitlines())


@pytest.mark.parametrize(
    ("days", "verdict"),
    [([20], 0), ([20, 8], 0), ([20, 7], 1), ([20, -1], 1), ([20, None], 1), ([], 1)],
)
def test_the_worst_account_decides(days: list[int | None], verdict: int) -> None:
    """One account in need of attention is enough."""
    expiries = [None if day is None else NOW + timedelta(days=day) for day in days]
    assert exit_status_of([Account("1", expires_at=expires_at) for expires_at in expiries], NOW) == verdict
