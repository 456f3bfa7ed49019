"""The bot in a simulated Discord, with the API's stand-in behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import simcord
from pydantic import SecretStr
from simcord.results import InteractionResult

from bot.core.secrets import Redactor
from bot.running import Application
from bot.useapi.client import MiniMaxClient, build_session
from bot.useapi.standin import TOKEN, StandIn

GUILD_ID = 1_200_000_000_000_000_001
OTHER_GUILD_ID = 1_200_000_000_000_000_002
START = datetime(2026, 1, 1, tzinfo=UTC)
MEMBER = discord.Permissions(
    view_channel=True, send_messages=True, read_message_history=True, use_application_commands=True
)


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
    standin: StandIn
    channel: simcord.ChannelHandle
    manager: simcord.MemberActor
    member: simcord.MemberActor
    build: Callable[[], Application]

    async def look_up(self, asked: str, **options: str) -> InteractionResult:
        """Let the manager use the command."""
        return await self.manager.slash(self.channel, "minimax-account", account=asked, **options)

    async def complete(self, typed: str) -> list[dict[str, Any]]:
        """Let the manager type into the account option."""
        return await self.manager.autocomplete(self.channel, "minimax-account", "account", typed)

    async def restart(self) -> None:
        """Replace the bot by a new one, as after a restart of the process."""
        await self.env.restart_bot(self.build().bot)


@asynccontextmanager
async def open_world(accounts: dict[str, Any], *, budget: float = 10.0) -> AsyncIterator[World]:
    """Run the bot for the given accounts; the time is the simulation's."""
    standin = StandIn(accounts)
    # Kept-alive connections hold timers, which simcord would wait for after each action.
    async with standin.serve() as base_url, build_session(keep_connections=False) as session:

        def build() -> Application:
            client = MiniMaxClient(
                session,
                base_url=base_url,
                token=SecretStr(TOKEN),
                redact=Redactor([TOKEN]),
                now=lambda: env.now(),
                jitter=lambda: 0.0,
                budget=budget,
            )
            return Application(client, guild_ids=(GUILD_ID,), now=lambda: env.now())

        env = simcord.Env(build().bot, settle_timeout=15)
        await env.start()
        try:
            guild = env.create_guild("Listed", id=GUILD_ID)
            managers = guild.create_role("Managers", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
            members = guild.create_role("Members", permissions=MEMBER)
            yield World(
                env=env,
                standin=standin,
                channel=guild.create_text_channel("pipeline"),
                manager=guild.add_member(env.create_user("mia"), roles=[managers]),
                member=guild.add_member(env.create_user("noah"), roles=[members]),
                build=build,
            )
        finally:
            await env.shutdown()
        env.raise_errors()
