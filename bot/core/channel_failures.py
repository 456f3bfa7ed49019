"""Channel failures: a channel that refuses messages, since when, and when to try again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.messages import MessageKind
from bot.core.timing import Timing

_BLOCKED_AFTER = 3
_BLOCKED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ChannelFailure:
    """A channel that refuses one kind of message; editing a board needs other permissions than posting.

    `failures` counts refusals in a row; 0 stands for a problem that a daily check found before any refusal.
    `is_lasting` if only people can fix it, `is_reported` once somebody was informed.
    """

    guild_id: int
    channel_id: int
    kind: MessageKind
    failures: int
    failing_since: datetime
    next_attempt_at: datetime
    reason: str
    is_lasting: bool
    is_reported: bool = False

    def is_blocked(self, now: datetime) -> bool:
        """Whether people must act: a check failed, or three refusals over at least an hour."""
        has_refused = self.failures >= _BLOCKED_AFTER and now - self.failing_since >= _BLOCKED_FOR
        return self.is_lasting and (has_refused or not self.failures)

    def is_waiting(self, timing: Timing, now: datetime) -> bool:
        """Whether it is too early for the next attempt."""
        # A later attempt than any wait allows was stored by a clock that has been set back since.
        return now < self.next_attempt_at <= now + timing.longest_wait(self.failures)


def count_refusal(
    before: ChannelFailure | None,
    place: tuple[int, int, MessageKind],
    reason: str,
    *,
    is_lasting: bool,
    timing: Timing,
    now: datetime,
) -> ChannelFailure:
    """Return the failure of a channel that has refused once more; `place` is its guild, its id and the message kind."""
    # A failure of the other sort begins anew: an unreachable Discord says nothing about a channel's permissions.
    same = before if before is not None and before.is_lasting == is_lasting else None
    failures = same.failures + 1 if same else 1
    waits = timing.refused_waits if is_lasting else timing.transient_waits
    guild_id, channel_id, kind = place
    return ChannelFailure(
        guild_id=guild_id,
        channel_id=channel_id,
        kind=kind,
        failures=failures,
        failing_since=same.failing_since if same else now,
        next_attempt_at=now + waits[min(failures, len(waits)) - 1],
        reason=reason,
        is_lasting=is_lasting,
        is_reported=before.is_reported if before else False,
    )
