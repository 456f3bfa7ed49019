"""The operator's view of a real bot: health, metrics, heartbeat, and the reference in its log."""

import asyncio
import json
import resource
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from bot.core.secrets import HIDDEN
from bot.core.timing import DEFAULT_TIMING
from bot.useapi.fake import TOKEN as USEAPI_TOKEN
from bot.useapi.fake import FakeApi
from tests.support.accounts import DEVICE_ID, JWT
from tests.support.hostile import with_status
from tests.support.network import closed_port
from tests.support.process.deployment import Deployment, open_deployment, shortened
from tests.support.process.monitor import PING_PATH, PING_QUERY, View, open_monitor
from tests.support.process.world import open_process_world
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.journal import PATIENCE
from tests.support.wire.payloads import GUILD_ID, SLASH, build_button_message, build_subcommand_data
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.rest import TOKEN as DISCORD_TOKEN
from tests.support.wire.standins import build_settings

HEALTHY = (200, {"healthy": True, "standby": False, "problems": []})
# Far fewer than usual, so that the test needs few connections.
FILES = 256
PRESSED = "minimax:check:no-such-account"
# The bot polls once in the test, and reports its health all the time.
_ONE_POLL = replace(DEFAULT_TIMING, poll_interval=timedelta(minutes=30), health_report=0.1)


@asynccontextmanager
async def open_view(file: Path, path: str = PING_PATH) -> AsyncIterator[tuple[Deployment, BotProcess, View]]:
    """Run a bot that serves its health, has polled once, is connected, and won't poll again soon."""
    view = View(closed_port())
    async with AsyncExitStack() as stack:
        deployment = await stack.enter_async_context(open_deployment(f"sqlite+aiosqlite:///{file}"))
        monitor = await stack.enter_async_context(open_monitor())
        monitor.url = monitor.url.replace(PING_PATH, path)
        bot = await stack.enter_async_context(deployment.run(_ONE_POLL, settings=view.settings | monitor.settings))
        await deployment.discord.gateway.ready()
        await monitor.pings.nth(1)
        yield deployment, bot, view


async def judge(view: View) -> tuple[int, dict[str, Any]]:
    """Return the status of `/healthz` and its verdict, without the time of it."""
    status, body = await view.get("/healthz")
    verdict = json.loads(body)
    assert datetime.fromisoformat(verdict.pop("at")).tzinfo is not None
    return status, verdict


async def find_problem(view: View) -> str:
    """Return the one problem of a bot that is not healthy."""
    status, verdict = await judge(view)
    assert (status, verdict["healthy"]) == (503, False)
    (problem,) = verdict["problems"]
    return str(problem)


async def reports(bot: BotProcess, status: int, output: str) -> None:
    """Run `healthcheck` until it ends with this status and output, as it must from the next report on."""
    async with asyncio.timeout(PATIENCE):
        while await bot.run_beside("healthcheck") != (status, output):
            pass


async def test_a_healthy_bot(tmp_path: Path) -> None:
    """A bot that is connected, polls and writes answers 200, and reports the same; once it has stopped, no bot runs."""
    async with open_view(tmp_path / "bot.db") as (_deployment, bot, view):
        assert await judge(view) == HEALTHY
        await reports(bot, 0, "The bot is healthy.")
        assert (await view.get("/"))[0] == 404
        assert await bot.stop() == 0
        status, output = await bot.run_beside("healthcheck")
    assert status == 1
    assert "isn't running" in output


async def test_a_lost_connection(tmp_path: Path) -> None:
    """A gateway that is away for over two minutes is a problem, the only one; a shorter absence is none."""
    async with open_view(tmp_path / "bot.db") as (deployment, _bot, view):
        assert await judge(view) == HEALTHY
        deployment.discord.gateway.upgrades_to_refuse = 1_000_000
        await deployment.discord.gateway.close(4000)
        await deployment.discord.gateway.upgrades.find(lambda is_accepted: not is_accepted)
        assert await judge(view) == HEALTHY
        assert await view.read("minimax_bot_gateway_connected") == 0
        deployment.set_clock(timedelta(minutes=3))
        assert (await find_problem(view)).startswith("The bot has not been connected to Discord for ")


async def test_late_polls(tmp_path: Path) -> None:
    """Three intervals and five minutes without a complete poll are a problem, a minute less is none."""
    async with open_view(tmp_path / "bot.db") as (deployment, _bot, view):
        deployment.set_clock(timedelta(minutes=94))
        assert await judge(view) == HEALTHY
        deployment.set_clock(timedelta(minutes=96))
        assert (await find_problem(view)).startswith("No poll was completed for 5")


