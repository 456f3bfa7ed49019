"""The loop behind the reminders: read all accounts, record what changed, plan, send."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.core.notes import PassOutcome
from bot.errors import BotError, StoreError
from bot.reminding.boards import Boards
from bot.reminding.delivery import Delivery
from bot.reminding.planning import plan_after_reading, plan_while_blind
from bot.reminding.refresh import Refresh
from bot.reminding.sending import Outbox
from bot.reminding.troubles import Troubles
from bot.store.deliveries import get_next_try
from bot.store.leader import ensure_leads, mark_passed
from bot.useapi.directory import AccountDirectory

_LOG = logging.getLogger(__name__)

_READ_APART = timedelta(seconds=10)
# What was read longer ago is not said any more: it may have been renewed meanwhile.
_SAID_WITHIN = timedelta(minutes=5)


class Passes:
    """Runs one pass after the other, never two at once; the interval counts from the end of one.

    `leading_since` is None while another process passes; `passed_at` and `read_at` tell when a pass here was last
    complete, and could last read the accounts. `beat`, if given, is awaited after each pass that did both.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        directory: AccountDirectory,
        boards: Boards,
        interval: timedelta,
        beat: Callable[[], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database, self._servers, self._now = outbox.database, outbox.servers, outbox.now
        self._directory = directory
        self._delivery = Delivery(outbox, sleep=sleep)
        self._refresh = Refresh(outbox)
        self._troubles = Troubles(outbox)
        self._boards = boards
        self._notes = outbox.notes
        self._beat = beat
        self.interval = interval
        self.leading_since: datetime | None = None
        self.passed_at: datetime | None = None
        self.read_at: datetime | None = None
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._is_first = True

    def wake(self) -> None:
        """Let the next pass come soon: at least ten seconds after the last one, or the interval if that is shorter."""
        self._woken.set()

    async def keep_passing(self, epoch: int) -> None:
        """Pass for ever; a pass that fails is logged and tried again."""
        self.leading_since = self._now()
        clock = asyncio.get_running_loop().time
        try:
            while True:
                self._woken.clear()
                started = clock()
                outcome = await self._try_once(epoch)
                self._notes.passed(outcome, clock() - started)
                if self._beat is not None and outcome is PassOutcome.COMPLETED:
                    await self._beat()
                await self._rest()
        finally:
            self.leading_since = None

    async def _try_once(self, epoch: int) -> PassOutcome:
        try:
            return PassOutcome.COMPLETED if await self.run_once(epoch) else PassOutcome.BLIND
        except StoreError as error:
            _LOG.warning("A pass waits for the database: %s", error)
        except Exception:  # the edge of the loop: whatever a pass runs into, the next one comes
            _LOG.exception("A pass failed; the next one comes all the same")
        return PassOutcome.FAILED

    async def run_once(self, epoch: int) -> bool:
        """Settle what is open, read, plan, send, edit what is outdated, boards too, and tell of channels in trouble.

        It waits for a pass that is under way, and returns whether the accounts could be read.

        Raises:
            StoreError: the database can't be used, or another process leads by now.
        """
        async with self._turn:
            return await self._pass(epoch)

    async def _pass(self, epoch: int) -> bool:
        started = self._now()
        await self._delivery.settle()
        until = await self._read(epoch)
        if await self._delivery.send_due(epoch, until):
            self.wake()
        await self._refresh.edit_outdated()
        await self._troubles.audit()
        await self._troubles.tell()
        await self._boards.update(started)
        async with self._database.begin() as tx:
            await mark_passed(tx, self._now())
        self.passed_at = self._now()
        if until is not None:
            self.read_at = self.passed_at
        return until is not None

    async def _read(self, epoch: int) -> datetime | None:
        """Read and plan; return until when the outcome may be said, None if nothing newer can be had."""
        # At the start, the look that tried the token will do.
        fresh, self._is_first = not self._is_first, False
        listed = self._servers.listed
        try:
            read = await self._directory.read_all(fresh=fresh)
        except StoreError:
            raise
        except BotError as error:
            _LOG.warning("The accounts can't be read: %s (%s)", type(error).__name__, error)
            async with self._database.begin() as tx:
                await ensure_leads(tx, epoch)
                await plan_while_blind(tx, listed, self._now())
            return None
        accounts = {key: reading.account for key, reading in read.items()}
        async with self._database.begin() as tx:
            await ensure_leads(tx, epoch)
            await plan_after_reading(tx, listed, accounts, self._now())
        return self._now() + _SAID_WITHIN

    async def _next_pass_at(self) -> datetime:
        """Return when to pass next: after the interval, or as soon as what is owed may be tried again."""
        regular = self._now() + self.interval - min(self.interval, _READ_APART)
        try:
            async with self._database.begin() as tx:
                again = await get_next_try(tx, self._servers.listed)
        except StoreError:
            return regular
        return regular if again is None else min(regular, again)

    async def _rest(self) -> None:
        apart = min(self.interval, _READ_APART).total_seconds()
        await asyncio.sleep(apart)
        rest = (await self._next_pass_at() - self._now()).total_seconds()
        if rest > 0:
            try:
                async with asyncio.timeout(rest):
                    await self._woken.wait()
            except TimeoutError:
                return
