"""The answers of `account`, `accounts` and `check` to a broken or hostile API, without processes of their own."""

import asyncio
from functools import partial
from pathlib import Path

import discord
import pytest

from bot.cli.accounts import print_accounts
from bot.cli.check import print_findings
from bot.config import Settings, read_settings
from bot.errors import BotError
from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.directory import open_directory
from bot.useapi.fake import Behaviour, FakeApi
from tests.support.api import START, account, closed_port, no_pause
from tests.support.hostile import STATUSES, UNREADABLE, answering, drip, raw_accounts, with_status
from tests.support.process.stage import build_settings
from tests.support.wire.discord import DiscordStandIn

UNREAD = "useapi.net's answer can't be read"
FAILURES: dict[str, tuple[Behaviour, str]] = {
    **{str(status): (with_status(status), title) for status, title in STATUSES.items()},
    **{kind: (answering(build), UNREAD) for kind, build in UNREADABLE.items()},
}


def be_patient(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Give the API so many seconds, and repeat calls at once."""
    quick = partial(open_directory, budget=seconds, jitter=no_pause)
    monkeypatch.setattr("bot.useapi.directory.open_directory", quick)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no pauses between calls."""
    be_patient(monkeypatch, 10.0)


async def run_account(base_url: str, asked: str | None, *, as_json: bool = False) -> str:
    """Run `account`, or `accounts`; return the title of the error that ends it, or nothing."""
    settings = read_settings(Settings, build_settings(base_url), Path(".env"))
    try:
        await print_accounts(settings, asked, now=lambda: START, as_json=as_json)
    except BotError as error:
        return error.title
    return ""


async def run_check(base_url: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run `check` with a Discord in order."""
    settings = read_settings(Settings, build_settings(base_url), Path(".env"))
    async with DiscordStandIn().serve() as url:
        monkeypatch.setattr(discord.http.Route, "BASE", f"{url}/api/v10")
        return await print_findings(settings, now=lambda: START)


async def assert_reported(
    base_url: str, title: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fail unless each command ends with this title, within its budget, and `check` looks at all the rest."""
    async with asyncio.timeout(10):
        assert await run_account(base_url, "1") == title
        assert await run_account(base_url, None) == title
        assert not await run_check(base_url, monkeypatch)
    output = capsys.readouterr().out
    assert f"FAILED  {title}\n        -> " in output
    assert "Server Listed" in output
    assert "upstream" not in output


@pytest.mark.parametrize("kind", FAILURES)
async def test_a_failure_is_reported(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command ends in the words for what the API answers, and never shows the API's own text."""
    standin = FakeApi({})
    standin.behave, title = FAILURES[kind]
    async with standin.serve() as base_url:
        await assert_reported(base_url, title, monkeypatch, capsys)


async def test_an_answer_that_drips(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A body that comes byte by byte for ever ends each command after its time."""
    be_patient(monkeypatch, 0.4)
    standin = FakeApi({})
    standin.behave = drip
    async with standin.serve() as base_url:
        await assert_reported(base_url, UNREAD, monkeypatch, capsys)


async def test_an_api_out_of_reach(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the API each command ends in words as well."""
    await assert_reported(f"http://127.0.0.1:{closed_port()}", "useapi.net can't be reached", monkeypatch, capsys)


@pytest.mark.parametrize(
    ("exp", "expires"),
    [
        ("1768262400", "2026-01-13 00:00 UTC"),
        ("1768262400000", "2026-01-13 00:00 UTC"),
        ('1, "exp": 1768262400', "2026-01-13 00:00 UTC"),
        ("253402300799", "not reported"),
        ("-1768262400", "not reported"),
        ("1e400", "not reported"),
        ("NaN", "not reported"),
    ],
)
async def test_an_odd_expiry_is_a_date_or_unknown(
    exp: str, expires: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Milliseconds are understood, the last of two counts, and an impossible date needs attention."""
    standin = FakeApi({})
    standin.behave = raw_accounts({"1": {"jwt": {"exp": 0.5}}}, exp=exp)
    async with standin.serve() as base_url:
        for as_json in (False, True):
            assert await run_account(base_url, "1", as_json=as_json) == ""
        assert await run_check(base_url, monkeypatch)
    output = capsys.readouterr().out
    assert f"Expires      {expires}\n" in output
    is_known = expires != "not reported"
    assert ('"expires": "2026-01-13T00:00:00+00:00"' if is_known else '"expires": null') in output
    assert f"1 account, {'all healthy' if is_known else '1 in need of attention'}" in output


async def test_odd_ids_leave_their_path_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Accounts of any id are read below the accounts' path alone, or answered without a call."""
    odd = ["a/b", "../../v2", "..%2f", "a?b=c", "a#b", "a b", "\U0001f600"]
    never = ["..", ".", "", "a\x00b", "x" * 257]
    standin = FakeApi({key: account(key, days=20) for key in odd})
    async with standin.serve() as base_url:
        for asked in odd:
            assert await run_account(base_url, asked) == ""
        for asked in never:
            assert await run_account(base_url, asked) == "No such account"
        assert await run_check(base_url, monkeypatch)
    assert "7 accounts, all healthy" in capsys.readouterr().out
    assert {path.rpartition("/")[0] for path in standin.calls if path != ACCOUNTS_PATH} == {ACCOUNTS_PATH}
    assert len([path for path in standin.calls if path != ACCOUNTS_PATH]) == len(odd)


async def test_ten_thousand_accounts_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check` reads a list of 10,000 accounts in one call."""
    standin = FakeApi({str(number): account(days=20) for number in range(10_000)})
    async with standin.serve() as base_url:
        assert await run_check(base_url, monkeypatch)
    assert "10000 accounts, all healthy" in capsys.readouterr().out
    assert standin.calls == [ACCOUNTS_PATH]
