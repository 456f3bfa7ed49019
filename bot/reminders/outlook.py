"""Loads what a subscription will send."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import AccountSnapshot
from bot.core.notifications import Kind
from bot.core.outlook import Outlook
from bot.core.subscriptions import Subscription
from bot.reminders.loading import load_next
from bot.reminders.planning import pair_up
from bot.store.leases import get_polled_at


async def load_outlook(
    tx: AsyncConnection, subscription: Subscription, snapshots: Mapping[str, AccountSnapshot], now: datetime
) -> Outlook:
    """Return what a subscription will send once it is active; `snapshots` are those of all accounts."""
    active = replace(subscription, paused_at=None)
    comes_next = await load_next(tx, [active], now)
    covered = [snapshot for _, snapshot in await pair_up(tx, [active], snapshots)]
    return Outlook(
        comes_next.get(subscription.id),
        [one.believed for one in covered],
        has_failing=any(one.has_incident(Kind.FAILING) for one in covered),
        is_polled=await get_polled_at(tx) is not None,
    )
