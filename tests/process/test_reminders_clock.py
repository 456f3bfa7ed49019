"""When the clock jumps, each reminder arrives, and only once; while it is wrong, the bot sends and stores nothing."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from bot.core.clock import TOLERANCE
from tests.support.network import closed_port
from tests.support.process.deployment import Deployment, shortened
from tests.support.process.monitor import View
from tests.support.wire.channels import FORBIDDEN, Moment
from tests.support.wire.interactions import Exchange
from tests.support.wire.payloads import Json
from tests.support.wire.process import BotProcess

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_NONE = timedelta(0)
# Two seconds between attempts become 20 ms, the two minutes of a nonce 1.2 s.
_FAST = shortened(0.01)


async def test_between_polls(sqlite_deployment: Deployment) -> None:
    """Time that jumps ahead brings the stages that it crosses, once; a jump back repeats none."""
    account = sqlite_deployment.add_account(days=20)
    channel = await sqlite_deployment.add_subscription()
    async with sqlite_deployment.run():
        await sqlite_deployment.polls(1)
        for number, days in enumerate((6, 17, 20), start=1):
            sqlite_deployment.set_clock(days * _DAY)
            await sqlite_deployment.channels.message_in(channel, nth=number)
            sqlite_deployment.set_clock(-days * _HOUR)
            await sqlite_deployment.polls(1)
        added = sqlite_deployment.add_account()
        await sqlite_deployment.channels.message_in(channel, nth=4)
    await sqlite_deployment.run_through()
    assert [sqlite_deployment.count_mentions(channel, one) for one in (account, added)] == [3, 1]


async def test_during_a_post(sqlite_deployment: Deployment) -> None:
    """A jump before a post is stored, or before it is answered, neither loses, doubles nor delays the reminder."""
    channel, accounts = await sqlite_deployment.add_subscription(), []
    async with sqlite_deployment.run(_FAST):
        for ahead in (3 * _DAY, -5 * _HOUR, 9 * _DAY, _NONE):
            for moment in (Moment.ARRIVED, Moment.STORED):
                _jump_at(sqlite_deployment, moment, ahead)
                accounts.append(sqlite_deployment.add_account(days=-1))
                await sqlite_deployment.channels.message_in(channel, nth=len(accounts))
        await sqlite_deployment.polls()
    assert [sqlite_deployment.count_mentions(channel, account) for account in accounts] == [1] * len(accounts)


def _jump_at(deployment: Deployment, moment: Moment, ahead: timedelta) -> None:
    """Let the clock jump at this moment of the next post, and lose the answer to the post."""

    def jump(_channel_id: int) -> bool:
        deployment.channels.hooks.clear()
        deployment.set_clock(ahead)
        return False

    deployment.channels.hooks[moment] = jump


async def test_across_crashes(sqlite_deployment: Deployment) -> None:
    """A bot that is killed during posts, and restarted with another time after the nonces, sends each reminder once."""
    channel, accounts = await sqlite_deployment.add_subscription(), []
    moments = (Moment.STORED, Moment.STORED, Moment.ARRIVED, Moment.ARRIVED)
    for moment, ahead in zip(moments, (5 * _HOUR, _NONE, -5 * _HOUR, 9 * _DAY), strict=True):
        accounts.append(sqlite_deployment.add_account(days=-1))
        await sqlite_deployment.killed_at(moment)
        sqlite_deployment.channels.forget_nonces()
        sqlite_deployment.set_clock(ahead)
    await sqlite_deployment.run_through()
    assert [sqlite_deployment.count_mentions(channel, account) for account in accounts] == [1] * len(accounts)


async def test_set_back_while_a_channel_refuses(sqlite_deployment: Deployment) -> None:
    """A channel that refused is tried again after its wait, not after the hours by which the clock was set back."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_deployment.run(_FAST) as bot:
        await bot.says("refuses messages")
        sqlite_deployment.set_clock(-5 * _HOUR)
        rest.faults.clear()
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1


either_way = pytest.mark.parametrize("ahead", [20 * _DAY, -20 * _DAY], ids=["ahead", "behind"])


