"""The reminder engine as a process that can stop, die and start again, with an API, channels and a clock of its own."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from aiohttp import web
from pydantic import SecretStr

from bot.core.assignments import Assignment, subject_of
from bot.core.clock import ClockGuard
from bot.core.secrets import Redactor
from bot.core.subscriptions import NewSubscription, Ping, PingKind, Subscription
from bot.core.telemetry import PollOutcome, Telemetry
from bot.core.timing import DEFAULT_TIMING
from bot.reminders.context import Context
from bot.reminders.poller import Poller
from bot.store.accounts import get_snapshots
from bot.store.assignments import put_assignment
from bot.store.database import Database, open_database
from bot.store.leases import Lease
from bot.store.subscriptions import delete_subscription, get_subscriptions, put_subscription, set_paused
from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi
from bot.useapi.guild_access import GuildAccess
from tests.support.engine.channels import Channels, Crash, Life, Rendering
from tests.support.logged import Errors
from tests.support.sqlite import skip_disk, without_threads

GUILD, OTHER_GUILD = 1, 2
START = datetime(2026, 1, 1, tzinfo=UTC)
INTERVAL = timedelta(minutes=30)
_PATIENCE = 10.0
_TURNS = 10


class _Polls(Telemetry):
    """Remembers when polls ended, and how."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.ended: list[tuple[datetime, PollOutcome]] = []
        self._now = now

    def polled(self, outcome: PollOutcome, seconds: float) -> None:
        """Remember a poll."""
        assert seconds >= 0
        self.ended.append((self._now(), outcome))


