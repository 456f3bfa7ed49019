"""Stand-ins and a database that outlive the processes of the bot: for tests of reminders that kill and restart it."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from aiohttp import web

from bot.core.assignments import Assignment, subject_of
from bot.core.subscriptions import NewSubscription
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.store.accounts import get_snapshots
from bot.store.assignments import put_assignment
from bot.store.database import open_database
from bot.store.subscriptions import put_subscription
from bot.store.tables import channel_failures, leases, messages, metadata
from bot.useapi.fake import FakeApi
from tests.support.accounts import build_account, set_expiry
from tests.support.process.world import LOST_ERRORS
from tests.support.wire.channels import Channels, Moment
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.journal import PATIENCE, Journal
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.standins import build_settings, owner_of

# What a process says when it turns into the active one, into a standby, and when it has lost the lease.
ACTIVE, STANDBY, LOST = "This process is active", "This process is a standby", "This process is active no more"
POLL_INTERVAL = timedelta(seconds=0.2)
# asyncpg loses its own error if opening a connection is given up just as that ends.
_OF_DRIVER = "unexpected connection_lost() call"
_CHANNELS = itertools.count(1_200_000_000_000_000_000)
_ACCOUNTS = itertools.count(205_000_000)


def shortened(factor: float) -> Timing:
    """Return the timing with all waits between attempts multiplied by a factor; those of refused channels by a tenth.

    A request may take half a second, far longer than it does on this machine.
    """
    return replace(
        DEFAULT_TIMING,
        nonce_window=DEFAULT_TIMING.nonce_window * factor,
        post_retries=tuple(wait * factor for wait in DEFAULT_TIMING.post_retries),
        transient_waits=tuple(wait * factor for wait in DEFAULT_TIMING.transient_waits),
        refused_waits=tuple(wait * factor / 10 for wait in DEFAULT_TIMING.refused_waits),
        polls_apart=DEFAULT_TIMING.polls_apart * factor,
        discord_request=0.5,
    )


async def find_active(*bots: BotProcess) -> tuple[BotProcess, ...]:
    """Wait until one of these processes is active; returns it before the others."""
    waiting = [asyncio.create_task(_turn_active(bot)) for bot in bots]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    active = next(bot for bot, task in zip(bots, waiting, strict=True) if task.done())
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return active, *(bot for bot in bots if bot is not active)


async def _turn_active(bot: BotProcess) -> None:
    turns = [line for line in bot.lines if line.endswith(ACTIVE) or STANDBY in line]
    if not (turns and turns[-1].endswith(ACTIVE)):
        await bot.says(ACTIVE, nth=1 + sum(ACTIVE in line for line in bot.lines))


class CountedApi(FakeApi):
    """The fake API, with all requests; polls don't overlap, so a poll has ended when the next list is requested."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__({}, now=now)
        self.lists: Journal[str] = Journal()
        self.headers: list[tuple[str, str]] = []
        self.requests: list[str] = []

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.lists.add(request.path)
        self.headers += request.headers.items()
        self.requests.append(f"{request.raw_path} {await request.text()}")
        return await super()._answer(request)


