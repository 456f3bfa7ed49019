"""Decides when the accounts are read more often than usual: while people who pressed *I'm on it* renew their logins."""

from collections.abc import Collection
from datetime import datetime, timedelta

from bot.core.assignments import RENEWING_FOR
from bot.errors import ApiBusy, BotError
from bot.reminders.assignments import load_renewing
from bot.reminders.context import Context
from bot.reminders.recording import Unconfirmed

# A call to the API and the longest pause that useapi.net can ask for: in the last seconds before a poll no close poll
# begins, so that none can delay it.
CLEAR_BEFORE_POLL = timedelta(seconds=70)
# A close poll comes after ten times as long as the last call took, at the earliest.
_SHARE_OF_TIME = 10


class ClosePolling:
    """Says when the next close poll is due. Whose renewals are awaited is derived from the assignments, each time anew.

    An API that fails or answers slowly slows close polls down. `read_at` is when the last reading began, of a poll or a
    close poll; `is_failing` if it failed.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.read_at: datetime | None = None
        self._wait = context.timing.close_polls_apart
        self._is_confirming = False
        self.is_failing = False

    async def next_at(self) -> datetime | None:
        """Return when to read again, None if nobody renews a login."""
        now, wait = self._context.now(), self._wait
        async with self._context.database.begin() as tx:
            if not await load_renewing(tx, self._context.access.listed, now):
                return None
        if self._is_confirming and not self.is_failing:
            wait = min(wait, self._context.timing.confirm_closely_after)
        # A clock that was set back must not make the wait longer.
        return now if self.read_at is None else min(self.read_at, now) + wait

    def note_outcome(self, took: timedelta, error: BotError | None) -> None:
        """Remember how the last reading went: the wait before the next close poll depends on it."""
        apart = self._context.timing.close_polls_apart
        asked = error.retry_after if isinstance(error, ApiBusy) else None
        waits = [apart, _SHARE_OF_TIME * took, timedelta(seconds=asked or 0)]
        if error is not None:
            waits.append(2 * self._wait)
        # A renewal takes some minutes, so that a longer wait is as good as none.
        self._wait = min(max(waits), RENEWING_FOR)
        self.is_failing = error is not None

    def note_doubts(self, unconfirmed: Unconfirmed, renewing: Collection[str]) -> None:
        """Remember whether the next reading must come soon, to confirm that one of these logins was renewed."""
        self._is_confirming = any(account_id in renewing for account_id in unconfirmed.expiries)
