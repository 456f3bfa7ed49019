"""The reminders under everything at once: accounts, watches, channels, the API and the process come and go.

Longer by hand: `python -m pytest tests/reminding --hypothesis-profile=long`.
Where CI is set, Hypothesis draws the same examples each time.
"""

import asyncio
import logging
import shutil
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from aiohttp import web
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import SecretStr

from bot.chat.account_list import render_board
from bot.core.reminders import EXPIRED, crossed_steps
from bot.core.secrets import Redactor
from bot.reminding.boards import Boards
from bot.reminding.passes import Passes
from bot.reminding.planning import drop_unwatched, watch_for
from bot.reminding.sending import Outbox
from bot.store.accounts import Known, get_known
from bot.store.database import Database, open_database
from bot.store.deliveries import Kind, Owed
from bot.store.leader import Lease
from bot.store.tables import ALL_ACCOUNTS
from bot.store.watches import NewWatch, Watch, get_watches, pause_watch, put_watch, remove_watch
from bot.useapi.directory import open_directory
from bot.useapi.servers import Servers
from bot.useapi.standin import TOKEN, StandIn
from tests.reminding.channels import Channels, Crash, Life, Mood, Rendered, Said
from tests.reminding.logged import Errors

GUILD = 1
CHANNELS = (11, 12)
# Always listed: a list without any known account is no news, but another token's.
ANCHOR = "1"
ACCOUNTS = (ANCHOR, "2", "3")
STEPS = [(14, 7, 3, 1), (20, 2), (7,)]
LIFE = timedelta(days=30)
START = datetime(2026, 1, 1, tzinfo=UTC)
# Longer than a channel waits after a refusal.
LONG = timedelta(hours=7)
# After that what a channel refused is dropped.
GIVEN_UP = timedelta(days=6)


async def _refuse(_request: web.Request) -> web.Response:
    return web.Response(status=402)


