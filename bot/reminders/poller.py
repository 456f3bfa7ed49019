"""The loop behind the reminders: read, check the clock, settle, record, plan, send, refresh."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta

from bot.core.accounts import Account
from bot.core.messages import MessageKind
from bot.core.telemetry import PollOutcome
from bot.core.wording import say_wrong_clock
from bot.errors import BotError, StoreError, SubscriptionLapsed, UseapiTokenRefused
from bot.reminders.assignments import end_assignments_of_leavers, load_renewing
from bot.reminders.boards import Boards
from bot.reminders.channel_checks import ChannelChecks
from bot.reminders.close_polling import CLEAR_BEFORE_POLL, ClosePolling
from bot.reminders.context import Context
from bot.reminders.dispatcher import Dispatcher
from bot.reminders.planning import draw_up_plan, load_situation, save_plan
from bot.reminders.recording import Renewing, is_news, record_failure, record_reading
from bot.reminders.refresh import Refresher
from bot.reminders.usage_checks import UsageChecks
from bot.store.leases import ensure_holds_lease, mark_polled
from bot.useapi.directory import AccountDirectory

_LOG = logging.getLogger(__name__)

# An older reading is not sent any more: the login may have been renewed meanwhile.
_SEND_WITHIN = timedelta(minutes=5)
# By how much two timers may differ.
_LEEWAY = timedelta(seconds=1)


class Poller:
    """Runs one poll after the other, never two at once; the interval counts from the end of one.

    While somebody renews a login, close polls come in between, and leave the times of polls as they are.

    `active_since` is None while another process polls. `polled_at` is when a poll of this process was last complete,
    `read_at` when one last read the accounts. `beat`, if given, is awaited after each poll that did both. `clock`
    returns seconds, by which `sleep` waits; by default those of the event loop.
    """

    def __init__(
        self,
        context: Context,
        directory: AccountDirectory,
        *,
        beat: Callable[[], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._context = context
        self._database, self._now = context.database, context.now
        self._directory = directory
        self._sleep, self._clock = sleep, clock or (lambda: asyncio.get_running_loop().time())
        self._dispatcher = Dispatcher(context, sleep=sleep)
        self._refresher = Refresher(context)
        self._checks = ChannelChecks(context)
        self._close = ClosePolling(context)
        self._usage_checks = UsageChecks(context, directory.usage)
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
        self.active_since, is_early = self._now(), False
        try:
            while True:
                self._context.poll_requested.clear()
                started = self._clock()
                outcome = await self._try_once(epoch, is_early=is_early)
                self._context.telemetry.polled(outcome, self._clock() - started)
                if self._beat is not None and outcome is PollOutcome.COMPLETED:
                    await self._beat()
                is_early = await self._rest(epoch)
        finally:
            self.active_since = None
            self._usage_checks.close()

    async def _try_once(self, epoch: int, *, is_early: bool) -> PollOutcome:
        with _logging_failures():
            return await self.poll_once(epoch, is_early=is_early)
        return PollOutcome.FAILED

    async def poll_once(self, epoch: int, *, is_early: bool = False) -> PollOutcome:
        """Run one poll, after one that is running; return how it ended, other than FAILED.

        One that `is_early` comes in place of a close poll, and confirms no more than that.

        Raises:
            StoreError: the database can't be used, or another process has the lease by now.
        """
        async with self._turn:
            self._usage_checks.begin()
            until, read = self._now() + _SEND_WITHIN, await self._read()
            if not self._trusts_clock():
                return PollOutcome.CLOCK_WRONG
            await self._dispatcher.settle(MessageKind.NOTIFICATIONS)
            await self._record(epoch, read, is_early=is_early)
            is_read = not isinstance(read, BotError)
            await self._announce(epoch, until if is_read else None)
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

    async def poll_closely(self, epoch: int) -> None:
        """Read the accounts for those who renew a login; send and edit what follows if the reading has news for them.

        This is no poll: a reading that fails, or that has no news, changes nothing.

        Raises:
            StoreError: the database can't be used, or another process has the lease by now.
        """
        async with self._turn:
            until, read = self._now() + _SEND_WITHIN, await self._read()
            if isinstance(read, BotError) or not self._trusts_clock():
                return
            async with self._database.begin() as tx:
                renewing = await load_renewing(tx, self._context.access.listed, self._now())
                has_news = await is_news(tx, read, renewing)
            if not has_news:
                return
            await self._record(epoch, read, is_early=True)
            await self._announce(epoch, until)
            await self._refresher.edit_outdated()
            await self._refresher.edit_boards()

    async def _announce(self, epoch: int, until: datetime | None) -> None:
        """Send what is due, then what jobs and credits add to it, nothing after `until`."""
        await self._send_due(epoch, until)
        # Reminders don't wait for jobs and credits.
        if await self._usage_checks.record(epoch):
            await self._send_due(epoch, until)

    async def _send_due(self, epoch: int, until: datetime | None) -> None:
        await self._plan(epoch)
        await end_assignments_of_leavers(self._context)
        if await self._dispatcher.send_pending(epoch, until):
            self._context.poll_requested.set()

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
        self._close.read_at = began_at = self._now()
        try:
            read = await self._directory.read_all(fresh=fresh)
        except StoreError:
            raise
        except BotError as error:
            _LOG.warning("The accounts can't be read: %s (%s)", type(error).__name__, error)
            self._close.note_outcome(self._now() - began_at, error)
            return error
        self._close.note_outcome(self._now() - began_at, None)
        return {key: snapshot.account for key, snapshot in read.items()}

    async def _record(self, epoch: int, read: Mapping[str, Account] | BotError, *, is_early: bool) -> None:
        now, confirm_at, self._confirm_at = self._now(), self._confirm_at, None
        confirm_after = min(self._context.timing.confirm_after, self._context.interval)
        async with self._database.begin() as tx:
            await ensure_holds_lease(tx, epoch)
            if isinstance(read, BotError):
                is_refused = isinstance(read, UseapiTokenRefused | SubscriptionLapsed)
                self._refused_since = (self._refused_since or now) if is_refused else None
                await record_failure(tx, now, self._refused_since)
                return
            self._refused_since = None
            account_ids = await load_renewing(tx, self._context.access.listed, now)
            apart = confirm_after - _LEEWAY if is_early else timedelta(0)
            unconfirmed = await record_reading(tx, read, now, Renewing(account_ids, apart))
        self._close.note_doubts(unconfirmed, account_ids)
        if unconfirmed:
            # A close poll in between does not put it off.
            self._confirm_at = confirm_at if confirm_at is not None and confirm_at > now else now + confirm_after

    async def _plan(self, epoch: int) -> None:
        listed, now = self._context.access.listed, self._now()
        async with self._database.begin() as tx:
            situation = await load_situation(tx, listed, now)
        plan = await draw_up_plan(situation, now)
        async with self._database.begin() as tx:
            await ensure_holds_lease(tx, epoch)
            await save_plan(tx, plan, now)
        if plan.is_cut:
            self._context.poll_requested.set()

    async def next_close_poll_at(self) -> datetime | None:
        """Return when to poll closely, None if nobody renews a login."""
        try:
            return await self._close.next_at()
        except StoreError:
            return self._now() + self._context.timing.close_polls_apart

    async def next_poll_at(self) -> datetime:
        """Return when to poll next: after the interval, or earlier to confirm a reading or to try a channel again."""
        regular = self._now() + self._context.interval
        if not self._trusted_clock:
            return regular
        if self._confirm_at is not None:
            regular = min(regular, self._confirm_at)
        try:
            attempt_at = await self._dispatcher.next_attempt_at()
        except StoreError:
            return regular
        return regular if attempt_at is None else min(regular, attempt_at)

    async def _rest(self, epoch: int) -> bool:
        """Wait until the next poll is due; meanwhile, poll closely while somebody renews a login.

        Returns:
            Whether the poll comes early, in place of a close poll.
        """
        clock, requested = self._clock, self._context.poll_requested
        earliest = clock() + min(self._context.interval, self._context.timing.polls_apart).total_seconds()
        due_at = max(earliest, clock() + self._seconds_until(await self.next_poll_at()))
        while (left := (earliest if requested.is_set() else due_at) - clock()) > 0:
            self._context.renewal_begun.clear()
            close_at = await self.next_close_poll_at()
            wait = left if close_at is None else self._seconds_until(close_at)
            if wait > 0:
                await self._wait(min(wait, left))
            elif left > CLEAR_BEFORE_POLL.total_seconds():
                with _logging_failures():
                    await self.poll_closely(epoch)
                due_at = min(due_at, max(earliest, clock() + self._seconds_until(await self.next_poll_at())))
            elif self._close.is_failing:
                await self._wait(left)
            else:
                return True
        return False

    def _seconds_until(self, moment: datetime) -> float:
        return (moment - self._now()).total_seconds()

    async def _wait(self, seconds: float) -> None:
        """Wait for so long, or until somebody is assigned, or a poll is requested that was not before."""
        context = self._context
        events = [context.renewal_begun, *([] if context.poll_requested.is_set() else [context.poll_requested])]
        waiting = [asyncio.ensure_future(one) for one in (self._sleep(seconds), *(event.wait() for event in events))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()


@contextlib.contextmanager
def _logging_failures() -> Iterator[None]:
    """Log what a poll runs into: the next one comes all the same."""
    try:
        yield
    except StoreError as error:
        _LOG.warning("A poll waits for the database: %s", error)
    except Exception:
        _LOG.exception("A poll failed; the next one comes all the same")
