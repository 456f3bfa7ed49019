"""A poll with nothing due, by the number of stored subscriptions, on both databases."""

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
from bot.chat.views import rendering
from bot.core.clock import ClockGuard
from bot.core.messages import OutgoingMessage
from bot.core.secrets import Redactor
from bot.reminders.context import Context
from bot.reminders.poller import Poller
from bot.store.database import Database, open_database
from bot.store.leases import Lease
from bot.store.tables import subscriptions
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi
from bot.useapi.guild_access import GuildAccess
from tests.support.accounts import build_account
from tests.support.postgres import Postgres, serve_postgres
from tests.support.wire.payloads import GUILD_ID

_FIRST_CHANNEL = 1_200_000_000_000_000_000
_FIRST_ACCOUNT = 104_000_000
_ACCOUNTS = 200
_GUILDS = [GUILD_ID + number for number in range(100)]
_FEW_SUBSCRIPTIONS = 1000
_MEASURED = 15
_AT_A_TIME = 1000
_LEAD_TIMES = (14, 7, 3, 1)
# Before the first lead time of the accounts, which expire in 20 days.
_LATER = timedelta(days=6)
LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


async def put_subscriptions(
    database: Database,
    number: int,
    next_check_at: datetime,
    account_ids: Sequence[str | None],
    guild_ids: Sequence[int] = (GUILD_ID,),
) -> list[int]:
    """Store so many subscriptions, each in a channel of its own; returns the channels.

    They are for these accounts (None: for all) and in these servers, in turn.
    """
    rows = [
        {
            "guild_id": guild_ids[index % len(guild_ids)],
            "channel_id": _FIRST_CHANNEL + index,
            "channel_name": "pipeline",
            "account_id": account_ids[index % len(account_ids)],
            "lead_times": ",".join(map(str, _LEAD_TIMES)),
            "added_by": 1,
            "next_check_at": next_check_at,
        }
        for index in range(number)
    ]
    async with database.begin() as tx:
        for begin in range(0, number, _AT_A_TIME):
            await tx.execute(subscriptions.insert(), rows[begin : begin + _AT_A_TIME])
    return [_FIRST_CHANNEL + index for index in range(number)]


class _Unused:
    """A sender that finds all channels open, and must not send anything."""

    async def post(self, channel_id: int, message: OutgoingMessage, nonce: str) -> int | None:
        """Fail."""
        raise AssertionError(f"posted in {channel_id}: {message}, {nonce}")

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:
        """Fail."""
        raise AssertionError(f"searched {channel_id}: {footer_id}, {after}")

    async def edit(self, channel_id: int, message_id: int, message: OutgoingMessage) -> None:
        """Fail."""
        raise AssertionError(f"edited in {channel_id}: {message_id}, {message}")

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Fail."""
        raise AssertionError(f"deleted in {channel_id}: {message_id}")

    async def send_direct(self, user_id: int, text: str) -> None:
        """Fail."""
        raise AssertionError(f"sent to {user_id}: {text}")

    async def check_channels(
        self,
        guild_id: int,  # noqa: ARG002  (of the protocol)
        roles: Mapping[int, Collection[int]],
    ) -> Mapping[int, str | None]:
        """Return no problem for any channel."""
        return dict.fromkeys(roles)


@dataclass
class Polling:
    """The loop of the reminders on one database, in this process."""

    poller: Poller
    epoch: int
    api: FakeApi

    async def seconds(self) -> float:
        """Poll once and return how long it took."""
        started = time.perf_counter()
        await self.poller.poll_once(self.epoch)
        return time.perf_counter() - started


@asynccontextmanager
async def open_postgres() -> AsyncIterator[Postgres]:
    """Run a PostgreSQL server until the block ends; the loop of this process goes on while it starts and stops."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, serve_postgres())


@asynccontextmanager
async def _open_polling(url: str, number: int) -> AsyncIterator[Polling]:
    ids = [str(_FIRST_ACCOUNT + index) for index in range(_ACCOUNTS)]
    api = FakeApi({account_id: build_account(account_id, days=20, now=_now()) for account_id in ids})
    async with (
        api.serve() as api_url,
        open_database(url) as database,
        open_directory(base_url=api_url, token=SecretStr(TOKEN), redact=Redactor([TOKEN]), now=_now) as directory,
    ):
        context = Context(
            database=database,
            access=GuildAccess(_GUILDS, directory),
            sender=_Unused(),
            rendering=rendering,
            clock=ClockGuard(_now),
            interval=timedelta(seconds=1),
            lead_times=_LEAD_TIMES,
        )
        polling = Polling(Poller(context, directory), await Lease(database).take(), api)
        await polling.seconds()
        await put_subscriptions(database, number, _now() + _LATER, [*ids, None], _GUILDS)
        await polling.seconds()
        api.calls.clear()
        yield polling


async def _measure_on(kind: str, few_url: str, many_url: str, scale: Scale) -> list[Row]:
    async with _open_polling(few_url, _FEW_SUBSCRIPTIONS) as few, _open_polling(many_url, scale.subscriptions) as many:
        pairs = [(await few.seconds(), await many.seconds()) for _ in range(_MEASURED)]
        calls = len(many.api.calls)
    few_seconds, many_seconds = (median(times) for times in zip(*pairs, strict=True))
    grown = ratio(many_seconds, few_seconds)
    shown = f"{few_seconds * 1000:.0f} to {many_seconds * 1000:.0f} ms, {grown:.2f} times"
    numbers = f"{_FEW_SUBSCRIPTIONS} to {scale.subscriptions} subscriptions, {_ACCOUNTS} accounts"
    return [
        Row(f"poll with nothing due on {kind}, {numbers}", shown, "at most 1.5 times", grown <= 1.5),
        Row(f"API calls in {_MEASURED} polls on {kind}", str(calls), "1 a poll", calls == _MEASURED),
    ]


async def measure_polls(scale: Scale) -> list[Row]:
    """Poll on SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (f"sqlite+aiosqlite:///{Path(folder) / name}" for name in ("few.db", "many.db"))
        rows = await _measure_on("SQLite", few, many, scale)
    async with open_postgres() as postgres:
        rows += await _measure_on("PostgreSQL", postgres.create(), postgres.create(), scale)
    return rows