class Deployment:
    """The two stand-ins, a database, and the processes that run between them."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url = database_url
        self._clock = folder / "clock"
        self._gone_by = self._ahead = timedelta(0)
        self._write_clock()
        self.discord = DiscordStandIn(now=self.now)
        # How fast two processes are depends on the machine; deadlines are tested in virtual time.
        self.discord.interactions.deadline = PATIENCE
        self.api = CountedApi(self.now)
        self.bots: list[BotProcess] = []
        self.discord_url = ""
        self.api_url = ""

    @property
    def channels(self) -> Channels:
        """Return Discord's channels."""
        return self.discord.channels

    def add_account(self, *, days: float = 2.0) -> str:
        """Set up an account that expires in so many days, less a minute; returns its id."""
        account_id = str(next(_ACCOUNTS))
        self.api.accounts[account_id] = build_account(account_id, owner_of(account_id))
        self.set_expiry(account_id, days=days)
        return account_id

    def set_expiry(self, account_id: str, *, days: float) -> None:
        """Let an account expire in so many days, less a minute."""
        expires_at = datetime.now(UTC) + timedelta(days=days, minutes=-1)
        set_expiry(self.api.accounts[account_id], expires_at)

    def now(self) -> datetime:
        """Return the right time, which is in the `Date` of both stand-ins."""
        return datetime.now(UTC) + self._gone_by

    def set_clock(self, gone_by: timedelta) -> None:
        """Let so much time go by since the beginning of the test, for everybody, also while the bot runs."""
        self._gone_by = gone_by
        self._write_clock()

    def set_machine_clock(self, ahead: timedelta) -> None:
        """Put the clock of the bot's machine so far ahead of the right time, also while the bot runs."""
        self._ahead = ahead
        self._write_clock()

    def _write_clock(self) -> None:
        # In one step, so that no process reads half of it.
        unfinished = self._clock.with_suffix(".new")
        unfinished.write_text(f"{self._gone_by.total_seconds()}\n{self._ahead.total_seconds()}")
        unfinished.replace(self._clock)

    async def add_subscription(self, account_id: str | None = None) -> int:
        """Subscribe a new channel to an account, or to all; returns the channel."""
        channel_id = next(_CHANNELS)
        # One reminder for each account, however far the clock jumps.
        new = NewSubscription(GUILD_ID, channel_id, account_id, (14, 7, 3, 1), None, 1, follow_ups=False)
        async with open_database(self.database_url) as database, database.begin() as tx:
            await put_subscription(tx, new)
        return channel_id

    async def assign(self, channel_id: int, account_id: str, user_id: int) -> None:
        """Let somebody be on an account's login, as if the button had been pressed now."""
        async with open_database(self.database_url) as database, database.begin() as tx:
            snapshot = (await get_snapshots(tx, {account_id}))[account_id]
            assignment = Assignment(user_id, datetime.now(UTC))
            await put_assignment(tx, GUILD_ID, channel_id, subject_of(snapshot), assignment)

    async def read_rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Return all rows of the database by table, apart from the end of the lease."""
        tables = [table for table in metadata.sorted_tables if table is not leases]
        rows: dict[str, list[tuple[object, ...]]] = {}
        async with open_database(self.database_url) as database, database.begin() as tx:
            for table in tables:
                rows[table.name] = sorted(map(tuple, await tx.execute(sa.select(table))), key=repr)
            done = await tx.execute(sa.select(leases.c.polled_at, leases.c.channels_checked_at))
            rows[leases.name] = list(map(tuple, done))
        return rows

    async def elapse(self, passed: timedelta) -> None:
        """Make everything in the database that much older, as if the bot had been off for so long."""
        async with open_database(self.database_url) as database, database.begin() as tx:
            for row in (await tx.execute(sa.select(messages))).all():
                first_attempt_at = row.first_attempt_at - passed
                await tx.execute(
                    messages.update().where(messages.c.id == row.id).values(first_attempt_at=first_attempt_at)
                )
            for row in (await tx.execute(sa.select(channel_failures))).all():
                is_row = (channel_failures.c.channel_id == row.channel_id) & (channel_failures.c.kind == row.kind)
                next_attempt_at = row.next_attempt_at - passed
                await tx.execute(channel_failures.update().where(is_row).values(next_attempt_at=next_attempt_at))
            await tx.execute(leases.update().values(until=leases.c.until - int(passed.total_seconds())))

    @asynccontextmanager
    async def run(
        self,
        timing: Timing = DEFAULT_TIMING,
        *,
        launch: Launch | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> AsyncIterator[BotProcess]:
        """Run the bot until the block ends, unless it was killed before; it must not lose an error.

        It polls five times a second, or as `timing` says.
        """
        environment = build_settings(self.api_url, **{"DATABASE_URL": self.database_url, **(settings or {})})
        timing = replace(timing, poll_interval=timing.poll_interval or POLL_INTERVAL)
        launch = replace(launch or Launch(), timing=timing, clock=self._clock)
        async with run_bot(self.discord_url, environment, launch=launch, is_forked=True) as bot:
            self.bots.append(bot)
            try:
                yield bot
            finally:
                status = await bot.stop()
            assert status in (0, -signal.SIGKILL), bot.output
        lost = [line for line in bot.lines if any(text in line.lower() for text in LOST_ERRORS)]
        assert not [line for line in lost if _OF_DRIVER not in line], bot.output

    async def polls(self, number: int = 2) -> None:
        """Wait until so many polls that begin from now on have ended."""
        # The first list may belong to a running poll, or to the check at the start.
        await self.api.lists.nth(len(self.api.lists) + number + 2)

    async def run_through(self, timing: Timing = DEFAULT_TIMING) -> None:
        """Start the bot, wait for two polls, and stop it."""
        async with self.run(timing):
            await self.polls()

    def kill_at(self, moment: Moment) -> None:
        """Kill the bot at this moment of its next post; a post that is not stored yet is lost."""

        def kill(_channel_id: int) -> bool:
            self.channels.hooks.clear()
            self.bots[-1].signal(signal.SIGKILL)
            return False

        self.channels.hooks[moment] = kill

    async def killed_at(self, moment: Moment, timing: Timing = DEFAULT_TIMING) -> None:
        """Run the bot until it is killed at this moment of its next post."""
        self.kill_at(moment)
        async with self.run(timing) as bot:
            assert await bot.ended() == -signal.SIGKILL

    def count_mentions(self, channel_id: int, account_id: str) -> int:
        """Return how many messages of a channel name an account."""
        seen = self.channels.seen_in(channel_id)
        return sum(account_id in f"{message['content']}{message['embeds']}" for message in seen)


@asynccontextmanager
async def open_deployment(database_url: str) -> AsyncIterator[Deployment]:
    """Serve the stand-ins until the block ends; the bot must not have sent requests that they don't know."""
    with TemporaryDirectory() as folder:
        deployment = Deployment(database_url, Path(folder))
        async with deployment.discord.serve() as deployment.discord_url, deployment.api.serve() as deployment.api_url:
            yield deployment
    assert deployment.discord.rest.unknown.items == []