@dataclass
class Clock:
    """The true time, how far the clock of the bot's machine is ahead of it, and what is to happen at which time."""

    true: datetime = START
    ahead: timedelta = timedelta(0)
    agenda: list[tuple[datetime, Callable[[], Awaitable[object]]]] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the time by the machine's clock."""
        return self.true + self.ahead

    def read_uptime(self) -> float:
        """Return seconds that no change of the machine's clock moves."""
        return self.true.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and happen what is to happen meanwhile."""
        until = self.true + timedelta(seconds=seconds)
        while self.agenda and self.agenda[0][0] <= until:
            at, happen = self.agenda.pop(0)
            self.true = max(self.true, at)
            await happen()
            # Who waits for it may end this sleep.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        self.true = max(self.true, until)
        await asyncio.sleep(0)


class Kit:
    """A process of the engine over a database, between the fake API and channels in memory.

    `status` is what the API answers instead of a list, None for the list; 200 stands for a page of HTML. `usage_status`
    is the same for jobs and credits, which polls read only with `watches_jobs`.
    """

    def __init__(
        self, url: str, channel_ids: Collection[int], interval: timedelta = INTERVAL, *, watches_jobs: bool = False
    ) -> None:
        self.url = url
        self.interval = interval
        self.watches_jobs = watches_jobs
        self.timing = DEFAULT_TIMING
        self.clock = Clock()
        self.life = Life()
        self.rendering = Rendering()
        self.channels = Channels(channel_ids, self.life, self.rendering, lambda: self.clock.true)
        self.api = FakeApi({}, now=lambda: self.clock.true)
        self.api.behave = self._answer
        self.status: int | None = None
        self.usage_status: int | None = None
        self.errors = Errors()
        self.polls = _Polls(lambda: self.clock.true)
        self._process, self._outside = AsyncExitStack(), AsyncExitStack()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert request.match_info.get("account") is None
        is_list = request.path == ACCOUNTS_PATH
        status = self.status if is_list else self.usage_status
        if status is not None:
            return web.Response(status=status, text="<html>", content_type="text/html")
        if not is_list:
            return await self.api.answer_as_documented(request)
        return web.json_response(self.api.accounts)

    async def open(self) -> None:
        """Begin to serve the API, and start the process."""
        logging.getLogger("bot").addHandler(self.errors)
        self._outside.enter_context(without_threads())
        self._api_url = await self._outside.enter_async_context(self.api.serve())
        await self.start()

    async def close(self) -> None:
        """Stop everything."""
        logging.getLogger("bot").removeHandler(self.errors)
        await self._process.aclose()
        await self._outside.aclose()

    async def start(self) -> None:
        """Start the process."""
        self.life.left, self.life.ends_at_post = None, False
        self._process = AsyncExitStack()
        self.database: Database = await self._process.enter_async_context(open_database(self.url))
        await skip_disk(self.database)
        guard = ClockGuard(self.clock.now, self.clock.read_uptime)
        directory = await self._process.enter_async_context(
            open_directory(
                base_url=self._api_url,
                token=SecretStr(TOKEN),
                redact=Redactor([TOKEN]),
                now=guard.now,
                witness=functools.partial(guard.witness, "useapi.net"),
                # The fake API waits in a task of its own for the next request of a kept connection.
                keep_connections=False,
            )
        )
        context = Context(
            database=self.database,
            access=GuildAccess((GUILD, OTHER_GUILD), directory),
            sender=self.channels,
            rendering=self.rendering,
            clock=guard,
            interval=self.interval,
            lead_times=(14, 7, 3, 1),
            telemetry=self.polls,
            timing=self.timing,
            watches_jobs=self.watches_jobs,
        )
        self.context = context
        self.poller = Poller(context, directory, sleep=self.clock.sleep, clock=self.clock.read_uptime)
        self.lease = Lease(self.database)
        self.epoch = await self.lease.take()
        sa.event.listen(self.database.engine.sync_engine, "commit", lambda _connection: self.life.step())

    async def stop(self) -> None:
        """Stop the process between two polls."""
        await self.lease.release()
        await self._process.aclose()

    async def die(self) -> None:
        """Let every task of the process end at its next step, and start another process."""
        # None is cancelled: that could leave a connection open.
        self.life.left = 0
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*others, return_exceptions=True)
        self.life.left = None
        await self._process.aclose()
        await self.start()

    async def poll(self) -> None:
        """Run a poll, a second after whatever was before; the process may die in it."""
        await self.clock.sleep(1)
        try:
            await self.poller.poll_once(self.epoch)
        except Crash:
            await self.die()

    async def live(self, passed: timedelta) -> None:
        """Let the process poll by itself for so long, then let it die between two steps."""
        done = asyncio.Event()

        async def end() -> None:
            done.set()

        self.plan(self.clock.true + passed, end)
        polling = asyncio.create_task(self.poller.keep_polling(self.epoch))
        await asyncio.wait({polling, waiting := asyncio.create_task(done.wait())}, return_when=asyncio.FIRST_COMPLETED)
        for task in (polling, waiting):
            task.cancel()
        await asyncio.gather(polling, waiting, return_exceptions=True)
        assert done.is_set()

    def plan(self, at: datetime, happen: Callable[[], Awaitable[object]]) -> None:
        """Let something happen at this true time."""
        self.clock.agenda.append((at, happen))
        self.clock.agenda.sort(key=lambda one: one[0])

    async def next_poll_at(self) -> datetime:
        """Return the true time of the next poll."""
        return await self.poller.next_poll_at() - self.clock.ahead

    async def subscriptions(self) -> list[Subscription]:
        """Return all subscriptions, oldest first."""
        async with self.database.begin() as tx:
            return await get_subscriptions(tx, GUILD)

    async def subscribe(
        self,
        channel_id: int,
        account_id: str | None = None,
        lead_times: tuple[int, ...] = (14, 7, 3, 1),
        role_id: int | None = None,
        *,
        follow_ups: bool = True,
        credits_below: int | None = None,
        guild_id: int = GUILD,
    ) -> None:
        """Add a subscription, or change it."""
        new = NewSubscription(
            guild_id=guild_id,
            channel_id=channel_id,
            account_id=account_id,
            lead_times=lead_times,
            ping=None if role_id is None else Ping(PingKind.ROLE, role_id),
            added_by=1,
            follow_ups=follow_ups,
            credits_below=credits_below,
        )
        async with self.database.begin() as tx:
            await put_subscription(tx, new)

    async def unsubscribe(self, channel_id: int, account_id: str | None = None) -> None:
        """Remove a subscription."""
        one = await self._subscription(channel_id, account_id)
        async with self.database.begin() as tx:
            await delete_subscription(tx, one)

    async def pause(self, channel_id: int, account_id: str | None = None, *, is_paused: bool = True) -> None:
        """Pause a subscription, or resume it."""
        one = await self._subscription(channel_id, account_id)
        async with self.database.begin() as tx:
            await set_paused(tx, one, self.clock.now() if is_paused else None)

    async def _subscription(self, channel_id: int, account_id: str | None) -> Subscription:
        of_channel = [one for one in await self.subscriptions() if one.channel_id == channel_id]
        return next(one for one in of_channel if one.account_id == account_id)

    async def assign(self, channel_id: int, account_id: str, user_id: int) -> None:
        """Let a person say "I'm on it"."""
        async with self.database.begin() as tx:
            snapshot = (await get_snapshots(tx, {account_id}))[account_id]
            assignment = Assignment(user_id, self.clock.now())
            await put_assignment(tx, GUILD, channel_id, subject_of(snapshot), assignment)
        self.context.renewal_begun.set()

    def show(self, account: str, expires_at: datetime | None, issued_at: datetime | None, *, error: bool) -> None:
        """Let the API list an account with these dates."""
        dates = {"exp": expires_at and expires_at.timestamp(), "iat": issued_at and issued_at.timestamp()}
        jwt: dict[str, Any] = {name: value for name, value in dates.items() if value is not None}
        entry: dict[str, Any] = {"account": account, "jwt": jwt | {"token": "a.b.c", "user": {"id": account}}}
        self.api.accounts[account] = entry | ({"error": "Session refresh failed"} if error else {})