@asynccontextmanager
async def _wrong(deployment: Deployment, ahead: timedelta) -> AsyncIterator[None]:
    """Let the machine's clock be wrong in the block and for some polls after it, which must not do anything."""
    deployment.set_machine_clock(ahead)
    # The clock may have been right when a running poll began.
    await deployment.polls(1)
    rows, requests = await deployment.read_rows(), _count_requests(deployment)
    yield
    await deployment.polls()
    assert (await deployment.read_rows(), _count_requests(deployment)) == (rows, requests)
    deployment.set_machine_clock(_NONE)


def _count_requests(deployment: Deployment) -> int:
    """Return how many requests about channels there were: posts, edits, searches and checks."""
    return sum("/channels" in call.path for call in deployment.discord.rest.calls)


async def _answer(exchange: Exchange) -> str:
    return json.dumps(await exchange.answer(), ensure_ascii=False)


@either_way
async def test_wrong_while_reminders_are_due(sqlite_deployment: Deployment, ahead: timedelta) -> None:
    """A wrong clock makes nothing due, and holds back what is due; everything says so, until the clock is right."""
    view, deployment = View(closed_port()), sqlite_deployment
    far, channel = deployment.add_account(days=20), await deployment.add_subscription()
    async with deployment.run(settings=view.settings) as bot:
        await deployment.discord.gateway.ready()
        await deployment.polls(1)
        async with _wrong(deployment, ahead):
            due = deployment.add_account(days=-1)
            await _assert_wrong_clock_is_said(deployment, bot, view, "ahead" if ahead > _NONE else "behind")
        await deployment.channels.message_in(channel)
        await deployment.polls()
        await _assert_all_is_well(deployment, bot, view)
    assert [deployment.count_mentions(channel, account) for account in (far, due)] == [0, 1]


async def _assert_wrong_clock_is_said(deployment: Deployment, bot: BotProcess, view: View, way: str) -> None:
    """Look for the wrong clock in the log, the health, the metrics and the status."""
    said = f"The clock of this machine is 20 days {way}, so no reminder is sent. Set it, and turn on"
    assert "WARNING" in await bot.says(said)
    status, body = await view.get("/healthz")
    (problem,) = json.loads(body)["problems"]
    assert (status, problem) == (503, f"{said} time synchronisation (NTP).")
    assert await view.read('minimax_bot_polls_total{outcome="clock_wrong"}') > 0
    skew = await view.read("minimax_bot_clock_skew_seconds")
    assert abs(skew) == pytest.approx(20 * 86_400, abs=10)
    assert (skew > 0) is (way == "ahead")
    status_text = await _answer(await deployment.discord.ask_status())
    assert f"The clock of the bot's machine is 20 days {way}**, so no reminder is sent." in status_text


async def _assert_all_is_well(deployment: Deployment, bot: BotProcess, view: View) -> None:
    """Expect the end of the wrong clock in the same places, and one line in the log for each change."""
    assert (await view.get("/healthz"))[0] == HTTPStatus.OK
    assert abs(await view.read("minimax_bot_clock_skew_seconds")) < TOLERANCE.total_seconds()
    assert "Everything works" in await _answer(await deployment.discord.ask_status())
    changes = bot.lines.matching(lambda line: "The clock of this machine" in line)
    assert ["WARNING" in line for line in changes] == [True, False]


@either_way
async def test_wrong_while_a_channel_refuses(sqlite_deployment: Deployment, ahead: timedelta) -> None:
    """A channel that refuses is not tried with a wrong clock; soon after the clock is right it gets its reminder."""
    account, channel = sqlite_deployment.add_account(), await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_deployment.run(_FAST) as bot:
        await bot.says("refuses messages")
        async with _wrong(sqlite_deployment, ahead):
            pass
        rest.faults.clear()
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1


