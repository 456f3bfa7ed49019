"""The loop behind the reminders: read all accounts, record what changed, plan, send."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.errors import BotError, StoreError
from bot.reminding.delivery import Delivery
from bot.reminding.planning import plan_after_reading, plan_while_blind
from bot.store.database import Database
from bot.store.leader import ensure_leads
from bot.useapi.directory import AccountDirectory

_LOG = logging.getLogger(__name__)

_READ_APART = timedelta(seconds=10)


class Passes:
    """Runs one pass after the other, never two at once; the interval counts from the end of one."""

    def __init__(
        self,
        *,
        database: Database,
        directory: AccountDirectory,
        delivery: Delivery,
        interval: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._directory = directory
        self._delivery = delivery
        self._interval = interval
        self._now = now
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the next pass come soon: at least ten seconds after the last one, or the interval if that is shorter."""
        self._woken.set()

    async def keep_passing(self, epoch: int) -> None:
        """Pass for ever; a pass that fails is logged and tried again."""
        while True:
            self._woken.clear()
            try:
                await self.run_once(epoch)
            except Exception:  # the edge of the loop: whatever a pass runs into, the next one comes
                _LOG.exception("A pass failed; the next one comes all the same")
            await self._rest()

    async def run_once(self, epoch: int) -> None:
        """Settle what is open, read, plan, and send.

        Raises:
            StoreError: the database can't be used, or another process leads by now.
        """
        await self._delivery.settle()
        try:
            read = await self._directory.read_all(fresh=True)
        except StoreError:
            raise
        except BotError as error:
            _LOG.warning("The accounts can't be read: %s (%s)", type(error).__name__, error)
            async with self._database.begin() as tx:
                await ensure_leads(tx, epoch)
                await plan_while_blind(tx, self._now())
        else:
            accounts = {key: reading.account for key, reading in read.items()}
            async with self._database.begin() as tx:
                await ensure_leads(tx, epoch)
                await plan_after_reading(tx, accounts, self._now())
        await self._delivery.send_due(epoch)

    async def _rest(self) -> None:
        apart = min(self._interval, _READ_APART).total_seconds()
        await asyncio.sleep(apart)
        rest = self._interval.total_seconds() - apart
        if rest > 0:
            try:
                async with asyncio.timeout(rest):
                    await self._woken.wait()
            except TimeoutError:
                return
