"""Polls over a database that is there already, between a list of accounts and channels in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from bot.core.accounts import Account
from bot.core.clock import ClockGuard
from bot.core.messages import OutgoingMessage
from bot.core.notifications import Kind
from bot.core.secrets import Redactor
from bot.reminders.context import Context, Save
from bot.reminders.poller import Poller
from bot.store.database import Database
from bot.store.leases import Lease
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi
from bot.useapi.guild_access import GuildAccess
from tests.support.engine.channels import Channels, Life, Rendering

# A channel, an account, and what the channel has heard about it; without a stage, 0.
Said = tuple[int, str | None, Kind, int]


class OldChannels(Channels):
    """Channels in which boards, and messages of an earlier process, are accepted and not kept."""

    def __init__(self, channel_ids: Collection[int], rendering: Rendering, now: Callable[[], datetime]) -> None:
        super().__init__(channel_ids, Life(), rendering, now)
        self._reminders = rendering.contents

    async def post(
        self,
        channel_id: int,
        message: OutgoingMessage,
        nonce: str,
        *,
        guild_id: int | None = None,
        save: Save | None = None,
    ) -> int | None:
        """Accept a post."""
        if nonce[:8] not in self._reminders:
            return 1
        return await super().post(channel_id, message, nonce, guild_id=guild_id, save=save)

    async def edit(
        self, channel_id: int, message_id: int, message: OutgoingMessage, *, guild_id: int | None = None
    ) -> None:
        """Accept an edit of any message."""


class Polls:
    """Runs polls, each a minute after the one before; a retry takes no real time."""

    def __init__(self, channel_ids: Collection[int], now: datetime) -> None:
        self.now = now
        self.api = FakeApi({}, now=lambda: self.now)
        self.rendering = Rendering()
        self.channels = OldChannels(channel_ids, self.rendering, lambda: self.now)
        self.poller: Poller
        self.epoch = 0

    def show(self, accounts: Iterable[Account]) -> None:
        """Let the API list these accounts."""
        self.api.accounts = {one.id: _listed(one) for one in accounts}

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    async def run(self, times: int = 1) -> None:
        """Run polls."""
        for _ in range(times):
            await self.sleep(60)
            await self.poller.poll_once(self.epoch)

    @property
    def said(self) -> list[Said]:
        """Return what all channels have heard, by channel."""
        return [
            (channel_id, one.account_id, one.kind, one.stage)
            for channel_id, channel in self.channels.by_id.items()
            for one in channel.heard
        ]


def _listed(account: Account) -> dict[str, Any]:
    dates = {"exp": account.expires_at, "iat": account.issued_at}
    jwt = {name: date.timestamp() for name, date in dates.items() if date is not None}
    listed = {"account": account.id, "jwt": jwt | {"token": "a.b.c", "user": {"id": account.user_id or account.id}}}
    return listed | ({} if account.error is None else {"error": account.error})


@asynccontextmanager
async def open_polls(
    database: Database, guild_id: int, channel_ids: Collection[int], now: datetime
) -> AsyncIterator[Polls]:
    """Let a process poll a database from then on, for the channels of one guild."""
    polls = Polls(channel_ids, now)
    async with (
        polls.api.serve() as base_url,
        open_directory(
            base_url=base_url,
            token=SecretStr(TOKEN),
            redact=Redactor([TOKEN]),
            now=lambda: polls.now,
            keep_connections=False,
        ) as directory,
    ):
        context = Context(
            database=database,
            access=GuildAccess((guild_id,), directory),
            sender=polls.channels,
            rendering=polls.rendering,
            clock=ClockGuard(lambda: polls.now),
            interval=timedelta(minutes=5),
            lead_times=(14, 7, 3, 1),
        )
        polls.poller = Poller(context, directory, sleep=polls.sleep)
        polls.epoch = await Lease(database).take()
        yield polls
