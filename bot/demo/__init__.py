"""The whole bot in a simulated Discord, shown in the browser: no credentials, no network."""

import asyncio
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory

import discord
import simcord
from pydantic import SecretStr
from simcord.backend.errors import SetupError
from simcord.preview import Preview

from bot.core.secrets import Redactor
from bot.demo.accounts import FIRST_SHOWN, build_accounts, build_avatars
from bot.errors import PortTaken
from bot.logs import set_up_logging
from bot.running import Application, Policy
from bot.store.database import Database, open_database
from bot.store.leader import Lease
from bot.useapi.directory import open_directory
from bot.useapi.standin import TOKEN, StandIn

GUILD_ID = 1_100_000_000_000_000_001
_MEMBER = discord.Permissions(
    view_channel=True, send_messages=True, read_message_history=True, use_application_commands=True
)


class DemoClock:
    """Simulated time that starts at the real one and goes on at its pace; travelling moves it further."""

    def __init__(self, real_now: Callable[[], datetime]) -> None:
        self._real_now = real_now
        self._started = real_now()
        self._env: simcord.Env | None = None

    def now(self) -> datetime:
        """Return the time in the demo."""
        simulated = self._started if self._env is None else self._env.now()
        return simulated + (self._real_now() - self._started)

    async def follow(self, env: simcord.Env) -> None:
        """Move the simulated Discord to the start time, and take its time from then on."""
        await env.advance_time((self._started - env.now()).total_seconds())
        self._env = env


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: the simulated Discord, its channel and the two people who look at it."""

    env: simcord.Env
    channel: simcord.ChannelHandle
    manager: simcord.MemberActor
    member: simcord.MemberActor
    standin: StandIn


def _furnish(env: simcord.Env, standin: StandIn) -> Demo:
    guild = env.create_guild("Video team", id=GUILD_ID)
    managers = guild.create_role("Producers", permissions=discord.Permissions(_MEMBER.value, manage_guild=True))
    members = guild.create_role("Editors", permissions=_MEMBER)
    channel = guild.create_text_channel("pipeline", topic="Type /minimax-account, then a digit or a letter of a name")
    mia = env.create_user("mia", global_name="Mia · manager")
    noah = env.create_user("noah", global_name="Noah · editor")
    return Demo(
        env=env,
        channel=channel,
        manager=guild.add_member(mia, roles=[managers]),
        member=guild.add_member(noah, roles=[members]),
        standin=standin,
    )


@asynccontextmanager
async def _open_temporary_database() -> AsyncIterator[Database]:
    with TemporaryDirectory() as folder:
        async with open_database(f"sqlite+aiosqlite:///{folder}/demo.db") as database:
            yield database


@asynccontextmanager
async def open_demo(now: Callable[[], datetime]) -> AsyncIterator[Demo]:
    """Run the bot in a simulated Discord against the API's stand-in, with one look-up already in the channel."""
    clock = DemoClock(now)
    standin = StandIn(build_accounts(clock.now()))
    # Kept-alive connections hold timers, which simcord would wait for after each action.
    async with (
        standin.serve() as base_url,
        open_directory(
            base_url=base_url,
            token=SecretStr(TOKEN),
            redact=Redactor([TOKEN]),
            now=clock.now,
            keep_connections=False,
        ) as directory,
        _open_temporary_database() as database,
    ):
        application = Application(
            directory,
            database,
            guild_ids=(GUILD_ID,),
            policy=Policy(timedelta(minutes=30), (14, 7, 3, 1)),
            now=clock.now,
        )
        async with simcord.run(application.bot, check_errors=False) as env:
            await clock.follow(env)
            assert application.bot.user is not None
            await application.bot.user.edit(username="MiniMax Bot")
            demo = _furnish(env, standin)
            # The accounts are known then, so that a new reminder can say what comes next.
            epoch = await Lease(database).take()
            await application.passes.run_once(epoch)
            await demo.manager.slash(demo.channel, "minimax-account", account=FIRST_SHOWN, share="yes")
            passing = asyncio.create_task(application.passes.keep_passing(epoch), name="pass")
            try:
                yield demo
            finally:
                passing.cancel()
                await asyncio.gather(passing, return_exceptions=True)


async def run_demo(*, port: int, open_browser: bool, now: Callable[[], datetime]) -> None:
    """Serve the demo page until Ctrl-C, or until the visitor ends the session in the page."""
    set_up_logging(Redactor([TOKEN]), "WARNING", "text")
    async with open_demo(now) as demo:
        preview = demo.env.preview(
            demo.channel,
            viewers=[demo.manager, demo.member],
            layout="channel",
            assets=build_avatars(),
            port=port,
        )
        await _show(preview, port, open_browser=open_browser)


async def _show(preview: Preview, port: int, *, open_browser: bool) -> None:
    try:
        await preview.__aenter__()
    except SetupError:
        if port == 0:
            raise
        raise PortTaken(port) from None
    try:
        print(f"The demo runs at {preview.url}", flush=True)
        print(
            "In the page type /minimax-account, then a digit or a letter of a name. Ctrl-C ends the demo.", flush=True
        )
        if open_browser:
            await asyncio.to_thread(webbrowser.open, preview.url)
        await preview.wait_closed()
    finally:
        await preview.close()
