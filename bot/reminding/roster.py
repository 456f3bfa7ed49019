"""All accounts of a server at a glance, and which channels are told of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bot.core.account import Account, by_urgency
from bot.reminding.planning import watch_for
from bot.store.deliveries import Kind, Owed
from bot.store.watches import Watch


@dataclass(frozen=True, slots=True)
class Roster:
    """The accounts, soonest expiry first, with the ids of the channels that are told of each, by account id.

    They were all read at `read_at`; not confirmed if a later read failed.
    """

    accounts: Sequence[Account]
    told: Mapping[str, Sequence[int]]
    read_at: datetime
    is_confirmed: bool = True


def build_roster(
    accounts: Iterable[Account], watches: Iterable[Watch], read_at: datetime, *, is_confirmed: bool = True
) -> Roster:
    """Return the roster of the server that these watches belong to."""
    ordered = sorted(accounts, key=by_urgency)
    by_channel = _by_channel(watches)
    told = {account.id: _channels_told(account.id, by_channel) for account in ordered}
    return Roster(ordered, told, read_at, is_confirmed)


def _by_channel(watches: Iterable[Watch]) -> dict[int, list[Watch]]:
    ordered = sorted(watches, key=lambda watch: watch.channel_id)
    return {channel_id: list(group) for channel_id, group in groupby(ordered, key=lambda watch: watch.channel_id)}


def _channels_told(account_id: str, by_channel: Mapping[int, Sequence[Watch]]) -> list[int]:
    """Return the channels in which a watch that is not paused covers the account: its own, else the one on all."""
    told = []
    for channel_id, watches in by_channel.items():
        reminder = Owed(watches[0].guild_id, channel_id, account_id, Kind.STEP, 0)
        if watch_for(reminder, watches) is not None:
            told.append(channel_id)
    return told
