"""Loads what a subscription will send."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import AccountSnapshot
from bot.core.forecast import next_by_subscription
from bot.core.outlook import Outlook
from bot.core.subscriptions import Subscription
from bot.reminders.loading import load_forecast
from bot.reminders.planning import pair_up
from bot.store.leases import get_polled_at


async def load_outlook(
    tx: AsyncConnection, subscription: Subscription, snapshots: Mapping[str, AccountSnapshot], now: datetime
) -> Outlook:
    """Return what a subscription will send once it is active; `snapshots` are those of all accounts."""
    active = replace(subscription, paused_at=None)
    comes_next = next_by_subscription(await load_forecast(tx, [active], now))
    covered = [snapshot.believed for _, snapshot in await pair_up(tx, [active], snapshots)]
    return Outlook(comes_next.get(subscription.id), covered, is_polled=await get_polled_at(tx) is not None)
