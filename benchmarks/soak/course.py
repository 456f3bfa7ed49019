"""Causes faults at random: each kind that the promise covers, one at a time and several at once."""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.postgres import Postgres
from tests.support.process.deployment import STANDBY, Deployment, shortened
from tests.support.wire.channels import FORBIDDEN, Moment
from tests.support.wire.launch import Launch
from tests.support.wire.process import BotProcess

_CHANNELS = 6
_TIMING = replace(shortened(0.01), lease_seconds=2.0)
# Jumps of the machine's clock, all more than the bot tolerates.
_SMALLEST_JUMP, _LARGEST_JUMP = timedelta(minutes=10), timedelta(hours=50)
# By then every account has expired, renewed or not.
_END = timedelta(days=100)
_END_BACKENDS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < :share"
)

Fault = Callable[[], Awaitable[None]]


class Course:
    """The faults of one run; `done` counts them by name, `accounts` holds all accounts that were set up."""

    def __init__(self, deployment: Deployment, postgres: Postgres | None, chance: random.Random) -> None:
        self.deployment = deployment
        self.done: Counter[str] = Counter()
        self.accounts: list[str] = []
        self._postgres = postgres
        self._chance = chance
        self._channels: list[int] = []
        self._age = timedelta(0)
        self._faults: list[Fault] = [
            self._fail_discord,
            self._lose_answers,
            self._hang_channel,
            self._fail_api,
            self._jump,
            self._renew,
        ]
        self._faults += [self._crash_database, self._end_backends] if postgres else []

    async def run(self, ends_at: float) -> None:
        """Start and end bots until this moment of the monotonic clock."""
        for _ in range(_CHANNELS):
            self._channels.append(await self.deployment.add_subscription())
        while time.monotonic() < ends_at:
            await self._live(ends_at)
            if self._happens(0.5):
                # As after a long stop: Discord has forgotten the nonces, and the clock may be wrong.
                self.deployment.channels.forget_nonces()
                self._set_machine_clock_wrong()

    @asynccontextmanager
    async def last_run(self) -> AsyncIterator[None]:
        """Run the bot without faults, until all accounts have expired."""
        self.deployment.set_clock(self._age)
        self.deployment.set_machine_clock(timedelta(0))
        async with self.deployment.run(_TIMING):
            # Two polls see every renewal: no reminder is sent about a login that the bot never saw valid.
            await self.deployment.polls()
            self.deployment.set_clock(self._age + _END)
            yield

    async def _live(self, ends_at: float) -> None:
        """Start a bot, or two on PostgreSQL, cause faults for some seconds, and kill or stop the bots."""
        self._age += timedelta(hours=self._chance.uniform(0, 8))
        self.deployment.set_clock(self._age)
        launch = Launch()
        if self._happens(0.3):
            launch = Launch(die_before_commit=self._chance.randint(1, 40))
            self._count("runs with a kill -9 before a commit")
        async with AsyncExitStack() as stack:
            number = self._chance.randint(1, 2) if self._postgres else 1
            bots = [await stack.enter_async_context(self.deployment.run(_TIMING, launch=launch)) for _ in range(number)]
            self._count("bots started", number)
            await asyncio.gather(*map(_is_up, bots))
            self.deployment.set_machine_clock(timedelta(0))
            await self._cause_faults(min(ends_at, time.monotonic() + self._chance.uniform(1, 8)))
            if self._happens(0.7):
                await self._kill(bots)

    async def _cause_faults(self, until: float) -> None:
        while time.monotonic() < until:
            self._add_account()
            await asyncio.gather(*(cause() for cause in self._chance.sample(self._faults, self._chance.randint(0, 2))))
            await self._pause()

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _count(self, name: str, number: int = 1) -> None:
        self.done[name] += number

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.1, 1.0))

    def _add_account(self) -> None:
        """Set up an account that expires soon, by the right time."""
        days = self._age / timedelta(days=1) + self._chance.choice([-3.0, 0.5, 2.0, 6.0, 13.0, 20.0])
        self.accounts.append(self.deployment.add_account(days=days))

    async def _renew(self) -> None:
        days = self._age / timedelta(days=1) + self._chance.uniform(10, 40)
        self.deployment.set_expiry(self._chance.choice(self.accounts), days=days)
        self._count("renewals")

    async def _jump(self) -> None:
        """Set the machine's clock wrong for a while."""
        self._set_machine_clock_wrong()
        await self._pause()
        self.deployment.set_machine_clock(timedelta(0))

    def _set_machine_clock_wrong(self) -> None:
        """Set the machine's clock wrong by minutes to days, ahead or behind."""
        jump = self._chance.uniform(_SMALLEST_JUMP.total_seconds(), _LARGEST_JUMP.total_seconds())
        self.deployment.set_machine_clock(self._chance.choice([-1, 1]) * timedelta(seconds=jump))
        self._count("clock jumps")

    async def _fail_discord(self) -> None:
        """Let requests about channels fail; the history stays readable in the end, as the promise requires."""
        rest = self.deployment.discord.rest
        if self._happens(0.5):
            rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN, times=self._chance.randint(1, 6))
        else:
            status = self._chance.choice([HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY])
            rest.fail(self._chance.choice(["POST", "GET"]), "/channels/", status)
        self._count("faults of Discord")
        await self._pause()
        rest.faults.clear()

    async def _lose_answers(self) -> None:
        status = self._chance.choice([None, HTTPStatus.INTERNAL_SERVER_ERROR])
        for channel in self._chance.sample(self._channels, 2):
            self.deployment.channels.lose_answer(channel, status)
        self._count("answers of Discord lost", 2)

    async def _hang_channel(self) -> None:
        hanging = self.deployment.channels.hanging
        hanging.add(self._chance.choice(self._channels))
        self._count("channels that hang")
        await self._pause()
        hanging.clear()

    async def _fail_api(self) -> None:
        status = self._chance.choice([HTTPStatus.BAD_GATEWAY, HTTPStatus.UNAUTHORIZED, HTTPStatus.OK])

        async def fail(_request: web.Request) -> web.Response:
            return web.Response(status=status, text="<html>")

        self.deployment.api.behave = fail
        self._count("faults of the API")
        await self._pause()
        self.deployment.api.behave = None

    async def _crash_database(self) -> None:
        if self._postgres is None or self._happens(0.5):
            return
        self._count("crashes of PostgreSQL")
        await asyncio.to_thread(self._postgres.crash)
        try:
            await self._pause()
        finally:
            await asyncio.to_thread(self._postgres.start)

    async def _end_backends(self) -> None:
        """Terminate some of the bots' connections to PostgreSQL, chosen at random."""
        engine = create_async_engine(self.deployment.database_url)
        try:
            async with engine.begin() as connection:
                ended = await connection.execute(sa.text(_END_BACKENDS), {"share": self._chance.random()})
                self._count("connections to PostgreSQL terminated", len(ended.all()))
        except (sa.exc.SQLAlchemyError, OSError):
            # The server is just restarting.
            return
        finally:
            await engine.dispose()

    async def _kill(self, bots: list[BotProcess]) -> None:
        """Kill all bots at a moment of a post, or at once if no post comes."""
        killed = asyncio.Event()
        moment = self._chance.choice(list(Moment))

        def kill(_channel_id: int) -> bool:
            self.deployment.channels.hooks.clear()
            for bot in bots:
                with contextlib.suppress(ProcessLookupError):
                    bot.signal(signal.SIGKILL)
            killed.set()
            return moment is not Moment.ARRIVED

        self.deployment.channels.hooks[moment] = kill
        self._add_account()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(killed.wait(), self._chance.uniform(0.5, 3))
        if not killed.is_set():
            kill(0)
        self._count("kills -9", len(bots))
        # A signal to a process that is just ending would hide its exit status.
        await asyncio.gather(*(bot.ended() for bot in bots))


async def _is_up(bot: BotProcess) -> None:
    """Wait until a bot is a standby, or has read the accounts, before which a fault may end it, or was killed."""
    with contextlib.suppress(AssertionError):
        await bot.lines.find(lambda line: STANDBY in line or "useapi.net answers" in line)
