"""The whole bot in a simulated Discord, shown in the browser: no credentials, no network."""

import asyncio
import functools
import math
import webbrowser
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import available_timezones

import discord
import simcord
from pydantic import SecretStr
from simcord.backend.errors import SetupError
from simcord.preview import Preview

from bot.app import Application
from bot.core.clock import ClockGuard
from bot.core.notes import Note
from bot.core.secrets import Redactor
from bot.core.timing import DEFAULT_TIMING
from bot.core.wording import say_count
from bot.demo.accounts import CREDITS_BELOW, FIRST_SHOWN, NOTE, build_avatars, draw_avatar, set_scene
from bot.demo.icon import encode_icon
from bot.demo.page import avatar_url, dress
from bot.demo.renewals import Renewals
from bot.demo.travel import DemoClock, Travel
from bot.errors import PortTaken
from bot.logs import set_up_logging
from bot.reminders.poller import Poller
from bot.store.database import Database, open_database
from bot.store.leases import FIRST_EPOCH, Lease
from bot.store.notes import set_note
from bot.useapi.directory import open_directory
from bot.useapi.fake import TOKEN, FakeApi

GUILD_ID = 1_100_000_000_000_000_001
_DAYS_BEFORE = 6
_LOCALTIME = Path("/etc/localtime")
# Nothing changes the commands of the simulated server, and each day of a long journey would be a stop.
_TIMING = replace(DEFAULT_TIMING, compare_commands=math.inf)
_HINTS = """\
Three things to try there: type /minimax-account m, choose an account and press Enter; press "1 day later" in the
newest message; press "I'm on it" under a reminder, then wait. Ctrl-C ends the demo."""
_MEMBER = discord.Permissions(
    view_channel=True, send_messages=True, read_message_history=True, use_application_commands=True
)


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: the simulated Discord with two channels, two members and a role, the fake API, and time travel.

    `avatars` are the pictures of the bot and the members by URL, each with a file name.
    """

    env: simcord.Env
    channel: simcord.ChannelHandle
    other_channel: simcord.ChannelHandle
    manager: simcord.MemberActor
    member: simcord.MemberActor
    producers: simcord.RoleHandle
    api: FakeApi
    clock: DemoClock
    travel: Travel
    renewals: Renewals
    avatars: Mapping[str, tuple[str, bytes]]


def _furnish(env: simcord.Env, bot_id: int, api: FakeApi, clock: DemoClock, travel: Travel, renewals: Renewals) -> Demo:
    guild = env.create_guild("Video team", id=GUILD_ID)
    managing = discord.Permissions(_MEMBER.value, manage_guild=True)
    managers = guild.create_role("Producers", permissions=managing, mentionable=True)
    members = guild.create_role("Editors", permissions=_MEMBER)
    channel = guild.create_text_channel("pipeline", topic="Type /minimax-account m, choose an account, press Enter")
    mia = env.create_user("mia", global_name="Mia · manager", avatar="mia")
    noah = env.create_user("noah", global_name="Noah · editor", avatar="noah")
    env.backend.get_user(bot_id).avatar = "bot"
    pictures = {
        (bot_id, "bot"): encode_icon(128),
        (mia.id, "mia"): draw_avatar("#d9480f"),
        (noah.id, "noah"): draw_avatar("#1098ad"),
    }
    return Demo(
        env=env,
        channel=channel,
        other_channel=guild.create_text_channel("ops"),
        manager=guild.add_member(mia, roles=[managers]),
        member=guild.add_member(noah, roles=[members]),
        producers=managers,
        api=api,
        clock=clock,
        travel=travel,
        renewals=renewals,
        avatars={avatar_url(user_id, name): (f"{name}.png", picture) for (user_id, name), picture in pictures.items()},
    )


@asynccontextmanager
async def _open_temporary_database() -> AsyncIterator[Database]:
    with TemporaryDirectory() as folder:
        async with open_database(f"sqlite+aiosqlite:///{folder}/demo.db") as database:
            yield database


async def _live_until_today(demo: Demo, poller: Poller, database: Database) -> None:
    """Give the channel a past: a note, a reminder for all accounts, the messages it brought, and a look-up today."""
    # The new reminder then knows the accounts, so that its answer has the next date.
    await poller.poll_once(FIRST_EPOCH)
    async with database.begin() as tx:
        await set_note(tx, GUILD_ID, FIRST_SHOWN, Note(NOTE, demo.manager.id, demo.clock.now()))
    terms = {"ping": demo.producers, "credits-below": CREDITS_BELOW}
    await demo.manager.slash(demo.channel, "minimax-reminders add", account="all", **terms)
    await poller.poll_once(FIRST_EPOCH)
    await demo.travel.go(_DAYS_BEFORE - 1)
    await demo.travel.pass_day()
    await demo.manager.slash(demo.channel, "minimax-account", account=FIRST_SHOWN, share="yes")
    await poller.poll_once(FIRST_EPOCH)


@asynccontextmanager
async def _keep(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run these in the background meanwhile."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_demo(now: Callable[[], datetime], *, days_later: int = 0) -> AsyncIterator[Demo]:
    """Run the bot in a simulated Discord with the fake API; the channel has some days of messages already."""
    clock = DemoClock(now, days_before=_DAYS_BEFORE)
    api, guard = FakeApi({}, now=clock.now), ClockGuard(clock.now)
    set_scene(api, clock.today, clock.now())
    # simcord would wait for the timers of kept-alive connections after each action.
    async with (
        api.serve() as base_url,
        open_directory(
            base_url=base_url,
            token=SecretStr(TOKEN),
            redact=Redactor([TOKEN]),
            now=guard.now,
            witness=functools.partial(guard.witness, "useapi.net"),
            keep_connections=False,
        ) as directory,
        _open_temporary_database() as database,
    ):
        application = Application(
            directory, database, guild_ids=(GUILD_ID,), clock=guard, timing=_TIMING, watches_jobs=True
        )
        async with simcord.run(application.bot, check_errors=False) as env:
            await clock.follow(env)
            assert application.bot.user is not None
            await application.bot.user.edit(username="MiniMax Bot")
            await Lease(database).take()
            renewals = Renewals(database, GUILD_ID, clock, api, application.poller)
            travel = Travel(env, clock, api, application.poller)
            travel.on_new_day = renewals.apply
            demo = _furnish(env, application.bot.user.id, api, clock, travel, renewals)
            await _live_until_today(demo, application.poller, database)
            await demo.travel.go(days_later)
            await demo.travel.offer(application.bot.get_partial_messageable(demo.channel.id))
            async with _keep(
                clock.keep_running(),
                demo.travel.keep_going(),
                renewals.keep_going(),
                application.poller.keep_polling(FIRST_EPOCH),
            ):
                yield demo


def build_page(demo: Demo, port: int = 0) -> Preview:
    """Return the page of the demo, on a free port if none is given."""
    preview = demo.env.preview(
        demo.channel,
        viewers=[demo.manager, demo.member],
        layout="channel",
        timezone=_find_timezone(),
        assets={**build_avatars(), **demo.avatars},
        port=port,
    )
    return dress(preview, port)


def _find_timezone() -> str:
    """Return the name of this machine's time zone, or UTC."""
    zone = str(_LOCALTIME.resolve()).partition("zoneinfo/")[2]
    return zone if zone in available_timezones() else "UTC"


async def run_demo(*, port: int, days_later: int, open_browser: bool, now: Callable[[], datetime]) -> None:
    """Serve the demo page until Ctrl-C, or until the visitor ends the session in the page."""
    # Warnings are for an operator; a visitor's mistakes are answered in the page.
    set_up_logging(Redactor([TOKEN]), "ERROR", "text")
    if days_later:
        print(f"Jumping ahead {say_count(days_later, 'day')}…", flush=True)
    async with open_demo(now, days_later=days_later) as demo:
        preview = build_page(demo, port)
        demo.travel.on_arrival = demo.renewals.on_change = preview.refresh
        await serve(preview, port, open_browser=open_browser)


async def serve(preview: Preview, port: int, *, open_browser: bool) -> None:
    """Serve a page on its port, and say where, until the visitor ends the session in it.

    Raises:
        PortTaken: another program listens on the port.
    """
    try:
        await preview.__aenter__()
    except SetupError:
        if port == 0:
            raise
        raise PortTaken(port) from None
    try:
        print(f"The demo runs at {preview.url}", flush=True)
        print(_HINTS, flush=True)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, preview.url)
        await preview.wait_closed()
    finally:
        await preview.close()
