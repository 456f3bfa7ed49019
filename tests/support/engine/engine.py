"""The reminder engine and its surroundings, as the base of a Hypothesis state machine."""

import asyncio
import functools
import logging
import shutil
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from hypothesis.stateful import RuleBasedStateMachine
from pydantic import SecretStr

from bot.core.clock import ClockGuard
from bot.core.secrets import Redactor
from bot.core.subscriptions import Subscription
from bot.reminders.context import Context
from bot.reminders.poller import Poller
from bot.store.database import Database, open_database
from bot.store.leases import Lease
from bot.store.subscriptions import get_subscriptions
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi
from bot.useapi.guild_access import GuildAccess
from tests.support.engine.channels import Channels, Crash, Life, Rendering
from tests.support.logged import Errors

GUILD = 1
CHANNELS = (11, 12)
LIFE = timedelta(days=30)
START = datetime(2026, 1, 1, tzinfo=UTC)
_PATIENCE = 10.0


class Engine(RuleBasedStateMachine):
    """The engine on a real file, the fake API over HTTP, channels in memory, and a clock of its own.

    `now` is the right time, `ahead` how far the clock of the engine's machine is ahead of it. `template` is an empty
    database, which each engine copies.
    """

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.now, self.ahead = START, timedelta(0)
        self.life = Life()
        self.rendering = Rendering()
        self.channels = Channels(CHANNELS, self.life, self.rendering, lambda: self.now)
        self.given_up: set[tuple[int, str]] = set()
        self.api = FakeApi({}, now=lambda: self.now)
        self.errors = Errors()
        logging.getLogger("bot").addHandler(self.errors)
        self.folder = TemporaryDirectory()
        self.url = f"sqlite+aiosqlite:///{self.folder.name}/bot.db"
        shutil.copy(self.template, f"{self.folder.name}/bot.db")
        self.runner = asyncio.Runner()
        self.process, self.outside = AsyncExitStack(), AsyncExitStack()
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        self.api_url = await self.outside.enter_async_context(self.api.serve())
        await self._open()

    async def _open(self) -> None:
        self.life.left, self.life.ends_at_post = None, False
        self.process = AsyncExitStack()
        self.database: Database = await self.process.enter_async_context(open_database(self.url))
        clock = ClockGuard(lambda: self.now + self.ahead, self._read_uptime)
        directory = await self.process.enter_async_context(
            open_directory(
                base_url=self.api_url,
                token=SecretStr(TOKEN),
                redact=Redactor([TOKEN]),
                now=clock.now,
                witness=functools.partial(clock.witness, "useapi.net"),
                # The fake API waits in a task of its own for the next request of a kept connection.
                keep_connections=False,
            )
        )
        context = Context(
            database=self.database,
            access=GuildAccess((GUILD,), directory),
            sender=self.channels,
            rendering=self.rendering,
            clock=clock,
            interval=timedelta(minutes=30),
            lead_times=(14, 7, 3, 1),
        )
        self.poller = Poller(context, directory, sleep=self._sleep)
        self.epoch = await Lease(self.database).take()
        sa.event.listen(self.database.engine.sync_engine, "commit", lambda _connection: self.life.step())

    def _read_uptime(self) -> float:
        return self.now.timestamp()

    async def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    async def _die(self) -> None:
        # Every task of a dead process ends at its next step. None is cancelled: that could leave a connection open.
        self.life.left = 0
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*others, return_exceptions=True)
        self.life.left = None
        await self.process.aclose()
        await self._open()

    async def _poll(self) -> None:
        self.now += timedelta(seconds=1)
        try:
            await self.poller.poll_once(self.epoch)
        except Crash:
            await self._die()

    async def _subscriptions(self) -> list[Subscription]:
        async with self.database.begin() as tx:
            return await get_subscriptions(tx, GUILD)

    def _set_expiry(self, account: str, expires: datetime) -> None:
        jwt: dict[str, Any] = {"exp": expires.timestamp(), "iat": (expires - LIFE).timestamp()}
        self.api.accounts[account] = {"account": account, "jwt": jwt | {"token": "a.b.c", "user": {"id": account}}}

    def teardown(self) -> None:
        """Close everything."""
        logging.getLogger("bot").removeHandler(self.errors)

        async def close() -> None:
            await self.process.aclose()
            await self.outside.aclose()

        self.runner.run(close())
        self.runner.close()
        self.folder.cleanup()
