"""All accounts of a guild at a glance, and which channels have a reminder for each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bot.core.accounts import Account, by_expiry
from bot.core.subscriptions import Subscription, active_subscription


@dataclass(frozen=True, slots=True)
class Overview:
    """The accounts, soonest expiry first, with the ids of the channels that have a reminder for each, by account id.

    All were read at `read_at`; `is_confirmed` is False if a later read failed.
    """

    accounts: Sequence[Account]
    channels: Mapping[str, Sequence[int]]
    read_at: datetime
    is_confirmed: bool = True


def build_overview(
    accounts: Iterable[Account],
    subscriptions: Iterable[Subscription],
    read_at: datetime,
    *,
    is_confirmed: bool = True,
) -> Overview:
    """Return the overview of the guild that these subscriptions belong to."""
    ordered = sorted(accounts, key=by_expiry)
    by_channel = {
        channel_id: list(group)
        for channel_id, group in groupby(
            sorted(subscriptions, key=lambda one: one.channel_id), key=lambda one: one.channel_id
        )
    }
    channels = {
        account.id: [
            channel_id
            for channel_id, present in by_channel.items()
            if active_subscription(account.id, present) is not None
        ]
        for account in ordered
    }
    return Overview(ordered, channels, read_at, is_confirmed)
