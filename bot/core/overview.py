"""All accounts of a guild at a glance, and which of them have a reminder."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.accounts import Account, sort_by_urgency
from bot.core.status import Status
from bot.core.subscriptions import Subscription, covering


@dataclass(frozen=True, slots=True)
class Overview:
    """The accounts, most urgent first, and the ids of those for which a channel of the guild has an active reminder.

    All were read at `read_at`; `is_confirmed` is False if a later read failed. `failing` are the ids of those whose
    jobs fail. `numbers` is how many have each status, as `status_of` returns it.
    """

    accounts: Sequence[Account]
    numbers: Mapping[Status, int]
    reminded: Collection[str]
    read_at: datetime
    is_confirmed: bool = True
    failing: Collection[str] = ()

    def status_of(self, account: Account, now: datetime) -> Status:
        """Return the status of one of the accounts; failing jobs of a login that has not expired are an error."""
        return _status_of(account, self.failing, now)


def build_overview(
    accounts: Iterable[Account],
    subscriptions: Iterable[Subscription],
    read_at: datetime,
    now: datetime,
    *,
    is_confirmed: bool = True,
    failing: Collection[str] = (),
) -> Overview:
    """Return the overview of the guild that these subscriptions belong to."""
    listed, channels = sort_by_urgency(accounts, now), _by_channel(subscriptions).values()
    statuses, order = {account.id: _status_of(account, failing, now) for account in listed}, [*Status]
    listed.sort(key=lambda account: order.index(statuses[account.id]))
    reminded = {
        account.id
        for account in listed
        if any((found := covering(account.id, one)) is not None and found.paused_at is None for one in channels)
    }
    return Overview(listed, Counter(statuses.values()), reminded, read_at, is_confirmed, failing)


def _status_of(account: Account, failing: Collection[str], now: datetime) -> Status:
    return Status.ERROR if account.id in failing and not account.has_expired(now) else account.status(now)


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
