"""A bot with reminders that may be killed and started again, on a database that outlives it."""

import itertools
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from aiohttp import web

from bot.store.database import open_database
from bot.store.subscriptions import NewSubscription, put_subscription
from bot.store.tables import ALL_ACCOUNTS, channel_failures, leases, messages
from bot.useapi.fake import FakeApi
from tests.support.process.stage import LOST_ERRORS, build_account, build_settings
from tests.support.wire.channels import Channels, Moment
from tests.support.wire.discord_standin import DiscordStandIn
from tests.support.wire.journal import Journal
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.process import BotProcess, run_bot

DAY = 86_400.0
_CHANNELS = itertools.count(1_200_000_000_000_000_000)
_ACCOUNTS = itertools.count(205_000_000)


class CountedApi(FakeApi):
    """The API, whose lists a test can wait for: passes don't overlap, so a new list means that a pass has ended."""

    def __init__(self) -> None:
        super().__init__({})
        self.lists: Journal[str] = Journal()
        self.headers: list[tuple[str, str]] = []
        self.requests: list[str] = []

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.lists.add(request.path)
        self.headers += request.headers.items()
        self.requests.append(f"{request.raw_path} {await request.text()}")
        return await super()._answer(request)


class Reminding:
    """The two stand-ins, a database, and the processes that come and go between them."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url = database_url
        self._clock = folder / "clock"
        self.set_clock(timedelta(0))
        self.discord = DiscordStandIn()
        self.api = CountedApi()
        self.bots: list[BotProcess] = []
        self.discord_url = ""
        self.api_url = ""

    @property
    def channels(self) -> Channels:
        """Return Discord's channels."""
        return self.discord.channels

    def add_account(self, *, days: float = 2.0) -> str:
        """Set up an account that expires in so many days, less a minute."""
        account_id = str(next(_ACCOUNTS))
        self.api.accounts[account_id] = build_account(account_id)
        self.set_expiry(account_id, days=days)
        return account_id

    def set_expiry(self, account_id: str, *, days: float) -> None:
        """Let an account expire in so many days, less a minute."""
        expires = time.time() + days * DAY - 60
        self.api.accounts[account_id]["jwt"] |= {"exp": expires, "iat": expires - 30 * DAY}

    def set_clock(self, ahead: timedelta) -> None:
        """Let the bot's clock jump, now if it runs: it is so far ahead of Discord's from now on."""
        # In one step, so that nobody reads half of it.
        unfinished = self._clock.with_suffix(".new")
        unfinished.write_text(str(ahead.total_seconds()))
        unfinished.replace(self._clock)

    async def add_subscription(self, account_id: str = ALL_ACCOUNTS) -> int:
        """Let a new channel be told of an account, or of all; returns the channel."""
        channel_id = next(_CHANNELS)
        new = NewSubscription(GUILD_ID, channel_id, "pipeline", account_id, (14, 7, 3, 1), None, None, 1)
        async with open_database(self.database_url) as database, database.begin() as tx:
            await put_subscription(tx, new, datetime.now(UTC))
        return channel_id

    async def elapse(self, passed: timedelta) -> None:
        """Let time pass for what is stored, as if the bot had been down so long."""
        async with open_database(self.database_url) as database, database.begin() as tx:
            for row in (await tx.execute(sa.select(messages))).all():
                first_attempt_at = row.first_attempt_at - passed
                await tx.execute(
                    messages.update().where(messages.c.id == row.id).values(first_attempt_at=first_attempt_at)
                )
            for row in (await tx.execute(sa.select(channel_failures))).all():
                of = (channel_failures.c.channel_id == row.channel_id) & (channel_failures.c.is_board == row.is_board)
                due = channel_failures.update().where(of)
                await tx.execute(due.values(next_attempt_at=row.next_attempt_at - passed))
            await tx.execute(leases.update().values(until=leases.c.until - int(passed.total_seconds())))

    @asynccontextmanager
    async def run(self, **changes: str) -> AsyncIterator[BotProcess]:
        """Run the bot until the block ends, if nobody kills it before; leaves no error lost."""
        settings = build_settings(self.api_url, DATABASE_URL=self.database_url, CHECK_INTERVAL_SECONDS="1")
        settings |= {"REMINDER_TEST_INTERVAL": "0.2", "REMINDER_TEST_CLOCK": str(self._clock)} | changes
        async with run_bot(self.discord_url, settings) as bot:
            self.bots.append(bot)
            try:
                yield bot
            finally:
                status = await bot.stop()
            assert status in (0, -signal.SIGKILL), bot.output
        assert not [line for line in bot.lines if any(text in line.lower() for text in LOST_ERRORS)]

    async def polls(self, number: int = 2) -> None:
        """Wait until so many passes that begin from now on have ended."""
        # The first list may belong to a pass under way, or to the check at the start.
        await self.api.lists.nth(len(self.api.lists) + number + 2)

    async def run_through(self, **changes: str) -> None:
        """Start the bot, let it pass, and stop it in good order."""
        async with self.run(**changes):
            await self.polls()

    def kill_at(self, moment: Moment) -> None:
        """Kill the bot at this moment of its next post; before it is stored, the post is lost with it."""

        def kill(_channel_id: int) -> bool:
            self.channels.hooks.clear()
            self.bots[-1].signal(signal.SIGKILL)
            return False

        self.channels.hooks[moment] = kill

    async def killed_at(self, moment: Moment, **changes: str) -> None:
        """Run the bot until it is killed at this moment of its next post."""
        self.kill_at(moment)
        async with self.run(**changes) as bot:
            assert await bot.ended(within=20) == -signal.SIGKILL

    def times_told(self, channel_id: int, account_id: str) -> int:
        """Return how many messages of a channel name an account."""
        return sum(account_id in message["content"] for message in self.channels.seen_in(channel_id))


@asynccontextmanager
async def open_reminding(database_url: str) -> AsyncIterator[Reminding]:
    """Serve the stand-ins until the block ends; the bot must not have asked for what they don't know."""
    with TemporaryDirectory() as folder:
        scene = Reminding(database_url, Path(folder))
        async with scene.discord.serve() as scene.discord_url, scene.api.serve() as scene.api_url:
            yield scene
    assert not scene.discord.rest.unknown.items
