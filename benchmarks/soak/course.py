"""Runs bots, kills and stops them at random amid faults, and lets accounts come, expire and be renewed."""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from benchmarks.soak.faults import DEAD_GATEWAY, Faults, Surroundings
from tests.support.process.deployment import STANDBY, shortened
from tests.support.wire.channels import Moment
from tests.support.wire.gateway import Op
from tests.support.wire.launch import Launch
from tests.support.wire.process import BotProcess

_CHANNELS = 6
_TIMING = replace(shortened(0.01), lease_seconds=3.0, api_budget=1.0, reconnect_first=0.1, fresh_session_after=1.5)
# By then every account has expired, renewed or not.
_END = timedelta(days=100)


class Course:
    """One run; `done` counts what happened by name, `accounts` holds all accounts that were set up."""

    def __init__(self, around: Surroundings, chance: random.Random) -> None:
        self.deployment = around.deployment
        self.done: Counter[str] = Counter()
        self.accounts: list[str] = []
        self._around = around
        self._chance = chance
        self._age = timedelta(0)
        self._faults = Faults(around, chance, self.done)

    async def run(self, ends_at: float) -> None:
        """Start and end bots until this moment of the monotonic clock."""
        for _ in range(_CHANNELS):
            self._faults.channels.append(await self.deployment.add_subscription())
        while time.monotonic() < ends_at:
            await self._live(ends_at)
            for relay in self._around.relays:
                relay.end_forgotten()
            if self._happens(0.5):
                # As after a long stop: Discord has forgotten the nonces, and the clock may be wrong.
                self.deployment.channels.forget_nonces()
                self._faults.set_clock_wrong()

    @asynccontextmanager
    async def last_run(self) -> AsyncIterator[None]:
        """Run the bot until all accounts have expired, with no fault but one: its session can't be resumed."""
        self.deployment.set_clock(self._age)
        self.deployment.set_machine_clock(timedelta(0))
        gateway = self.deployment.discord.gateway
        gateway.resume_url, identified = DEAD_GATEWAY, gateway.identifies
        async with self._run_bot():
            # Two polls see every renewal: no reminder is sent about a login that the bot never saw valid.
            await self.deployment.polls()
            await gateway.received.find(lambda message: message["op"] == Op.IDENTIFY, nth=identified + 1)
            if gateway.open_sessions:
                await gateway.close(4000)
            self.deployment.set_clock(self._age + _END)
            yield

    async def _live(self, ends_at: float) -> None:
        """Start a bot, or two on PostgreSQL, cause faults for some seconds, and kill or stop the bots."""
        self._age += timedelta(hours=self._chance.uniform(0, 8))
        self.deployment.set_clock(self._age)
        launch = Launch()
        if self._happens(0.3):
            launch = Launch(die_before_commit=self._chance.randint(1, 40))
            self.done["runs with a kill -9 before a commit"] += 1
        async with AsyncExitStack() as stack:
            number = self._chance.randint(1, 2) if self._around.postgres else 1
            bots = [await stack.enter_async_context(self._run_bot(launch)) for _ in range(number)]
            self.done["bots started"] += number
            await asyncio.gather(*map(_is_up, bots))
            self.deployment.set_machine_clock(timedelta(0))
            until = min(ends_at, time.monotonic() + self._chance.uniform(1, 8))
            while time.monotonic() < until:
                self._change_accounts()
                await self._faults.cause_some()
                await self._faults.pause()
            if self._happens(0.7):
                await self._kill(bots)

    @asynccontextmanager
    async def _run_bot(self, launch: Launch | None = None) -> AsyncIterator[BotProcess]:
        settings = {"DATABASE_URL": self._around.database_url}
        async with self.deployment.run(_TIMING, launch=launch, settings=settings) as bot:
            yield bot

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _change_accounts(self) -> None:
        self._add_account()
        if self._happens(0.3):
            days = self._age / timedelta(days=1) + self._chance.uniform(10, 40)
            self.deployment.set_expiry(self._chance.choice(self.accounts), days=days)
            self.done["renewals"] += 1

    def _add_account(self) -> None:
        """Set up an account that expires soon, by the right time."""
        days = self._age / timedelta(days=1) + self._chance.choice([-3.0, 0.5, 2.0, 6.0, 13.0, 20.0])
        self.accounts.append(self.deployment.add_account(days=days))

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
        self.done["kills -9"] += len(bots)
        # A signal to a process that is just ending would hide its exit status.
        await asyncio.gather(*(bot.ended() for bot in bots))


async def _is_up(bot: BotProcess) -> None:
    """Wait until a bot is a standby, or has read the accounts, before which a fault may end it, or was killed."""
    with contextlib.suppress(AssertionError):
        await bot.lines.find(lambda line: STANDBY in line or "useapi.net answers" in line)
