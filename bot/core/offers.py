"""New accounts that no reminder of a server covers: one of its channels is offered a reminder, once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.accounts import AccountSnapshot
from bot.core.notifications import Kind
from bot.core.subscriptions import Subscription, covering

# After this time nobody expects an offer any more, and what a channel has heard of the account is forgotten.
NEW_FOR = timedelta(days=1)

# The subscriptions of a server by channel, and then by account.
InGuild = Mapping[int, Mapping[str | None, Subscription]]


def is_new(snapshot: AccountSnapshot, now: datetime) -> bool:
    """Whether an account has appeared lately, and is listed still."""
    appeared_at = snapshot.appeared_at
    return appeared_at is not None and now - appeared_at < NEW_FOR and not snapshot.has_incident(Kind.MISSING)


def is_covered(account_id: str, in_guild: InGuild) -> bool:
    """Whether a subscription in any channel of a server covers an account; one that is paused was paused on purpose."""
    return any(covering(account_id, in_channel) is not None for in_channel in in_guild.values())


def choose_channel(in_guild: InGuild) -> int | None:
    """Return the channel with the most active subscriptions; None if no channel has any."""
    active = {
        channel_id: sum(one.paused_at is None for one in in_channel.values())
        for channel_id, in_channel in in_guild.items()
    }
    channels = [channel_id for channel_id, number in active.items() if number]
    return max(channels, key=lambda key: (active[key], -key), default=None)
