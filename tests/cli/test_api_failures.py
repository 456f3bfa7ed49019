"""The answers of `account`, `accounts` and `check` to a broken or hostile API, without processes of their own."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.accounts import print_accounts
from bot.cli.check import print_findings
from bot.config import Settings, read_settings
from bot.core.clock import ClockGuard
from bot.errors import ApiUnreachable, BotError, NoSuchAccount, UnreadableAnswer
from bot.useapi.client import ACCOUNTS_PATH, BUDGET_SECONDS
from bot.useapi.fake import Behaviour, FakeApi
from tests.support.accounts import START, build_account, by_id
from tests.support.hostile import STATUSES, UNREADABLE, answering, drip, raw_accounts, with_status
from tests.support.network import closed_port
from tests.support.settings import read
from tests.support.tls import UNTRUSTED, serve_tls
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.redirect import discord_connected_to
from tests.support.wire.standins import build_settings
from tests.support.wire.virtual_time import in_virtual_time

FAILURES: dict[str, tuple[Behaviour, str]] = {
    **{str(status): (with_status(status), title) for status, title in STATUSES.items()},
    **{kind: (answering(build), UnreadableAnswer.title) for kind, build in UNREADABLE.items()},
}


async def run_account(base_url: str, asked: str | None, *, as_json: bool = False) -> str:
    """Run `account`, or `accounts`; return the title of the error that ends it, or nothing."""
    settings = read_settings(Settings, build_settings(base_url), Path(".env"))
    try:
        await print_accounts(settings, asked, ClockGuard(lambda: START), as_json=as_json)
    except BotError as error:
        return error.title
    return ""


async def run_check(base_url: str) -> bool:
    """Run `check` with a Discord in order."""
    settings = read_settings(Settings, build_settings(base_url), Path(".env"))
    async with DiscordStandIn().serve() as url:
        with discord_connected_to(url):
            return await print_findings(settings, ClockGuard(lambda: START), program="python -m bot")


async def assert_reported(base_url: str, title: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Fail unless each command ends with this title, and `check` looks at all the rest."""
    assert await run_account(base_url, "1") == title
    assert await run_account(base_url, None) == title
    assert not await run_check(base_url)
    output = capsys.readouterr().out
    assert f"✗ {title}\n  " in output
    assert "Server Listed" in output
    assert "upstream" not in output


@pytest.mark.parametrize("kind", FAILURES)
@in_virtual_time
async def test_a_failure_is_reported(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command ends in the words for what the API answers, and never shows the API's own text."""
    api = FakeApi({}, now=lambda: START)
    api.behave, title = FAILURES[kind]
    async with api.serve() as base_url:
        await assert_reported(base_url, title, capsys)


@in_virtual_time
async def test_an_endless_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """Each of the three commands abandons a body that comes byte by byte without end after ten seconds."""
    api = FakeApi({}, now=lambda: START)
    api.behave = drip
    async with api.serve() as base_url:
        await assert_reported(base_url, UnreadableAnswer.title, capsys)
    assert asyncio.get_running_loop().time() == pytest.approx(3 * BUDGET_SECONDS, abs=1)


@in_virtual_time
async def test_an_unreachable_api(capsys: pytest.CaptureFixture[str]) -> None:
    """Without the API each command ends with an error as well."""
    await assert_reported(f"http://127.0.0.1:{closed_port()}", ApiUnreachable.title, capsys)


async def test_a_certificate_that_is_not_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command names the certificates of useapi.net and Discord as the cause, and says what to do."""
    async with serve_tls(UNTRUSTED) as port:
        address = f"https://localhost:{port}"
        assert await run_account(address, "1") == await run_account(address, None)
        with discord_connected_to(address):
            assert not await print_findings(
                read(USEAPI_BASE_URL=address), ClockGuard(lambda: START), program="minimax-bot"
            )
    output = capsys.readouterr().out
    for server in ("useapi.net", "Discord"):
        assert f"✗ {server}'s certificate isn't trusted\n  If a company proxy" in output
    assert "SSL_CERT_FILE" in output
    assert "Bot owner" not in output


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
async def test_an_odd_expiry_is_a_date_or_unknown(exp: str, expires: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Milliseconds are understood, the last of two counts, and an impossible date needs attention."""
    api = FakeApi({}, now=lambda: START)
    api.behave = raw_accounts({"1": {"jwt": {"exp": 0.5}}}, exp=exp)
    async with api.serve() as base_url:
        for as_json in (False, True):
            assert await run_account(base_url, "1", as_json=as_json) == ""
        assert await run_check(base_url)
    output = capsys.readouterr().out
    assert f"Expires      {expires}\n" in output
    is_known = expires != "not reported"
    assert ('"expires": "2026-01-13T00:00:00+00:00"' if is_known else '"expires": null') in output
    assert f"1 account, {'all healthy' if is_known else '1 in need of attention'}" in output


async def test_odd_ids_never_leave_their_place_in_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    """An account with any id is read below the path of the accounts, or refused without a call."""
    odd = ["a/b", "../../v2", "..%2f", "a?b=c", "a#b", "a b", "\U0001f600"]
    never = ["..", ".", "", "a\x00b", "x" * 257]
    api = FakeApi(by_id(*(build_account(key, days=20) for key in odd)), now=lambda: START)
    async with api.serve() as base_url:
        for asked in odd:
            assert await run_account(base_url, asked) == ""
        for asked in never:
            assert await run_account(base_url, asked) == NoSuchAccount(asked).title
        assert await run_check(base_url)
    assert "7 accounts, all healthy" in capsys.readouterr().out
    read = [path for path in api.calls if path.startswith(f"{ACCOUNTS_PATH}/")]
    assert {path.rpartition("/")[0] for path in read} == {ACCOUNTS_PATH}
    assert len(read) == len(odd)


async def test_ten_thousand_accounts_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """`check` reads a list of 10,000 accounts in one call."""
    api = FakeApi(by_id(*(build_account(str(number), days=20) for number in range(10_000))), now=lambda: START)
    async with api.serve() as base_url:
        assert await run_check(base_url)
    assert "10000 accounts, all healthy" in capsys.readouterr().out
    assert api.calls == [ACCOUNTS_PATH]


async def test_a_wrong_clock(capsys: pytest.CaptureFixture[str]) -> None:
    """`check` fails and says how wrong the machine's clock is; `account` counts by the time of useapi.net."""
    api = FakeApi(by_id(build_account("1", days=20)), now=lambda: START + timedelta(days=19, hours=4))
    async with api.serve() as base_url:
        assert not await run_check(base_url)
        await run_account(base_url, "1")
    output = capsys.readouterr().out
    assert "✗ The clock of this machine is 19 days behind\n  Set it" in output
    assert "expires in 20 hours" in output
