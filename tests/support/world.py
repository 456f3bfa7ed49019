"""The bot in a simulated Discord, with the fake API behind it: the world of the tests of commands and messages."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import discord
import simcord
from pydantic import SecretStr
from simcord.results import InteractionResult

from bot.app import Application
from bot.core.clock import ClockGuard
from bot.core.secrets import Redactor
from bot.core.timing import DEFAULT_TIMING
from bot.store.database import Database, open_database
from bot.store.leases import FIRST_EPOCH, Lease
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi
from tests.support.accounts import START
from tests.support.databases import lay_sqlite
from tests.support.openapi import watch_simcord
from tests.support.sqlite import skip_disk, without_threads

GUILD_ID = 1_200_000_000_000_000_001
OTHER_GUILD_ID = 1_200_000_000_000_000_002
MEMBER = discord.Permissions(
    view_channel=True, send_messages=True, read_message_history=True, use_application_commands=True
)
# A real wait would not move the simulated time.
_TIMING = replace(DEFAULT_TIMING, post_retries=(0.0,) * len(DEFAULT_TIMING.post_retries))


watch_simcord()


@dataclass
class World:
    """A listed server with a channel, a manager and a member, and the bot with its database."""

    env: simcord.Env
    api: FakeApi
    channel: simcord.ChannelHandle
    manager: simcord.MemberActor
    member: simcord.MemberActor
    build: Callable[..., Application]
    application: Application
    database: Database

    async def look_up(self, asked: str, **options: str) -> InteractionResult:
        """Let the manager use the command."""
        return await self.manager.slash(self.channel, "minimax-account", account=asked, **options)

    async def complete(self, typed: str) -> list[dict[str, Any]]:
        """Let the manager type into the account option."""
        return await self.manager.autocomplete(self.channel, "minimax-account", "account", typed)

    async def restart(self, *guild_ids: int) -> None:
        """Replace the bot by a new one, as a restart of the process does; it serves these servers, if there are any."""
        self.application = self.build(*guild_ids)
        await self.env.restart_bot(self.application.bot)

    async def poll_once(self) -> None:
        """Run one poll."""
        await self.application.poller.poll_once(FIRST_EPOCH)

    async def poll_twice(self) -> None:
        """Run two polls a minute apart: the second one confirms what the first one read."""
        await self.poll_once()
        await self.env.advance_time(60)
        await self.poll_once()


class _Clock:
    """The time of the simulation."""

    env: simcord.Env | None = None

    def now(self) -> datetime:
        return START if self.env is None else self.env.now()


class _Env(simcord.Env):
    """A simulated Discord that looks every 1 ms, not every 50, whether the bot is done: most tests wait for that."""

    async def _settle_internal(self, *, idle: float = 0.001, **options: Any) -> None:
        await super()._settle_internal(idle=idle, **options)


@asynccontextmanager
async def open_world(
    accounts: dict[str, Any],
    guild_ids: tuple[int, ...] = (GUILD_ID,),
    *,
    budget: float = 10.0,
    is_new: bool = False,
    watches_jobs: bool = False,
) -> AsyncIterator[World]:
    """Run the bot for these accounts in the listed servers; `budget` is how many real seconds the API may take.

    Only in a world that `is_new` does the first answer show the first steps, and only with `watches_jobs` do polls read
    jobs and credits.
    """
    clock = _Clock()
    api = FakeApi(accounts, now=clock.now)
    with TemporaryDirectory() as folder, without_threads():
        async with _open_world(
            api, clock, folder, guild_ids, budget, is_new=is_new, watches_jobs=watches_jobs
        ) as world:
            yield world


@asynccontextmanager
async def _open_world(
    api: FakeApi,
    clock: _Clock,
    folder: str,
    guild_ids: tuple[int, ...],
    budget: float,
    *,
    is_new: bool,
    watches_jobs: bool,
) -> AsyncIterator[World]:
    guard = ClockGuard(clock.now)
    async with (
        api.serve() as base_url,
        open_directory(
            base_url=base_url,
            token=SecretStr(TOKEN),
            redact=Redactor([TOKEN]),
            now=guard.now,
            witness=functools.partial(guard.witness, "useapi.net"),
            jitter=lambda: 0.0,
            budget=budget,
            # simcord would wait for the timers of kept-alive connections after each action.
            keep_connections=False,
        ) as directory,
        open_database(await lay_sqlite(Path(folder))) as database,
    ):
        await skip_disk(database)
        assert await Lease(database).take() == FIRST_EPOCH

        def build(*listed: int) -> Application:
            built = Application(
                directory,
                database,
                guild_ids=listed or guild_ids,
                clock=guard,
                timing=_TIMING,
                watches_jobs=watches_jobs,
            )
            if not is_new:
                built.first_run.welcomed.update(guild_ids)
            return built

        application = build()
        clock.env = env = _Env(application.bot, settle_timeout=15)
        await env.start()
        try:
            yield _furnish(env, api, build, application, database)
        finally:
            await env.shutdown()
        env.raise_errors()


def _furnish(
    env: simcord.Env,
    api: FakeApi,
    build: Callable[..., Application],
    application: Application,
    database: Database,
) -> World:
    guild = env.create_guild("Listed", id=GUILD_ID)
    managers = guild.create_role("Managers", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
    members = guild.create_role("Members", permissions=MEMBER)
    return World(
        env=env,
        api=api,
        channel=guild.create_text_channel("pipeline"),
        manager=guild.add_member(env.create_user("mia"), roles=[managers]),
        member=guild.add_member(env.create_user("noah"), roles=[members]),
        build=build,
        application=application,
        database=database,
    )
