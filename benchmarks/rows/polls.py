"""A poll with nothing due, with 10,000 subscriptions, and how long commands wait meanwhile, on both databases."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import SecretStr

from benchmarks.table import Row, Scale
from bot.chat.views.rendering import Views
from bot.core.clock import ClockGuard
from bot.core.messages import Message, OutgoingMessage
from bot.core.notifications import Kind
from bot.core.secrets import Redactor
from bot.core.subscriptions import Ping
from bot.reminders.context import Context, Save
from bot.reminders.poller import Poller
from bot.store.accounts import get_snapshots
from bot.store.database import Database, open_database
from bot.store.leases import Lease
from bot.store.subscriptions import get_all_subscriptions
from bot.store.tables import heard, subscriptions
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
_SUBSCRIPTIONS = 10_000
_MEASURED = 15
_AT_A_TIME = 1000
_LEAD_TIMES = (14, 7, 3, 1)
# Each channel has heard of the 14th day of an account that expires in 10 days.
_HEARD, _DAYS_LEFT = 14, 10
_PAUSE_SECONDS = 0.005
_INTERVAL = timedelta(seconds=1)


def _now() -> datetime:
    return datetime.now(UTC)


async def put_subscriptions(
    database: Database,
    number: int,
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
            "account_id": account_ids[index % len(account_ids)],
            "lead_times": ",".join(map(str, _LEAD_TIMES)),
            "added_by": 1,
            "follow_ups": True,
        }
        for index in range(number)
    ]
    async with database.begin() as tx:
        for begin in range(0, number, _AT_A_TIME):
            await tx.execute(subscriptions.insert(), rows[begin : begin + _AT_A_TIME])
    return [_FIRST_CHANNEL + index for index in range(number)]


async def _put_heard(database: Database) -> None:
    """Save that the channel of each subscription has heard of its accounts."""
    async with database.begin() as tx:
        known = {key: one.login for key, one in (await get_snapshots(tx)).items() if one.login is not None}
        stored = await get_all_subscriptions(tx, _GUILDS)
        rows = [
            {
                "guild_id": one.guild_id,
                "channel_id": one.channel_id,
                "account_id": account_id,
                "kind": Kind.STAGE,
                "ref": known[account_id].id,
                "stage": _HEARD,
                "expires_at": known[account_id].expires_at,
                "heard_at": _now(),
                "message_id": None,
            }
            for one in stored
            for account_id in (known if one.account_id is None else [one.account_id])
        ]
        for begin in range(0, len(rows), _AT_A_TIME):
            await tx.execute(heard.insert(), rows[begin : begin + _AT_A_TIME])


class _Unused:
    """A sender that finds all channels open, and must not send anything."""

    async def post(
        self,
        channel_id: int,
        message: OutgoingMessage,
        nonce: str,
        *,
        guild_id: int | None = None,
        save: Save | None = None,
    ) -> int | None:
        """Fail."""
        raise AssertionError(f"posted in {channel_id} of {guild_id}: {message}, {nonce}, {save}")

    async def find(self, message: Message) -> int | None:
        """Fail."""
        raise AssertionError(f"searched {message}")

    async def edit(
        self, channel_id: int, message_id: int, message: OutgoingMessage, *, guild_id: int | None = None
    ) -> None:
        """Fail."""
        raise AssertionError(f"edited in {channel_id} of {guild_id}: {message_id}, {message}")

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Fail."""
        raise AssertionError(f"deleted in {channel_id}: {message_id}")

    async def send_direct(self, user_id: int, text: str) -> None:
        """Fail."""
        raise AssertionError(f"sent to {user_id}: {text}")

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Return that everybody is in the guild."""
        return bool(guild_id and user_id)

    async def check_channels(
        self,
        guild_id: int,  # noqa: ARG002  (of the protocol)
        pings: Mapping[int, Collection[Ping]],
    ) -> Mapping[int, str | None]:
        """Return no problem for any channel."""
        return dict.fromkeys(pings)

    async def find_absent(
        self,
        guild_id: int,  # noqa: ARG002  (of the protocol)
        channel_ids: Collection[int],  # noqa: ARG002
    ) -> Collection[int]:
        """Miss no channel."""
        return ()


@dataclass
class Polling:
    """The loop of the reminders on one database, in this process."""

    poller: Poller
    epoch: int
    api: FakeApi
    database: Database

    async def seconds(self) -> float:
        """Poll once and return how long it took."""
        started = time.perf_counter()
        await self.poller.poll_once(self.epoch)
        return time.perf_counter() - started

    async def measure(self) -> tuple[float, float]:
        """Poll once; return how long it took, and the longest time that a command's change took meanwhile."""
        polling = asyncio.create_task(self.seconds())
        longest = 0.0
        while not polling.done():
            started = time.perf_counter()
            async with self.database.begin() as tx:
                await tx.execute(self._change())
            longest = max(longest, time.perf_counter() - started)
            await asyncio.sleep(_PAUSE_SECONDS)
        return await polling, longest

    def _change(self) -> Any:
        return subscriptions.update().where(subscriptions.c.channel_id == _FIRST_CHANNEL).values(added_by=2)


@asynccontextmanager
async def open_postgres() -> AsyncIterator[Postgres]:
    """Run a PostgreSQL server until the block ends; the loop of this process goes on while it starts and stops."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, serve_postgres())


@asynccontextmanager
async def _open_polling(url: str) -> AsyncIterator[Polling]:
    ids = [str(_FIRST_ACCOUNT + index) for index in range(_ACCOUNTS)]
    api = FakeApi({account_id: build_account(account_id, days=_DAYS_LEFT, now=_now()) for account_id in ids})
    async with (
        api.serve() as api_url,
        open_database(url) as database,
        open_directory(base_url=api_url, token=SecretStr(TOKEN), redact=Redactor([TOKEN]), now=_now) as directory,
    ):
        context = Context(
            database=database,
            access=GuildAccess(_GUILDS, directory),
            sender=_Unused(),
            rendering=Views(_INTERVAL),
            clock=ClockGuard(_now),
            interval=_INTERVAL,
            lead_times=_LEAD_TIMES,
        )
        polling = Polling(Poller(context, directory), await Lease(database).take(), api, database)
        await polling.seconds()
        await put_subscriptions(database, _SUBSCRIPTIONS, [*ids, None], _GUILDS)
        await _put_heard(database)
        await polling.seconds()
        api.calls.clear()
        yield polling


async def _measure_on(kind: str, url: str) -> list[Row]:
    async with _open_polling(url) as polling:
        measured = [await polling.measure() for _ in range(_MEASURED)]
        calls = len(polling.api.calls)
    seconds = median(taken for taken, _ in measured)
    waited = max(waited for _, waited in measured)
    numbers = f"{_SUBSCRIPTIONS} subscriptions, {_ACCOUNTS} accounts"
    return [
        Row(f"poll with nothing due on {kind}, {numbers}", f"{seconds * 1000:.0f} ms", "at most 2 s", seconds <= 2.0),
        Row("longest change by a command meanwhile", f"{waited * 1000:.0f} ms", "at most 200 ms", waited <= 0.2),
        Row(f"API calls in {_MEASURED} polls on {kind}", str(calls), "1 a poll", calls == _MEASURED),
    ]


async def measure_polls(_scale: Scale) -> list[Row]:
    """Poll on SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        rows = await _measure_on("SQLite", f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}")
    async with open_postgres() as postgres:
        rows += await _measure_on("PostgreSQL", postgres.create())
    return rows