class Reminders(RuleBasedStateMachine):
    """The engine on a real file, the API's stand-in over HTTP, channels in memory, and a clock of its own."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.life = Life()
        self.channels = Channels(CHANNELS, self.life, lambda: self.now)
        self.given_up: set[tuple[int, str]] = set()
        self.api = StandIn({})
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
        self.life.left = None
        self.process = AsyncExitStack()
        self.database: Database = await self.process.enter_async_context(open_database(self.url))
        directory = await self.process.enter_async_context(
            open_directory(
                base_url=self.api_url, token=SecretStr(TOKEN), redact=Redactor([TOKEN]), now=lambda: self.now
            )
        )
        servers = Servers((GUILD,), directory)
        outbox = Outbox(self.database, servers, self.channels, Rendered, lambda: self.now)
        boards = Boards(outbox, render=render_board)
        interval = timedelta(minutes=30)
        self.passes = Passes(outbox, directory=directory, boards=boards, interval=interval, sleep=self._sleep)
        self.epoch = await Lease(self.database).take()
        sa.event.listen(self.database.engine.sync_engine, "commit", lambda _connection: self.life.step())

    async def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    async def _die(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self.life.left = None
        await self.process.aclose()
        await self._open()

    async def _pass(self) -> None:
        self.now += timedelta(seconds=1)
        try:
            await self.passes.run_once(self.epoch)
        except Crash:
            await self._die()

    async def _watches(self) -> list[Watch]:
        async with self.database.begin() as tx:
            return await get_watches(tx, GUILD)

    def _set_expiry(self, account: str, expires: datetime) -> None:
        jwt: dict[str, Any] = {"exp": expires.timestamp(), "iat": (expires - LIFE).timestamp()}
        self.api.accounts[account] = {"account": account, "jwt": jwt | {"token": "a.b.c", "user": {"id": account}}}

    @initialize(days=st.integers(1, 29))
    def begin(self, days: int) -> None:
        """Begin with one account that is watched in all channels."""
        self._set_expiry(ANCHOR, START + timedelta(days=days))
        for channel_id in CHANNELS:
            self.add_watch(channel_id, ALL_ACCOUNTS, STEPS[0])

    @rule()
    def make_pass(self) -> None:
        """Let a pass come."""
        self.runner.run(self._pass())

    @rule(steps=st.integers(1, 40), late=st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=30)]))
    def crash(self, steps: int, late: timedelta) -> None:
        """Let the process die at some step of a pass, and come back later."""
        self.life.left = steps
        self.runner.run(self._pass())
        self.runner.run(self._die())
        self.now += late

    @rule(hours=st.sampled_from([1, 7, 25, 49, 120]))
    def wait(self, hours: int) -> None:
        """Let time pass, and then a pass come."""
        self.now += timedelta(hours=hours)
        for channel_id, channel in self.channels.by_id.items():
            if channel.refusing_since is not None and self.now - channel.refusing_since > GIVEN_UP:
                self.given_up |= {(channel_id, account) for account in ACCOUNTS}
        self.make_pass()

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(-3, 29))
    def renew(self, account: str, days: int) -> None:
        """Give an account, new or not, a token that ends on another day, and let a pass come."""
        self._set_expiry(account, self.now + timedelta(days=days, hours=-1))
        self.make_pass()

    @rule(account=st.sampled_from(ACCOUNTS), hours=st.integers(-10, 10))
    def roll(self, account: str, hours: int) -> None:
        """Move an expiry a little, as the API does by itself."""
        if account in self.api.accounts:
            expires = datetime.fromtimestamp(self.api.accounts[account]["jwt"]["exp"], UTC)
            self._set_expiry(account, expires + timedelta(hours=hours))

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(2, 20))
    def flap(self, account: str, days: int) -> None:
        """Let an account show another token for one pass, then its own again."""
        if account in self.api.accounts:
            own = self.api.accounts[account]
            self._set_expiry(account, self.now + timedelta(days=days))
            self.runner.run(self._pass())
            self.api.accounts[account] = own

    @rule(account=st.sampled_from(ACCOUNTS[1:]))
    def take_away(self, account: str) -> None:
        """Take an account from the list."""
        self.api.accounts.pop(account, None)

    @rule(is_down=st.booleans())
    def turn_api(self, *, is_down: bool) -> None:
        """Take the API down, or up again."""
        self.api.behave = _refuse if is_down else None

    @rule(channel=st.sampled_from(CHANNELS), mood=st.sampled_from(Mood))
    def turn_channel(self, channel: int, mood: Mood) -> None:
        """Let a channel take posts in another way."""
        self.channels.by_id[channel].mood = mood

    @rule(
        channel=st.sampled_from(CHANNELS),
        account=st.sampled_from([ALL_ACCOUNTS, *ACCOUNTS]),
        days=st.sampled_from(STEPS),
    )
    def add_watch(self, channel: int, account: str, days: tuple[int, ...]) -> None:
        """Let a channel watch an account or all, perhaps with other lead times than before."""

        async def add() -> None:
            new = NewWatch(GUILD, channel, "pipeline", account, days, None, None, 1)
            async with self.database.begin() as tx:
                await put_watch(tx, new, self.now)

        self.runner.run(add())

    @rule(number=st.integers(0, 3), do=st.sampled_from(["remove", "pause", "resume"]))
    def change_watch(self, number: int, do: str) -> None:
        """Remove, pause or resume a watch, as the commands do."""

        async def change() -> None:
            watches = await self._watches()
            if number >= len(watches):
                return
            watch = watches[number]
            async with self.database.begin() as tx:
                if do == "remove":
                    await remove_watch(tx, watch)
                else:
                    await pause_watch(tx, watch, (watch.paused_at or self.now) if do == "pause" else None)
                if do != "resume":
                    await drop_unwatched(tx, watch.channel_id)

        self.runner.run(change())

    @rule()
    def mend_everything(self) -> None:
        """Let all be well for a while: then nothing that is due is missing."""
        self.api.behave = None
        for channel in self.channels.by_id.values():
            channel.mood = Mood.WORKS
        for _ in range(2):
            self.now += LONG
            self.runner.run(self._pass())
        self.runner.run(self._assert_nothing_missing())

    async def _assert_nothing_missing(self) -> None:
        watches = await self._watches()
        async with self.database.begin() as tx:
            known = await get_known(tx)
        for channel_id in CHANNELS:
            here = [watch for watch in watches if watch.channel_id == channel_id]
            for account in self.api.accounts:
                watch = watch_for(Owed(GUILD, channel_id, account, Kind.STEP, 0), here)
                if watch is not None and (channel_id, account) not in self.given_up:
                    self._assert_told(watch, channel_id, known[account])

    def _assert_told(self, watch: Watch, channel_id: int, known: Known) -> None:
        assert known.token is not None
        account, said = known.account.id, self.channels.by_id[channel_id].said
        expires = datetime.fromtimestamp(self.api.accounts[account]["jwt"]["exp"], UTC)
        due = min(crossed_steps({*watch.days, EXPIRED}, expires - self.now), default=None)
        tokens = {known.token.id, known.token.before_id}
        told = [one.step for one in said if one.account_id == account and one.kind is Kind.STEP and one.ref in tokens]
        is_over = Said(account, Kind.RENEWED, known.token.id, 0) in said
        # Of a renewed account only what is worse than what was said before is news.
        assert due is None or is_over or min(told, default=999) <= due, (account, due, said)

    @invariant()
    def nothing_is_said_twice_or_too_late(self) -> None:
        """No step twice, none wider after a tighter one, none about a token whose renewal was said."""
        for channel in self.channels.by_id.values():
            said = channel.said
            assert len(set(said)) == len(said), said
            for number, one in enumerate(said):
                of_same = [other for other in said[number + 1 :] if other.about == one.about]
                if one.kind is Kind.RENEWED:
                    assert not of_same, said
                elif one.kind is Kind.STEP:
                    assert all(other.step < one.step for other in of_same if other.kind is Kind.STEP), said

    @invariant()
    def nothing_failed(self) -> None:
        """Nothing went wrong that nobody foresaw."""
        assert not self.errors.messages, self.errors.messages[0]

    def teardown(self) -> None:
        """Close everything."""
        logging.getLogger("bot").removeHandler(self.errors)

        async def close() -> None:
            await self.process.aclose()
            await self.outside.aclose()

        self.runner.run(close())
        self.runner.close()
        self.folder.cleanup()


TestReminders = Reminders.TestCase
# A fifth of the examples that other tests take: each of these is a story.
TestReminders.settings = settings(deadline=None, max_examples=settings().max_examples // 10, stateful_step_count=40)