@either_way
async def test_wrong_while_an_edit_fails(sqlite_deployment: Deployment, ahead: timedelta) -> None:
    """An edit that was refused is tried again after an hour, and not after the days by which the clock was wrong."""
    account, channel = sqlite_deployment.add_account(days=-1), await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    async with sqlite_deployment.run(_FAST):
        await sqlite_deployment.channels.message_in(channel)
        rest.fail("PATCH", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
        sqlite_deployment.set_expiry(account, days=20)
        await rest.request("PATCH", "/channels/")
        async with _wrong(sqlite_deployment, ahead):
            pass
        rest.faults.clear()
        sqlite_deployment.set_clock(_HOUR)
        edited = await sqlite_deployment.channels.edits.nth(1)
    assert account in json.dumps(edited)


@either_way
async def test_wrong_before_a_daily_check(sqlite_deployment: Deployment, ahead: timedelta) -> None:
    """A bot that starts with a wrong clock checks no channels; once the clock is right it does, each day."""
    channel, rest = await sqlite_deployment.add_subscription(), sqlite_deployment.discord.rest
    account = sqlite_deployment.add_account(days=-1)
    await sqlite_deployment.run_through()
    assert sqlite_deployment.count_mentions(channel, account) == 1
    sqlite_deployment.set_clock(_DAY)
    sqlite_deployment.set_machine_clock(ahead)
    async with sqlite_deployment.run():
        async with _wrong(sqlite_deployment, ahead):
            assert rest.requests("GET", "/guilds/[0-9]+/channels") == []
        for day in (1, 2):
            sqlite_deployment.set_clock(day * _DAY)
            await rest.request("GET", "/guilds/[0-9]+/channels", nth=day)


@either_way
async def test_wrong_while_commands_are_used(sqlite_deployment: Deployment, tmp_path: Path, ahead: timedelta) -> None:
    """*I'm on it*, *pause* and a new reminder work with a wrong clock, and store the right time."""
    deployment = sqlite_deployment
    account, channel = deployment.add_account(), await deployment.add_subscription()
    async with deployment.run():
        await deployment.discord.gateway.ready()
        message = await deployment.channels.message_in(channel)
        await deployment.polls(1)
        deployment.set_machine_clock(ahead)
        await deployment.polls(1)
        await _answer(await deployment.discord.press(message, _find_button(message, "I'm on it")))
        assert "paused" in await _answer(await deployment.discord.manage("pause", reminder="1"))
        assert "added" in await _answer(await deployment.discord.manage("add", account=account))
        assert _read_times(tmp_path, "SELECT assigned_at FROM assignments") == [True]
        assert _read_times(tmp_path, "SELECT paused_at FROM subscriptions WHERE paused_at IS NOT NULL") == [True]
        deployment.set_machine_clock(_NONE)
        await deployment.polls()


def _find_button(message: Json, label: str) -> str:
    """Return the id of a button of a message."""
    buttons = [button for row in message["components"] for button in row["components"]]
    return next(str(button["custom_id"]) for button in buttons if button["label"] == label)


def _read_times(folder: Path, query: str) -> list[bool]:
    """Return for each time of a query whether it is the present one."""
    with closing(sqlite3.connect(folder / "bot.db")) as opened:
        times = [datetime.fromtimestamp(milliseconds / 1000, UTC) for (milliseconds,) in opened.execute(query)]
    return [abs(datetime.now(UTC) - time) < timedelta(minutes=1) for time in times]


async def test_one_source_that_is_wrong(sqlite_deployment: Deployment) -> None:
    """A server whose `Date` is wrong stops nothing, as long as the other one agrees with the clock."""
    deployment = sqlite_deployment
    deployment.api.now = lambda: deployment.now() + 20 * _DAY
    account, channel = deployment.add_account(), await deployment.add_subscription()
    async with deployment.run() as bot:
        await deployment.channels.message_in(channel)
        await deployment.polls()
    assert deployment.count_mentions(channel, account) == 1
    assert "The clock of this machine" not in bot.output


async def test_discord_alone_shows_a_wrong_clock(sqlite_deployment: Deployment) -> None:
    """While useapi.net does not answer, the answers of Discord show that the clock was wrong from the start."""
    deployment = sqlite_deployment
    await deployment.add_subscription()
    deployment.set_machine_clock(20 * _DAY)
    deployment.api_url = f"http://127.0.0.1:{closed_port()}"
    async with deployment.run() as bot:
        await bot.says("The clock of this machine is 20 days ahead")
        assert "20 days ahead" in await _answer(await deployment.discord.ask_status())