async def test_idle_connections(tmp_path: Path) -> None:
    """More idle connections to the port than the bot may have files keep no command from its answer."""
    async with open_view(tmp_path / "bot.db") as (deployment, bot, view), AsyncExitStack() as stack:
        resource.prlimit(bot.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        account, logged = deployment.add_account(), len(bot.lines)
        for _ in range(3 * FILES):
            connection = stack.enter_context(socket.socket())
            connection.settimeout(0)
            connection.connect_ex(("127.0.0.1", view.port))
            await asyncio.sleep(0)
        exchange = await deployment.discord.slash(account)
        assert (await exchange.answer())["embeds"]
        assert len(bot.lines) - logged < 10


async def test_a_database_that_accepts_no_writes(tmp_path: Path) -> None:
    """A database that can't be written is a problem, reported without a secret; its statistics are left out."""
    file = tmp_path / "bot.db"
    # The heartbeat's address is a secret, and here a part of it is in the message of the database.
    async with open_view(file, "/OperationalError") as (_deployment, bot, view):
        assert await view.read("minimax_bot_store_readable") == 1
        with sqlite3.connect(file) as connection:
            connection.execute("ALTER TABLE leases RENAME TO elsewhere")
            connection.execute("ALTER TABLE notifications RENAME TO elsewhere_too")
        connection.close()
        problem = await find_problem(view)
        assert problem == "The database can't be written: the log names the cause."
        await reports(bot, 1, f"The database can't be written: {HIDDEN}: no such table: leases.")
        _, metrics = await view.get("/metrics")
    assert "minimax_bot_store_readable 0.0" in metrics
    assert "minimax_bot_notifications" not in metrics
    assert "minimax_bot_gateway_connected 1.0" in metrics


async def test_polls_are_counted_by_outcome(tmp_path: Path) -> None:
    """Polls are counted by how they end; an API that can't be read is no problem of the bot, however long."""
    view = View(closed_port())
    async with (
        open_deployment(f"sqlite+aiosqlite:///{tmp_path}/bot.db") as deployment,
        deployment.run(settings=view.settings),
    ):
        await deployment.polls()
        assert await view.read('minimax_bot_polls_total{outcome="completed"}') > 0
        assert await view.read('minimax_bot_polls_total{outcome="unreadable"}') == 0
        deployment.api.behave = _lapsed
        await deployment.polls()
        assert await view.read('minimax_bot_polls_total{outcome="unreadable"}') > 0
        assert await view.read('minimax_bot_api_calls_total{status="402"}') > 0
        # Long after the first poll, and soon after the last one.
        deployment.set_clock(timedelta(hours=1))
        await deployment.polls()
        assert await judge(view) == HEALTHY
        polled, read = [await view.read(f"minimax_bot_last_{what}_timestamp_seconds") for what in ("poll", "read")]
        assert polled - read > 3000 > time.time() - read


async def _lapsed(_request: web.Request) -> web.Response:
    return web.Response(status=402)


async def test_events_are_counted_without_a_name(tmp_path: Path) -> None:
    """Answers, calls, notifications and reconnects are in the metrics; no secret, name or id is."""
    view = View(closed_port())
    async with open_deployment(f"sqlite+aiosqlite:///{tmp_path}/bot.db") as deployment:
        channel, account = await deployment.add_subscription(), deployment.add_account()
        async with deployment.run(settings={"LOG_LEVEL": "DEBUG", **view.settings}):
            await deployment.discord.gateway.ready()
            await deployment.channels.message_in(channel)
            await (await deployment.discord.slash(account)).answer()
            await (await deployment.discord.slash("no-such-account")).answer()
            await (await deployment.discord.press(build_button_message(PRESSED), PRESSED)).answer()
            await (await deployment.discord.manage("list")).answer()
            await (
                await deployment.discord.forge(SLASH, build_subcommand_data("list", {}) | {"name": account})
            ).answer()
            await deployment.discord.gateway.close(4000)
            await deployment.discord.gateway.ready(nth=2)
            # Counted once it has come: the answer to this command comes after the session's READY or RESUMED.
            await (await deployment.discord.slash(account)).answer()
            await deployment.polls()
            _, metrics = await view.get("/metrics")
    for sample in (
        'minimax_bot_answers_total{command="minimax-account",outcome="answered"} 2.0',
        'minimax_bot_answers_total{command="minimax-account",outcome="NoSuchAccount"} 1.0',
        'minimax_bot_answer_seconds_count{command="minimax-account"} 3.0',
        'minimax_bot_answers_total{command="button",outcome="NoSuchAccount"} 1.0',
        'minimax_bot_answers_total{command="minimax-reminders list",outcome="answered"} 1.0',
        'minimax_bot_answers_total{command="other",outcome="CommandChanged"} 1.0',
        'minimax_bot_api_calls_total{status="404"} 2.0',
        "minimax_bot_gateway_reconnects_total 1.0",
        "minimax_bot_notification_delay_seconds_count 1.0",
        'minimax_bot_notifications{state="sent"} 1.0',
        'minimax_bot_notifications{state="pending"} 0.0',
        "minimax_bot_blocked_channels 0.0",
        "minimax_bot_active 1.0",
    ):
        assert sample in metrics.splitlines()
    for word in (
        DISCORD_TOKEN,
        USEAPI_TOKEN,
        JWT,
        DEVICE_ID,
        account,
        str(channel),
        str(GUILD_ID),
        "Owner of",
        "bot.db",
    ):
        assert word not in metrics


async def test_retries_are_counted(tmp_path: Path) -> None:
    """A post whose answer was lost, and a call that failed, count as retries; the notification counts as sent once."""
    view = View(closed_port())
    async with open_deployment(f"sqlite+aiosqlite:///{tmp_path}/bot.db") as deployment:
        channel, _ = await deployment.add_subscription(), deployment.add_account()
        deployment.channels.lose_answer(channel)
        async with deployment.run(shortened(0.1), settings=view.settings):
            await deployment.channels.message_in(channel)
            await deployment.polls()
            deployment.api.behave = Flaky(deployment.api)
            await deployment.polls()
            _, metrics = await view.get("/metrics")
    for sample in (
        'minimax_bot_retries_total{what="post"} 1.0',
        "minimax_bot_notification_delay_seconds_count 1.0",
        'minimax_bot_retries_total{what="api"} 1.0',
        'minimax_bot_api_calls_total{status="503"} 1.0',
    ):
        assert sample in metrics.splitlines()


class Flaky:
    """An API that fails once."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api

    async def __call__(self, _request: web.Request) -> web.StreamResponse:
        """Fail this call, and answer the next ones."""
        self._api.behave = None
        return web.Response(status=503)


async def test_the_heartbeat_goes_on_while_the_accounts_are_read() -> None:
    """A poll that reads the accounts pings, another one does not; the address is never logged."""
    async with AsyncExitStack() as stack:
        monitor = await stack.enter_async_context(open_monitor())
        folder = stack.enter_context(TemporaryDirectory())
        deployment = await stack.enter_async_context(open_deployment(f"sqlite+aiosqlite:///{folder}/bot.db"))
        bot = await stack.enter_async_context(deployment.run(settings={"LOG_LEVEL": "DEBUG", **monitor.settings}))
        await monitor.pings.nth(2)
        deployment.api.behave = _lapsed
        await deployment.polls()
        before = len(monitor.pings)
        await deployment.polls()
        assert len(monitor.pings) == before
        deployment.api.behave = None
        await monitor.pings.nth(before + 1)
        monitor.response = lambda: web.Response(status=302, headers={"Location": "/elsewhere"})
        await bot.says("HEARTBEAT_URL answered with status 302")
        assert await bot.stop() == 0
    assert set(monitor.pings) == {f"GET {PING_PATH}?{PING_QUERY}"}
    for part in (PING_PATH, PING_QUERY, monitor.url):
        assert part not in bot.output


async def test_a_port_that_is_taken() -> None:
    """The bot ends with status 2 and the reason in words, before its first request to Discord."""
    async with AsyncExitStack() as stack:
        discord = DiscordStandIn()
        url = await stack.enter_async_context(discord.serve())
        api_url = await stack.enter_async_context(FakeApi({}).serve())
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = taken.getsockname()[1]
        bot = await stack.enter_async_context(run_bot(url, build_settings(api_url, HEALTH_PORT=str(port))))
        assert await bot.ended() == 2
    assert f"HEALTH_PORT: another program listens on port {port} already" in bot.output
    assert "Traceback" not in bot.output
    assert not discord.rest.calls.items


async def test_a_failure_has_a_line_with_its_reference() -> None:
    """A failed answer has exactly one line in the JSON log, with a reference, server and user; a mistake has none."""
    async with open_process_world(LOG_FORMAT="json") as world:
        await (await world.discord.slash("no-such-account")).answer()
        world.api.behave = with_status(500)
        await (await world.discord.slash("another-account")).answer()
        world.api.behave = None
        await world.settle()
        lines = [json.loads(line) for line in world.bot.lines]
    (line,) = (one for one in lines if one["level"] != "DEBUG" and one["message"].startswith("Not answered"))
    assert line["message"].startswith("Not answered: ApiUnreachable")
    assert len(line["reference"]) == 8
    assert line["guild_id"] == str(GUILD_ID)
    assert line["user_id"].isdigit()
