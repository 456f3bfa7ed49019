"""The jobs and credits of one useapi.net token, which the bot can do without.

What useapi.net does not offer as its documents say is not asked for again within a day.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from bot.core.credits import Credits
from bot.core.jobs import JobReport, JobSummary
from bot.errors import AnswerCutOff, BotError, CallForbidden, NoSuchAccount, Stopping, SwitchedOff, UnreadableAnswer
from bot.useapi.client import MiniMaxClient
from bot.useapi.shared_calls import SharedCalls

CREDITS_REUSE_FOR = timedelta(minutes=5)
OFF_FOR = timedelta(days=1)
# Where the call for the jobs stands among the accounts whose credits are called for.
_JOBS = None
_LOG = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Usage:
    """Reads jobs and credits; equal calls are shared, and at most `max_kept` credits are kept.

    `report` is what the last answer about jobs showed, None before the first one.
    """

    def __init__(self, client: MiniMaxClient, *, now: Callable[[], datetime], max_kept: int) -> None:
        self._client, self._now = client, now
        self._max_kept = max_kept
        self._calls = SharedCalls[Credits]()
        self._credits: dict[str, Credits] = {}
        self._off: dict[str | None, SwitchedOff] = {}
        self._is_closed = False
        self.report: JobReport | None = None

    def jobs_of(self, account_id: str) -> JobSummary | None:
        """Return what the jobs of an account last showed, None if that is not known; makes no call."""
        return None if self.report is None else self.report.of(account_id)

    async def read_jobs(self) -> JobReport:
        """Read the newest jobs of all accounts.

        Raises:
            SwitchedOff: useapi.net does not offer them.
            BotError: the API failed.
        """
        self.report = await self._read(_JOBS, self._client.fetch_jobs)
        return self.report

    async def read_credits(self, account_id: str) -> Credits:
        """Read the credits of an account; an answer up to five minutes old is reused.

        Raises:
            SwitchedOff: useapi.net does not offer them for this account.
            BotError: the API failed, which says nothing about the account.
        """
        known = self._credits.get(account_id)
        if known is not None and timedelta(0) <= self._now() - known.read_at <= CREDITS_REUSE_FOR:
            return known
        if self._is_closed:
            raise Stopping("the bot is stopping")
        call = self._calls.join(account_id, lambda: self._fetch_credits(account_id))
        await asyncio.wait({call})
        if call.cancelled():
            raise Stopping("the bot is stopping")
        return call.result()

    def jobs_off(self) -> SwitchedOff | None:
        """Return why and how long the jobs are not asked for, None if they are."""
        return self._find_off(_JOBS)

    def credits_off(self) -> list[SwitchedOff]:
        """Return why and how long the credits of some accounts are not asked for, one for each account."""
        found = [self._find_off(account_id) for account_id in list(self._off) if account_id is not None]
        return [one for one in found if one is not None]

    def close(self) -> None:
        """Let all waiting and later reads fail with Stopping."""
        self._is_closed = True
        self._calls.fail_all()

    async def _fetch_credits(self, account_id: str) -> Credits:
        found = await self._read(account_id, lambda: self._client.fetch_credits(account_id))
        self._credits.pop(account_id, None)
        self._credits[account_id] = found
        if len(self._credits) > self._max_kept:
            del self._credits[next(iter(self._credits))]
        return found

    def _find_off(self, subject: str | None) -> SwitchedOff | None:
        off = self._off.get(subject)
        # The upper bound is for a clock that was set back.
        if off is not None and timedelta(0) < off.until - self._now() <= OFF_FOR:
            return off
        return None

    async def _read(self, subject: str | None, fetch: Callable[[], Awaitable[Answer]]) -> Answer:
        if (off := self._find_off(subject)) is not None:
            raise SwitchedOff(off.reason, off.until)
        try:
            return await fetch()
        except AnswerCutOff:
            raise
        except NoSuchAccount:
            reason = "status 404"
        except (CallForbidden, UnreadableAnswer) as error:
            reason = str(error)
        until = self._now() + OFF_FOR
        if len(self._off) >= self._max_kept:
            del self._off[next(iter(self._off))]
        self._off[subject] = SwitchedOff(reason, until)
        raise SwitchedOff(reason, until, is_news=True) from None


def log_failure(error: BotError, what: str) -> None:
    """Log that jobs or credits were not read; what is switched off is logged once."""
    if not isinstance(error, SwitchedOff):
        _LOG.info("Not read: %s: %s (%s)", what, type(error).__name__, error)
    elif error.is_news:
        _LOG.warning("useapi.net doesn't offer %s as documented (%s); the bot asks again in a day", what, error)
