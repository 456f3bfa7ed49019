"""The bot in a simulated Discord, with the API's stand-in behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import discord
import simcord
from pydantic import SecretStr
from simcord.results import InteractionResult

from bot.app import Application
from bot.core.secrets import Redactor
from bot.core.timing import DEFAULT_TIMING
from bot.store.database import Database, open_database
from bot.store.leases import FIRST_EPOCH, Lease
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi
from tests.support.sqlite import lay_database

GUILD_ID = 1_200_000_000_000_000_001
OTHER_GUILD_ID = 1_200_000_000_000_000_002
START = datetime(2026, 1, 1, tzinfo=UTC)
MEMBER = discord.Permissions(
    view_channel=True, send_messages=True, read_message_history=True, use_application_commands=True
)
# A real wait would not move the simulated time.
_TIMING = replace(DEFAULT_TIMING, post_retries=(0.0,) * len(DEFAULT_TIMING.post_retries))


def account(account_id: str, name: str = "Jane Doe", *, days: float | None = 12, **top: Any) -> dict[str, Any]:
    """Return an account object as the API gives it, expiring this many days after the simulation's start."""
    jwt: dict[str, Any] = {
        "token": "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoiSmFuZSJ9.c2lnbmF0dXJlb2ZqYW5l",
        "user": {"deviceID": "dev1ce-1d", "id": account_id, "isAnonymous": False, "name": name},
        "host": "hailuoai.video",
        "searchParams": "uuid=f1ngerpr1nt",
    }
    if days is not None:
        expires = START + timedelta(days=days)
        jwt |= {"exp": expires.timestamp(), "iat": (expires - timedelta(days=30)).timestamp()}
    return {"account": account_id, "jwt": jwt, "maxJobs": 2, "supportVideo": True, **top}


@dataclass
class World:
    """A server with a manager and a member, and a second server that is not listed."""

    env: simcord.Env
    standin: FakeApi
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
        """Run one pass of the reminders."""
        await self.application.poller.poll_once(FIRST_EPOCH)


class _Clock:
    """The simulation's time, once there is a simulation."""

    env: simcord.Env

    def now(self) -> datetime:
        return self.env.now()


@asynccontextmanager
async def open_world(
    accounts: dict[str, Any], guild_ids: tuple[int, ...] = (GUILD_ID,), *, budget: float = 1.0
) -> AsyncIterator[World]:
    """Run the bot for the given accounts in the listed servers; the time is the simulation's, but for the budget."""
    standin, clock = FakeApi(accounts), _Clock()
    with TemporaryDirectory() as folder:
        async with _open_world(standin, clock, folder, guild_ids, budget) as world:
            yield world


@asynccontextmanager
async def _open_world(
    standin: FakeApi, clock: _Clock, folder: str, guild_ids: tuple[int, ...], budget: float
) -> AsyncIterator[World]:
    async with (
        standin.serve() as base_url,
        open_directory(
            base_url=base_url,
            token=SecretStr(TOKEN),
            redact=Redactor([TOKEN]),
            now=clock.now,
            jitter=lambda: 0.0,
            # An API that fails is given up on soon: that takes real time.
            budget=budget,
            # Kept-alive connections hold timers, which simcord would wait for after each action.
            keep_connections=False,
        ) as directory,
        open_database(await lay_database(Path(folder))) as database,
    ):
        assert await Lease(database).take() == FIRST_EPOCH

        def build(*listed: int) -> Application:
            return Application(directory, database, guild_ids=listed or guild_ids, now=clock.now, timing=_TIMING)

        application = build()
        clock.env = env = simcord.Env(application.bot, settle_timeout=15)
        await env.start()
        try:
            yield _furnish(env, standin, build, application, database)
        finally:
            await env.shutdown()
        env.raise_errors()


def _furnish(
    env: simcord.Env,
    standin: FakeApi,
    build: Callable[..., Application],
    application: Application,
    database: Database,
) -> World:
    guild = env.create_guild("Listed", id=GUILD_ID)
    managers = guild.create_role("Managers", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
    members = guild.create_role("Members", permissions=MEMBER)
    return World(
        env=env,
        standin=standin,
        channel=guild.create_text_channel("pipeline"),
        manager=guild.add_member(env.create_user("mia"), roles=[managers]),
        member=guild.add_member(env.create_user("noah"), roles=[members]),
        build=build,
        application=application,
        database=database,
    )
