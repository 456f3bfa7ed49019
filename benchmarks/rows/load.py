"""A list of 20,000 accounts, and thousands of idle connections to the health port: commands are answered meanwhile."""

import asyncio
import json
import socket
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
from aiohttp import web

from benchmarks.contenders import MIB, OURS, Contest, open_contest
from benchmarks.rows.latency import look_up
from benchmarks.table import Row, Scale
from bot.core.subscriptions import NewSubscription
from bot.store.database import open_database
from bot.store.subscriptions import put_subscription
from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.fake import FakeApi
from tests.support.network import closed_port
from tests.support.wire.payloads import GUILD_ID, SLASH, build_subcommand_data

_CHANNELS = (1_200_000_000_000_000_001, 1_200_000_000_000_000_002)
_DAYS = (30, 25)
_PAUSE_SECONDS = 0.02
_PATIENCE = 300.0


async def _watch(contest: Contest, account: str, work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Look an account up again and again during some work; return the slowest answer in seconds, and the most MiB."""
    working = asyncio.ensure_future(work())
    slowest = most = 0.0
    while not working.done():
        slowest = max(slowest, (await look_up(contest, account)).seconds_to_answer())
        most = max(most, psutil.Process(contest.bot.pid).memory_info().rss / MIB)
        await asyncio.sleep(_PAUSE_SECONDS)
    await working
    return slowest, most


async def measure_load(scale: Scale) -> list[Row]:
    """Let the bot read, save, plan and show very many accounts, with a reminder for all of them in two channels."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}"
        async with open_database(url) as database, database.begin() as tx:
            for channel in _CHANNELS:
                await put_subscription(tx, NewSubscription(GUILD_ID, channel, None, _DAYS, None, 1))
        async with open_contest(OURS, DATABASE_URL=url) as contest:
            one = contest.add_account()
            await look_up(contest, one)
            contest.add_accounts(scale.load - 1)
            _encode_list(contest.api)
            measured = {
                name: await _watch(contest, one, work)
                for name, work in {
                    "a poll with reminders": lambda: _poll(contest),
                    "completion": lambda: _complete(contest),
                    "list": lambda: _manage(contest, "list"),
                    "upcoming": lambda: _manage(contest, "upcoming"),
                }.items()
            }
    most = max(size for _, size in measured.values())
    rows = [
        Row(
            f"slowest look-up during {name}, {scale.load} accounts",
            f"{seconds * 1000:.0f} ms",
            "at most 300 ms",
            seconds <= 0.3,
        )
        for name, (seconds, _) in measured.items()
    ]
    return [*rows, Row(f"most memory with {scale.load} accounts", f"{most:.0f} MiB", "at most 250 MiB", most <= 250)]


def _encode_list(api: FakeApi) -> None:
    """Let the API encode its list now: it shares the process that measures, and would delay what that one sees."""
    body = json.dumps(api.accounts).encode()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == ACCOUNTS_PATH:
            return web.Response(body=body, content_type="application/json")
        return await api.answer_as_documented(request)

    api.behave = answer


async def _poll(contest: Contest) -> None:
    """Start a poll as a new reminder does, and wait for the messages of both channels."""
    data = build_subcommand_data("add", {"account": "all"})
    await (await contest.discord.forge(SLASH, data)).answer(within=_PATIENCE)
    for channel in _CHANNELS:
        await contest.discord.channels.message_in(channel, within=_PATIENCE)


async def _complete(contest: Contest) -> None:
    for typed in ("", "owner", "no such name", "in · 12 days"):
        await (await contest.discord.type_in(typed)).acknowledgement(within=_PATIENCE)


async def _manage(contest: Contest, command: str) -> None:
    await (await contest.discord.manage(command)).answer(within=_PATIENCE)


async def measure_idle(scale: Scale) -> list[Row]:
    """Keep very many connections to the health port open, and look accounts up meanwhile."""
    port = closed_port()
    async with open_contest(OURS, HEALTH_PORT=str(port)) as contest:
        before = (await look_up(contest, contest.add_account())).seconds_to_answer()
        with ExitStack() as stack:
            for _ in range(scale.idle):
                idle = stack.enter_context(socket.socket())
                idle.setblocking(False)  # noqa: FBT003  (the standard library's)
                await asyncio.get_running_loop().sock_connect(idle, ("127.0.0.1", port))
            seconds = (await look_up(contest, contest.add_account())).seconds_to_answer()
            files = psutil.Process(contest.bot.pid).num_fds()
    shown = f"{seconds * 1000:.0f} ms, without them {before * 1000:.0f} ms; {files} files open"
    return [Row(f"look-up with {scale.idle} idle connections to HEALTH_PORT", shown, "at most 1 s", seconds <= 1)]
