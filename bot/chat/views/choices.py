"""The labels of reminders that completion offers: unique, and without marks that Discord's apps turn into mentions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bot.chat.views.reminder_answers import ALL_LABEL
from bot.core.accounts import Account
from bot.core.limits import MAX_LABEL
from bot.core.naming import tame
from bot.core.subscriptions import Subscription
from bot.core.text import cut
from bot.core.wording import say_days

_MAX_NAME, _MAX_CHANNEL = 40, 30


def reminder_labels(
    subscriptions: Sequence[Subscription], accounts: Mapping[str, Account], channels: Mapping[int, str]
) -> dict[int, str]:
    """Return a label for each reminder, by its id: account, channel, days, and more where two would be alike.

    `channels` are the names of the channels that the reader may see; others have the end of their id.
    """
    labels = {one.id: _add(_label(one, accounts, channels), say_days(one.lead_times)) for one in subscriptions}
    details: Sequence[Callable[[Subscription], str]] = (
        lambda one: tame(one.account_id or "", MAX_LABEL // 2),
        lambda one: f"no. {one.id}",
    )
    for detail in details:
        count = Counter(label.casefold() for label in labels.values())
        for one in subscriptions:
            label, more = labels[one.id], detail(one)
            if count[label.casefold()] > 1 and more:
                labels[one.id] = _add(label, more)
    return labels


def _add(label: str, more: str) -> str:
    return f"{cut(label, MAX_LABEL - len(more) - 3)} · {more}"


def _label(subscription: Subscription, accounts: Mapping[str, Account], channels: Mapping[int, str]) -> str:
    name = ALL_LABEL
    if (account_id := subscription.account_id) is not None:
        known = accounts.get(account_id)
        name = tame((known.name if known else None) or "", _MAX_NAME) or tame(account_id, _MAX_NAME)
    mark = "" if subscription.paused_at is None else "⏸️ "
    channel = tame(channels.get(subscription.channel_id, ""), _MAX_CHANNEL)
    return f"{mark}{name} → {channel or f'channel …{subscription.channel_id % 10_000:04}'}"


def find_labelled(typed: str, labels: Mapping[int, str]) -> list[int]:
    """Return the ids of the reminders whose label is the text, or else of those whose label contains it."""
    wanted = typed.strip().casefold()
    whole = [key for key, label in labels.items() if label.casefold() == wanted]
    return whole or [key for key, label in labels.items() if wanted and wanted in label.casefold()]
