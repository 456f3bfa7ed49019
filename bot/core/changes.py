"""What people change: one line of the log each, and one in the channel that it is about."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.text import code


class Act(StrEnum):
    """What a person has done."""

    REMINDER_ADDED = "reminder added"
    REMINDER_CHANGED = "reminder changed"
    REMINDER_PAUSED = "reminder paused"
    REMINDER_RESUMED = "reminder resumed"
    REMINDER_DELETED = "reminder deleted"
    BOARD_ADDED = "board added"
    BOARD_REMOVED = "board removed"
    ASSIGNED = "assigned"
    HANDED_BACK = "handed back"
    NOTE_CHANGED = "note changed"
    NOTE_DELETED = "note deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a person has changed, in a channel of a server.

    `account_ids` are the accounts that it is about, None for all. The channel reads `news`, which continue a sentence
    that begins with the person; empty if it reads nothing.
    """

    act: Act
    channel_id: int
    account_ids: tuple[str, ...] | None = None
    subscription_id: int | None = None
    news: str = ""

    def say_for_log(self) -> str:
        """Return the change without a name: "reminder paused, channel 1, reminder 2, account `3`"."""
        parts = [self.act.value, f"channel {self.channel_id}"]
        if self.subscription_id is not None:
            parts.append(f"reminder {self.subscription_id}")
        ids = self.account_ids
        parts.append("all accounts" if ids is None else f"account {', '.join(code(one, 80) for one in ids)}")
        return ", ".join(parts)
