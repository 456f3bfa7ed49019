"""All accounts of a guild at a glance, and which of them have a reminder."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.core.accounts import Account
from bot.core.subscriptions import Subscription, covering


@dataclass(frozen=True, slots=True)
class Overview:
    """The accounts, and the ids of those for which a channel of the guild has a reminder that is not paused.

    All were read at `read_at`; `is_confirmed` is False if a later read failed.
    """

    accounts: Collection[Account]
    reminded: Collection[str]
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
    listed, channels = list(accounts), _by_channel(subscriptions).values()
    reminded = {
        account.id
        for account in listed
        if any((found := covering(account.id, one)) is not None and found.paused_at is None for one in channels)
    }
    return Overview(listed, reminded, read_at, is_confirmed)


def find_covering(account_id: str, subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """Return the subscription of each channel of a guild that covers an account, paused or not."""
    found = [covering(account_id, in_channel) for in_channel in _by_channel(subscriptions).values()]
    return [one for one in found if one is not None]


def _by_channel(subscriptions: Iterable[Subscription]) -> dict[int, dict[str | None, Subscription]]:
    """Return the subscriptions of each channel by account."""
    channels: dict[int, dict[str | None, Subscription]] = {}
    for one in subscriptions:
        channels.setdefault(one.channel_id, {})[one.account_id] = one
    return channels
