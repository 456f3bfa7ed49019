"""Channel failures: a channel that refuses messages, since when, and when to try again."""

from dataclasses import dataclass, replace
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
        """Whether people must act: a check failed, or the channel refused three times, or for an hour."""
        has_refused = self.failures >= _BLOCKED_AFTER or now - self.failing_since >= _BLOCKED_FOR
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
    ends_at: datetime | None = None,
) -> ChannelFailure:
    """Return the failure of a channel that has refused once more; `place` is its guild, its id and the message kind.

    If it is known when the refusal `ends_at`, the next attempt is not much later.
    """
    if before is not None and before.is_lasting and not is_lasting:
        # An unreachable Discord says nothing about what the channel refuses, and ends no count.
        return replace(before, next_attempt_at=now + timing.transient_waits[0])
    # Nor is a channel to blame for what came before.
    same = before if before is not None and before.is_lasting == is_lasting else None
    failures = same.failures + 1 if same else 1
    waits = timing.refused_waits if is_lasting else timing.transient_waits
    next_attempt_at = now + waits[min(failures, len(waits)) - 1]
    if ends_at is not None:
        next_attempt_at = min(next_attempt_at, max(ends_at, now + waits[0]))
    guild_id, channel_id, kind = place
    return ChannelFailure(
        guild_id=guild_id,
        channel_id=channel_id,
        kind=kind,
        failures=failures,
        failing_since=same.failing_since if same else now,
        next_attempt_at=next_attempt_at,
        reason=reason,
        is_lasting=is_lasting,
        is_reported=before.is_reported if before else False,
    )
