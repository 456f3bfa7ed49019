"""Builds the parts of a bot and connects them with each other; the demo and the tests build theirs here too."""

import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat import reminder_cards
from bot.chat.account_list import render_board
from bot.chat.board import BoardKeeper
from bot.chat.client import AccountBot, Commands
from bot.chat.followup import FollowUp
from bot.chat.lookup import LookUps
from bot.chat.outlook import Outlook
from bot.chat.overview import Overview
from bot.chat.replies import Responder
from bot.chat.sender import DiscordSender
from bot.chat.services import Services
from bot.chat.status import StatusReport
from bot.chat.watching import Watching
from bot.config import Settings, secrets_of
from bot.core.notes import NO_NOTES, Notes
from bot.core.secrets import Redactor
from bot.health import Presence
from bot.monitoring.heartbeat import open_heartbeat
from bot.reminding.boards import Boards
from bot.reminding.passes import Passes
from bot.reminding.sending import Outbox
from bot.store.database import Database
from bot.useapi.directory import AccountDirectory, open_directory
from bot.useapi.servers import Servers

# Together under ten seconds, which is what Docker and systemd leave a process before they kill it.
_DRAIN_SECONDS = 6.5
_LAST_ANSWERS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say about reminders."""

    interval: timedelta
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told how the bot is doing: what happens, and that a pass was good."""

    notes: Notes = NO_NOTES
    beat: Callable[[], Awaitable[None]] | None = None


NOBODY = Watchers()


class Application:
    """The parts of a bot, built and connected with each other."""

    def __init__(
        self,
        directory: AccountDirectory,
        database: Database,
        *,
        guild_ids: tuple[int, ...],
        policy: Policy,
        now: Callable[[], datetime],
        watchers: Watchers = NOBODY,
    ) -> None:
        self.directory = directory
        notes = watchers.notes
        directory.tell(notes)
        self.responder = Responder(now=now, notes=notes)
        servers = Servers(guild_ids, directory)
        self.bot = AccountBot(servers=servers, responder=self.responder, jitter=random.random, notes=notes)
        self.presence = Presence(lambda: self.bot.is_connected, now)
        sender = DiscordSender(self.bot)
        outbox = Outbox(database, servers, sender, reminder_cards, now, notes)
        boards = Boards(outbox, render=render_board)
        self.passes = Passes(outbox, directory=directory, boards=boards, interval=policy.interval, beat=watchers.beat)
        services = Services(
            servers=servers,
            responder=self.responder,
            database=database,
            sender=sender,
            wake=self.passes.wake,
            default_days=policy.days,
            now=now,
        )
        look_ups = LookUps(servers=servers, responder=self.responder, now=now)
        self.bot.add_commands(
            Commands(
                look_ups=look_ups,
                watching=Watching(services),
                outlook=Outlook(services),
                followup=FollowUp(services),
                overview=Overview(services, look_ups),
                boards=BoardKeeper(services, boards),
                status=StatusReport(services, interval=policy.interval),
            )
        )

    async def drain(self) -> None:
        """Give the answers that are under way, take no new work; within eight seconds."""
        self.responder.close()
        await self.responder.drain(_DRAIN_SECONDS)
        self.directory.close()
        await self.responder.drain(_LAST_ANSWERS_SECONDS)


@contextlib.asynccontextmanager
async def open_application(
    settings: Settings, database: Database, now: Callable[[], datetime], notes: Notes = NO_NOTES
) -> AsyncIterator[Application]:
    """Build the application; closes its connections at the end."""
    async with contextlib.AsyncExitStack() as stack:
        directory = await stack.enter_async_context(
            open_directory(
                base_url=settings.base_url, token=settings.useapi_token, redact=Redactor(secrets_of(settings)), now=now
            )
        )
        beat = None
        if settings.heartbeat_url.get_secret_value():
            beat = (await stack.enter_async_context(open_heartbeat(settings.heartbeat_url))).beat
        application = Application(
            directory,
            database,
            guild_ids=settings.guild_ids,
            policy=Policy(timedelta(seconds=settings.check_interval), settings.reminder_days),
            now=now,
            watchers=Watchers(notes, beat),
        )
        await stack.enter_async_context(application.bot)
        yield application
