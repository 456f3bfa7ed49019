"""Subscriptions: a channel's standing wish to hear about one account or all; people call them reminders."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.stages import LONGEST_LEAD_TIME

MAX_LEAD_TIMES = 8
_DAYS = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A subscription as somebody asks for it; `account_id` None stands for all accounts, lead times are in days."""

    guild_id: int
    channel_id: int
    channel_name: str
    account_id: str | None
    lead_times: tuple[int, ...]
    role_id: int | None
    added_by: int

    @property
    def is_for_all(self) -> bool:
        """Whether it is for all accounts."""
        return self.account_id is None


@dataclass(frozen=True, slots=True)
class Subscription(NewSubscription):
    """A stored subscription; `next_check_at` is when a stage can be due, `paused_at` since when it is paused."""

    id: int
    next_check_at: datetime
    paused_at: datetime | None


def parse_lead_times(text: str) -> tuple[int, ...]:
    """Return lead times in days as somebody typed them, widest first: "14, 7, 3, 1" or "14 7 3 1".

    Raises:
        ValueError: with the broken rule, for people.
    """
    parts = text.replace(",", " ").split()
    if not all(_DAYS.fullmatch(part) and 1 <= int(part) <= LONGEST_LEAD_TIME for part in parts):
        raise ValueError(f"Each lead time is a whole number of days from 1 to {LONGEST_LEAD_TIME}.")
    lead_times = sorted({int(part) for part in parts}, reverse=True)
    if not 1 <= len(lead_times) <= MAX_LEAD_TIMES:
        raise ValueError(f"There can be 1 to {MAX_LEAD_TIMES} lead times.")
    return tuple(lead_times)


def covered_accounts(
    subscription: Subscription, in_channel: Iterable[Subscription], account_ids: Iterable[str]
) -> list[str]:
    """Return which of these accounts a subscription covers, given all subscriptions of its channel.

    In one channel a subscription on an account replaces the one on all accounts for it, also while it is paused.
    """
    if not subscription.is_for_all:
        return [account_id for account_id in account_ids if account_id == subscription.account_id]
    replaced = {one.account_id for one in in_channel}
    return [account_id for account_id in account_ids if account_id not in replaced]


def subscription_for(account_id: str, in_channel: Sequence[Subscription]) -> Subscription | None:
    """Return the active subscription of a channel that covers an account; None if it is paused, or there is none."""
    covering = (one for one in in_channel if covered_accounts(one, in_channel, [account_id]))
    return next((one for one in covering if one.paused_at is None), None)
