"""Reads jobs and credits beside the polls, so that no reminder waits for them, and records what they show."""

import asyncio
import logging
import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from bot.core.credits import Credits
from bot.errors import BotError
from bot.reminders.context import Context
from bot.reminders.forecasts import pair_up
from bot.reminders.recording import record_credits, record_jobs
from bot.store.accounts import get_snapshots
from bot.store.credits import CreditLevel, Level, get_credit_levels
from bot.store.leases import ensure_holds_lease
from bot.store.subscriptions import get_subscriptions_to_credits
from bot.useapi.usage import Usage, log_failure

_LOG = logging.getLogger(__name__)

JOBS_APART = timedelta(minutes=5)
CREDITS_APART = timedelta(hours=6)
# After a failure.
_TRIED_APART = timedelta(hours=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


class UsageChecks:
    """Reads the jobs of all accounts at most every five minutes, and credits every six hours, some at each poll.

    A failure changes nothing: what was known before stays.
    """

    def __init__(self, context: Context, usage: Usage) -> None:
        self._context, self._usage = context, usage
        self._now = context.now
        self._reading: asyncio.Task[None] | None = None
        self._jobs_asked_at: datetime | None = None
        self._credits_asked_at: dict[str, datetime] = {}
        self._due: list[str] = []
        self._credits: dict[str, Credits] = {}

    def begin(self) -> None:
        """Begin to read what is due, in the background."""
        if self._context.watches_jobs and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(), name="read-usage")

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()

    async def record(self, epoch: int) -> bool:
        """Record what was read last; return whether channels may have something new to hear.

        The jobs are judged each time anew: a login may have been renewed since they were read.

        Raises:
            StoreError: the database can't be used, or another process has the lease by now.
        """
        if not self._context.watches_jobs:
            return False
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=self._context.timing.usage_wait)
        report = self._usage.report
        read, self._credits = self._credits, {}
        now, has_turned = self._now(), False
        async with self._context.database.begin() as tx:
            await ensure_holds_lease(tx, epoch)
            if report is not None:
                has_turned = await record_jobs(tx, report, now)
            subscriptions = await get_subscriptions_to_credits(tx, self._context.access.listed)
            if not subscriptions:
                self._due = []
                return has_turned
            pairs = await pair_up(tx, subscriptions, await get_snapshots(tx))
            levels = {Level(snapshot.account.id, one.credits_below or 0) for one, snapshot in pairs}
            has_turned |= await record_credits(tx, read, levels, now)
            known = await get_credit_levels(tx, {level.account_id for level in levels})
        self._due = self._choose_due(levels, known, now)
        return has_turned

    def _choose_due(self, levels: Collection[Level], known: Mapping[Level, CreditLevel], now: datetime) -> list[str]:
        """Return the accounts to read next: some of those that are due, those that were asked for longest ago first."""
        read_at: dict[str, datetime] = {}
        for level in levels:
            at = known[level].read_at if level in known else _NEVER
            read_at[level.account_id] = min(at, read_at.get(level.account_id, at))
        asked_at = {key: max(at, self._credits_asked_at.get(key, _NEVER)) for key, at in read_at.items()}
        due = [
            key
            for key, at in read_at.items()
            if not now - CREDITS_APART < at <= now and not now - _TRIED_APART < asked_at[key] <= now
        ]
        most = math.ceil(len(read_at) * self._context.interval / CREDITS_APART)
        return sorted(due, key=lambda key: (asked_at[key], key))[:most]

    async def _read(self) -> None:
        try:
            await asyncio.gather(self._read_jobs(), *(self._read_credits(one) for one in self._due))
        except Exception:  # whatever it runs into, the next poll comes
            _LOG.exception("Reading jobs and credits failed; the next poll tries again")

    async def _read_jobs(self) -> None:
        now = self._now()
        # The lower bound is for a clock that was set back.
        if self._jobs_asked_at is not None and timedelta(0) <= now - self._jobs_asked_at < JOBS_APART:
            return
        self._jobs_asked_at = now
        try:
            await self._usage.read_jobs()
        except BotError as error:
            log_failure(error, "jobs")

    async def _read_credits(self, account_id: str) -> None:
        self._credits_asked_at[account_id] = self._now()
        try:
            self._credits[account_id] = await self._usage.read_credits(account_id)
        except BotError as error:
            log_failure(error, "the credits of an account")
