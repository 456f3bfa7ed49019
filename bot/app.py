"""Builds the parts of a bot and connects them with each other; the demo and the tests build theirs here too."""

import contextlib
import functools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from bot.chat.commands.account import AccountCommands
from bot.chat.commands.board import BoardCommands
from bot.chat.commands.change_notices import ChangeNotices
from bot.chat.commands.channel_names import ChannelNames
from bot.chat.commands.first_run import FirstRun
from bot.chat.commands.overview import OverviewCommands
from bot.chat.commands.reminder_buttons import ReminderButtons
from bot.chat.commands.reminders import ReminderCommands
from bot.chat.commands.status import StatusCommands
from bot.chat.commands.usage import UsageButton
from bot.chat.gateway.client import AccountBot
from bot.chat.gateway.responder import Responder
from bot.chat.rest.command_links import CommandLinks
from bot.chat.rest.permissions import Destinations
from bot.chat.rest.rate_limit import DiscordLimits
from bot.chat.rest.sender import DiscordSender
from bot.chat.views.rendering import Views
from bot.config import Settings, secrets_of
from bot.core.clock import ClockGuard
from bot.core.links import DEFAULT_RENEWAL, RenewalLinks
from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.monitoring.heartbeat import open_heartbeat
from bot.reminders.context import Context
from bot.reminders.poller import Poller
from bot.store.database import Database
from bot.useapi.directory import AccountDirectory, open_directory
from bot.useapi.guild_access import GuildAccess

# Together under ten seconds: Docker and systemd kill a process after ten.
_DRAIN_SECONDS = 6.0
_LAST_ANSWERS_SECONDS = 1.0


def interval_of(settings: Settings, timing: Timing) -> timedelta:
    """Return the time between two polls."""
    return timing.poll_interval or timedelta(seconds=settings.check_interval)


class Application:
    """The parts of an active bot, built and connected with each other.

    Once `is_active` says no, they execute no command and make no request to Discord.
    """

    def __init__(
        self,
        directory: AccountDirectory,
        database: Database,
        *,
        guild_ids: tuple[int, ...],
        clock: ClockGuard,
        interval: timedelta = timedelta(minutes=5),
        lead_times: tuple[int, ...] = (14, 7, 3, 1),
        renewal: RenewalLinks = DEFAULT_RENEWAL,
        timing: Timing = DEFAULT_TIMING,
        telemetry: Telemetry = NO_TELEMETRY,
        beat: Callable[[], Awaitable[None]] | None = None,
        watches_jobs: bool = False,
        limits: DiscordLimits | None = None,
        is_active: Callable[[], bool] = lambda: True,
    ) -> None:
        self.directory = directory
        links = CommandLinks()
        self.responder = Responder(now=clock.now, timing=timing, telemetry=telemetry, links=links)
        access = GuildAccess(guild_ids, directory)
        self.bot = AccountBot(
            access=access,
            responder=self.responder,
            jitter=random.random,
            timing=timing,
            telemetry=telemetry,
            witness=functools.partial(clock.witness, "Discord"),
            limits=limits,
            is_active=is_active,
            links=links,
        )
        self.context = Context(
            database=database,
            access=access,
            sender=DiscordSender(self.bot, timing, links),
            rendering=Views(interval, renewal),
            clock=clock,
            interval=interval,
            lead_times=lead_times,
            timing=timing,
            telemetry=telemetry,
            watches_jobs=watches_jobs,
        )
        self.poller = Poller(self.context, directory, beat=beat)
        self.first_run = FirstRun(self.context)
        self.responder.extend_with(self.first_run.extend)
        self.responder.announce_with(ChangeNotices(self.context).post)
        self._add_commands(renewal)

    def _add_commands(self, renewal: RenewalLinks) -> None:
        account = AccountCommands(self.context, self.responder, renewal)
        overview = OverviewCommands(self.context, self.responder)
        destinations = Destinations(self.bot, self.context.timing)
        names = ChannelNames(self.context, self.bot)
        reminders = ReminderCommands(self.context, self.responder, destinations=destinations, names=names)
        board = BoardCommands(self.context, self.responder, destinations=destinations, boards=self.poller.boards)
        status = StatusCommands(self.context, self.responder, bot=self.bot)
        self.bot.add_commands(
            [*account.get_app_commands(), *overview.get_app_commands(), reminders, board, *status.get_app_commands()]
        )
        for owner in (account, overview, reminders, ReminderButtons(self.context, renewal), UsageButton(self.context)):
            self.bot.router.add(owner)

    async def drain(self) -> None:
        """Give the answers that are in progress and accept no new work; within seven seconds."""
        self.responder.close()
        await self.responder.drain(_DRAIN_SECONDS)
        self.directory.close()
        await self.responder.drain(_LAST_ANSWERS_SECONDS)


@contextlib.asynccontextmanager
async def open_application(
    settings: Settings,
    database: Database,
    clock: ClockGuard,
    *,
    timing: Timing = DEFAULT_TIMING,
    telemetry: Telemetry = NO_TELEMETRY,
    limits: DiscordLimits | None = None,
    is_active: Callable[[], bool] = lambda: True,
) -> AsyncIterator[Application]:
    """Build the application; closes its connections at the end."""
    async with contextlib.AsyncExitStack() as stack:
        directory = await stack.enter_async_context(
            open_directory(
                base_url=settings.base_url,
                token=settings.useapi_token,
                redact=Redactor(secrets_of(settings)),
                now=clock.now,
                budget=timing.api_budget,
                telemetry=telemetry,
                witness=functools.partial(clock.witness, "useapi.net"),
            )
        )
        beat = None
        if settings.heartbeat_url is not None:
            beat = (await stack.enter_async_context(open_heartbeat(settings.heartbeat_url))).beat
        application = Application(
            directory,
            database,
            guild_ids=settings.guild_ids,
            clock=clock,
            interval=interval_of(settings, timing),
            lead_times=settings.reminder_days,
            renewal=settings.renewal,
            timing=timing,
            telemetry=telemetry,
            beat=beat,
            watches_jobs=settings.watch_jobs == "yes",
            limits=limits,
            is_active=is_active,
        )
        await stack.enter_async_context(application.bot)
        yield application
