"""A pass with nothing due, by the number of stored watches, on both databases."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from pydantic import SecretStr

from benchmarks.table import Row, Scale, ratio
from bot.chat.views import reminder as reminder_cards
from bot.chat.views.overview import render_board
from bot.core.secrets import Redactor
from bot.reminders.boards import Boards
from bot.reminders.context import Context, Payload
from bot.reminders.poller import Poller
from bot.store.database import Database, open_database
from bot.store.leases import Lease
from bot.store.tables import ALL_ACCOUNTS, subscriptions
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi
from bot.useapi.guild_access import GuildAccess
from tests.support.postgres import Postgres, serve_postgres
from tests.support.process.stage import build_account
from tests.support.wire.payloads import GUILD_ID

_FIRST_CHANNEL = 1_200_000_000_000_000_000
_FIRST_ACCOUNT = 104_000_000
_ACCOUNTS = 200
_GUILDS = [GUILD_ID + number for number in range(100)]
_FEW_WATCHES = 1000
_MEASURED = 15
_AT_A_TIME = 1000
_LATER = timedelta(days=6)
LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


async def put_subscriptions(
    database: Database,
    number: int,
    next_check_at: datetime,
    account_ids: Sequence[str],
    guild_ids: Sequence[int] = (GUILD_ID,),
) -> list[int]:
    """Store so many watches, each in a channel of its own, on these accounts and in these servers in turn.

    Returns the channels.
    """
    rows = [
        {
            "guild_id": guild_ids[index % len(guild_ids)],
            "channel_id": _FIRST_CHANNEL + index,
            "channel_name": "pipeline",
            "account_id": account_ids[index % len(account_ids)],
            "days": "14,7,3,1",
            "added_by": 1,
            "added_at": LONG_AGO,
            "look_at": next_check_at,
        }
        for index in range(number)
    ]
    async with database.begin() as tx:
        for begin in range(0, number, _AT_A_TIME):
            await tx.execute(subscriptions.insert(), rows[begin : begin + _AT_A_TIME])
    return [_FIRST_CHANNEL + index for index in range(number)]


class _Silent:
    """A sender that may only be asked whether the channels are open."""

    async def post(self, channel_id: int, payload: Payload, nonce: str) -> int | None:
        """Fail."""
        raise AssertionError(f"something was due in {channel_id}: {payload}, {nonce}")

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:
        """Fail."""
        raise AssertionError(f"something was looked for in {channel_id}: {footer_id}, {after}")

    async def write_to(self, user_id: int, text: str) -> None:
        """Fail."""
        raise AssertionError(f"something was told to {user_id}: {text}")

    async def edit(self, channel_id: int, message_id: int, payload: Payload) -> None:
        """Fail."""
        raise AssertionError(f"something was edited in {channel_id}: {message_id}, {payload}")

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Fail."""
        raise AssertionError(f"something was deleted in {channel_id}: {message_id}")

    async def audit(self, guild_id: int, roles: Mapping[int, Collection[int]]) -> dict[int, str | None]:  # noqa: ARG002
        """Find all channels open."""
        return dict.fromkeys(roles)


@dataclass
class Scene:
    """The loop of the reminders on one database, in this process."""

    passes: Poller
    epoch: int
    api: FakeApi

    async def seconds(self) -> float:
        """Pass once and return how long it took."""
        started = time.perf_counter()
        await self.passes.run_once(self.epoch)
        return time.perf_counter() - started


@asynccontextmanager
async def open_postgres() -> AsyncIterator[Postgres]:
    """Run a PostgreSQL server until the block ends, started and stopped beside this process's loop."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, serve_postgres())


@asynccontextmanager
async def _open_scene(url: str, number: int) -> AsyncIterator[Scene]:
    ids = [str(_FIRST_ACCOUNT + index) for index in range(_ACCOUNTS)]
    api = FakeApi({account_id: build_account(account_id) for account_id in ids})
    async with (
        api.serve() as api_url,
        open_database(url) as database,
        open_directory(base_url=api_url, token=SecretStr(TOKEN), redact=Redactor([TOKEN]), now=_now) as directory,
    ):
        context = Context(database, GuildAccess(_GUILDS, directory), _Silent(), reminder_cards, _now)
        boards = Boards(context, render=render_board)
        passes = Poller(context, directory=directory, boards=boards, interval=timedelta(seconds=1))
        scene = Scene(passes, await Lease(database).take(), api)
        await scene.seconds()
        await put_subscriptions(database, number, _now() + _LATER, [*ids, ALL_ACCOUNTS], _GUILDS)
        await scene.seconds()
        api.calls.clear()
        yield scene


async def _measure_on(kind: str, few_url: str, many_url: str, scale: Scale) -> list[Row]:
    async with _open_scene(few_url, _FEW_WATCHES) as few, _open_scene(many_url, scale.subscriptions) as many:
        pairs = [(await few.seconds(), await many.seconds()) for _ in range(_MEASURED)]
        calls = len(many.api.calls)
    few_seconds, many_seconds = (median(times) for times in zip(*pairs, strict=True))
    grown = ratio(many_seconds, few_seconds)
    shown = f"{few_seconds * 1000:.0f} to {many_seconds * 1000:.0f} ms, {grown:.2f} times"
    what = f"pass with nothing due on {kind}, {_FEW_WATCHES} to {scale.subscriptions} watches, {_ACCOUNTS} accounts"
    return [
        Row(what, shown, "at most 1.5 times", grown <= 1.5),
        Row(f"API calls in {_MEASURED} passes on {kind}", str(calls), "1 a pass", calls == _MEASURED),
    ]


async def measure_polls(scale: Scale) -> list[Row]:
    """Pass on SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (f"sqlite+aiosqlite:///{Path(folder) / name}" for name in ("few.db", "many.db"))
        rows = await _measure_on("SQLite", few, many, scale)
    async with open_postgres() as postgres:
        rows += await _measure_on("PostgreSQL", postgres.create(), postgres.create(), scale)
    return rows
