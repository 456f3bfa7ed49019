"""The loop behind the reminders: read, check the clock, settle, record, plan, send, refresh."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from bot.core.accounts import Account
from bot.core.messages import MessageKind
from bot.core.telemetry import PollOutcome
from bot.core.wording import say_wrong_clock
from bot.errors import BotError, StoreError, SubscriptionLapsed, UseapiTokenRefused
from bot.reminders.assignments import end_assignments_of_leavers
from bot.reminders.boards import Boards
from bot.reminders.channel_checks import ChannelChecks
from bot.reminders.context import Context
from bot.reminders.dispatcher import Dispatcher
from bot.reminders.planning import draw_up_plan, load_situation, save_plan
from bot.reminders.recording import record_failure, record_reading
from bot.reminders.refresh import Refresher
from bot.store.leases import ensure_holds_lease, mark_polled
from bot.useapi.directory import AccountDirectory

_LOG = logging.getLogger(__name__)

# An older reading is not sent any more: the login may have been renewed meanwhile.
_SEND_WITHIN = timedelta(minutes=5)


class Poller:
    """Runs one poll after the other, never two at once; the interval counts from the end of one.

    `active_since` is None while another process polls. `polled_at` is when a poll of this process was last complete,
    `read_at` when one last read the accounts. `beat`, if given, is awaited after each poll that did both.
    """

    def __init__(
        self,
        context: Context,
        directory: AccountDirectory,
        *,
        beat: Callable[[], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._context = context
        self._database, self._now = context.database, context.now
        self._directory = directory
        self._dispatcher = Dispatcher(context, sleep=sleep)
        self._refresher = Refresher(context)
        self._checks = ChannelChecks(context)
        self._beat = beat
        self.boards = Boards(context, self._dispatcher)
        self.active_since: datetime | None = None
        self.polled_at: datetime | None = None
        self.read_at: datetime | None = None
        self._turn = asyncio.Lock()
        self._is_first = True
        self._confirm_at: datetime | None = None
        self._refused_since: datetime | None = None
        self._trusted_clock = True

    async def keep_polling(self, epoch: int) -> None:
        """Poll until cancelled; a poll that fails is logged, and the next one comes all the same."""
        self.active_since = self._now()
        clock = asyncio.get_running_loop().time
        try:
            while True:
                self._context.poll_requested.clear()
                started = clock()
                outcome = await self._try_once(epoch)
                self._context.telemetry.polled(outcome, clock() - started)
                if self._beat is not None and outcome is PollOutcome.COMPLETED:
                    await self._beat()
                await self._rest()
        finally:
            self.active_since = None

    async def _try_once(self, epoch: int) -> PollOutcome:
        try:
            return await self.poll_once(epoch)
        except StoreError as error:
            _LOG.warning("A poll waits for the database: %s", error)
        except Exception:  # whatever a poll runs into, the next one comes
            _LOG.exception("A poll failed; the next one comes all the same")
        return PollOutcome.FAILED

    async def poll_once(self, epoch: int) -> PollOutcome:
        """Run one poll, after one that is running; return how it ended, other than FAILED.

        Raises:
            StoreError: the database can't be used, or another process has the lease by now.
        """
        async with self._turn:
            until, read = self._now() + _SEND_WITHIN, await self._read()
            if not self._trusts_clock():
                return PollOutcome.CLOCK_WRONG
            await self._dispatcher.settle(MessageKind.NOTIFICATIONS)
            await self._record(epoch, read)
            await self._plan(epoch)
            await end_assignments_of_leavers(self._context)
            is_read = not isinstance(read, BotError)
            if await self._dispatcher.send_pending(epoch, until if is_read else None):
                self._context.poll_requested.set()
            await self._refresher.edit_outdated()
            await self._dispatcher.settle(MessageKind.BOARD)
            await self._refresher.edit_boards()
            await self._dispatcher.post_missing_boards()
            await self._checks.check_daily()
            await self._checks.report()
            async with self._database.begin() as tx:
                await mark_polled(tx, self._now())
            self.polled_at = self._now()
            if not is_read:
                return PollOutcome.UNREADABLE
            self.read_at = self.polled_at
            return PollOutcome.COMPLETED

    def _trusts_clock(self) -> bool:
        """Return whether the machine's clock is right; each change is logged."""
        clock, trusted_before = self._context.clock, self._trusted_clock
        self._trusted_clock = clock.is_trusted
        if trusted_before and not self._trusted_clock:
            _LOG.warning("%s", say_wrong_clock(clock.skew))
        elif self._trusted_clock and not trusted_before:
            _LOG.info("The clock of this machine is right again, so reminders are sent again")
        return self._trusted_clock

    async def _read(self) -> Mapping[str, Account] | BotError:
        """Read the accounts, by id; return the error if they can't be read."""
        # At the start, the list that the check of the token read is new enough.
        fresh, self._is_first = not self._is_first, False
        try:
            read = await self._directory.read_all(fresh=fresh)
        except StoreError:
            raise
        except BotError as error:
            _LOG.warning("The accounts can't be read: %s (%s)", type(error).__name__, error)
            return error
        return {key: snapshot.account for key, snapshot in read.items()}

    async def _record(self, epoch: int, read: Mapping[str, Account] | BotError) -> None:
        now, self._confirm_at = self._now(), None
        async with self._database.begin() as tx:
            await ensure_holds_lease(tx, epoch)
            if isinstance(read, BotError):
                is_refused = isinstance(read, UseapiTokenRefused | SubscriptionLapsed)
                self._refused_since = (self._refused_since or now) if is_refused else None
                await record_failure(tx, now, self._refused_since)
                return
            self._refused_since = None
            if await record_reading(tx, read, now):
                self._confirm_at = now + min(self._context.timing.confirm_after, self._context.interval)

    async def _plan(self, epoch: int) -> None:
        listed, now = self._context.access.listed, self._now()
        async with self._database.begin() as tx:
            situation = await load_situation(tx, listed, now)
        plan = await draw_up_plan(situation, now)
        async with self._database.begin() as tx:
            await ensure_holds_lease(tx, epoch)
            await save_plan(tx, plan, now)

    async def next_poll_at(self) -> datetime:
        """Return when to poll next: after the interval, or earlier to confirm a reading or to try a channel again."""
        regular = self._now() + self._context.interval - self._apart()
        if not self._trusted_clock:
            return regular
        if self._confirm_at is not None:
            regular = min(regular, self._confirm_at)
        try:
            attempt_at = await self._dispatcher.next_attempt_at()
        except StoreError:
            return regular
        return regular if attempt_at is None else min(regular, attempt_at)

    def _apart(self) -> timedelta:
        return min(self._context.interval, self._context.timing.polls_apart)

    async def _rest(self) -> None:
        await asyncio.sleep(self._apart().total_seconds())
        rest = (await self.next_poll_at() - self._now()).total_seconds()
        if rest > 0:
            try:
                async with asyncio.timeout(rest):
                    await self._context.poll_requested.wait()
            except TimeoutError:
                return
