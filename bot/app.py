"""Builds the parts of a bot and connects them with each other; the demo and the tests build theirs here too."""

import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat.commands.account import LookUps
from bot.chat.commands.board import BoardKeeper
from bot.chat.commands.followup import FollowUp
from bot.chat.commands.outlook import Outlook
from bot.chat.commands.overview import OverviewCommands
from bot.chat.commands.services import Services
from bot.chat.commands.status import StatusReport
from bot.chat.commands.watching import Watching
from bot.chat.gateway.client import AccountBot, Commands
from bot.chat.gateway.responder import Responder
from bot.chat.rest.sender import DiscordSender
from bot.chat.views import reminder as reminder_cards
from bot.chat.views.overview import render_board
from bot.config import Settings, secrets_of
from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.monitoring.health_file import Presence
from bot.monitoring.heartbeat import open_heartbeat
from bot.reminders.boards import Boards
from bot.reminders.context import Context
from bot.reminders.poller import Poller
from bot.store.database import Database
from bot.useapi.directory import AccountDirectory, open_directory
from bot.useapi.guild_access import GuildAccess

# Together under ten seconds, which is what Docker and systemd leave a process before they kill it.
_DRAIN_SECONDS = 6.5
_LAST_ANSWERS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say about reminders."""

    interval: timedelta
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told how the bot is doing: what happens, and that a pass was good."""

    telemetry: Telemetry = NO_TELEMETRY
    beat: Callable[[], Awaitable[None]] | None = None


NOBODY = Observers()


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
        observers: Observers = NOBODY,
    ) -> None:
        self.directory = directory
        telemetry = observers.telemetry
        directory.tell(telemetry)
        self.responder = Responder(now=now, telemetry=telemetry)
        guild_access = GuildAccess(guild_ids, directory)
        self.bot = AccountBot(
            guild_access=guild_access, responder=self.responder, jitter=random.random, telemetry=telemetry
        )
        self.presence = Presence(lambda: self.bot.is_connected, now)
        sender = DiscordSender(self.bot)
        context = Context(database, guild_access, sender, reminder_cards, now, telemetry)
        boards = Boards(context, render=render_board)
        self.poller = Poller(context, directory=directory, boards=boards, interval=policy.interval, beat=observers.beat)
        services = Services(
            guild_access=guild_access,
            responder=self.responder,
            database=database,
            sender=sender,
            wake=self.poller.wake,
            default_days=policy.days,
            now=now,
        )
        look_ups = LookUps(guild_access=guild_access, responder=self.responder, now=now)
        self.bot.add_commands(
            Commands(
                look_ups=look_ups,
                watching=Watching(services),
                outlook=Outlook(services),
                followup=FollowUp(services),
                overview=OverviewCommands(services, look_ups),
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
    settings: Settings, database: Database, now: Callable[[], datetime], telemetry: Telemetry = NO_TELEMETRY
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
            observers=Observers(telemetry, beat),
        )
        await stack.enter_async_context(application.bot)
        yield application
