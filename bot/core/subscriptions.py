"""Subscriptions: a channel's standing wish to hear about one account or all; people call them reminders."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.stages import LONGEST_LEAD_TIME

MAX_LEAD_TIMES = 8
_DAYS = re.compile(r"[0-9]{1,3}")


class PingKind(StrEnum):
    """What a reminder pings."""

    ROLE = "role"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Ping:
    """The role or the member of the server that a reminder pings."""

    kind: PingKind
    id: int

    @property
    def mention(self) -> str:
        """Return the mention, as a message holds it."""
        return f"<@&{self.id}>" if self.kind is PingKind.ROLE else f"<@{self.id}>"


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A subscription as somebody asks for it; `account_id` None stands for all accounts, lead times are in days.

    `ping` None pings nobody. `follow_ups` if failures are mentioned again until they end. `credits_below` if low
    credits are announced, and from which number on they are low.
    """

    guild_id: int
    channel_id: int
    account_id: str | None
    lead_times: tuple[int, ...]
    ping: Ping | None
    added_by: int
    follow_ups: bool = True
    credits_below: int | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether it is for all accounts."""
        return self.account_id is None


@dataclass(frozen=True, slots=True)
class Subscription(NewSubscription):
    """A stored subscription; `paused_at` is since when it is paused."""

    id: int = 0
    paused_at: datetime | None = None


class WrongCount(ValueError):
    """There are too many lead times, or none."""


def parse_lead_times(text: str) -> tuple[int, ...]:
    """Return lead times in days as somebody typed them, widest first: "14, 7, 3, 1" or "14 7 3 1".

    Raises:
        WrongCount, ValueError: with the broken rule, for people.
    """
    parts = text.replace(",", " ").split()
    if not all(_DAYS.fullmatch(part) and 1 <= int(part) <= LONGEST_LEAD_TIME for part in parts):
        raise ValueError(f"Each lead time is a whole number of days from 1 to {LONGEST_LEAD_TIME}.")
    lead_times = sorted({int(part) for part in parts}, reverse=True)
    if not 1 <= len(lead_times) <= MAX_LEAD_TIMES:
        raise WrongCount(f"There can be 1 to {MAX_LEAD_TIMES} lead times.")
    return tuple(lead_times)


def by_account(in_channel: Iterable[Subscription]) -> dict[str | None, Subscription]:
    """Return the subscriptions of one channel by account; None stands for all accounts."""
    return {one.account_id: one for one in in_channel}


def covering(account_id: str, in_channel: Mapping[str | None, Subscription]) -> Subscription | None:
    """Return the subscription of a channel that covers an account, paused or not; None if there is none.

    A subscription on an account replaces the one on all accounts for it, also while it is paused.
    """
    return in_channel.get(account_id, in_channel.get(None))


def active_subscription(account_id: str | None, in_channel: Iterable[Subscription]) -> Subscription | None:
    """Return the active subscription of a channel that a notification belongs to, None if it is paused or missing.

    A notification about the accounts as a whole belongs to any of them.
    """
    if account_id is None:
        active = (one for one in in_channel if one.paused_at is None)
        return min(active, key=lambda one: one.is_for_all, default=None)
    found = covering(account_id, by_account(in_channel))
    return found if found is not None and found.paused_at is None else None
