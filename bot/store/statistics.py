"""Figures about the database for operators: whether it accepts writes, how much is pending, what is blocked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.messages import MessageKind
from bot.core.notifications import INCIDENTS, Kind, State
from bot.store.channel_failures import get_failures
from bot.store.tables import credit_levels, incidents, leases, notifications, subscriptions


@dataclass(frozen=True, slots=True)
class Statistics:
    """Notifications by state, since when the oldest unsent one is due, blocked channels, and open incidents by kind.

    An account counts once as low on credits, however many thresholds it is below.
    """

    notifications: dict[State, int]
    oldest_due_at: datetime | None
    blocked_channels: int
    incidents: dict[Kind, int]


async def get_statistics(tx: AsyncConnection, guild_ids: Iterable[int], now: datetime) -> Statistics:
    """Return the figures; blocked channels of these guilds only."""
    by_state = sa.select(notifications.c.state, sa.func.count()).group_by(notifications.c.state)
    counted = {row[0]: row[1] for row in await tx.execute(by_state)}
    is_unsent = notifications.c.state.in_([State.PENDING, State.SENDING])
    oldest_due_at = (await tx.execute(sa.select(sa.func.min(notifications.c.due_at)).where(is_unsent))).scalar()
    failures = await get_failures(tx, guild_ids, MessageKind.NOTIFICATIONS)
    blocked = sum(failure.is_blocked(now) for failure in failures.values())
    return Statistics(
        {state: counted.get(state, 0) for state in State}, oldest_due_at, blocked, await _count_incidents(tx)
    )


async def _count_incidents(tx: AsyncConnection) -> dict[Kind, int]:
    by_kind = sa.select(incidents.c.kind, sa.func.count()).where(incidents.c.is_open).group_by(incidents.c.kind)
    counted = {row[0]: row[1] for row in await tx.execute(by_kind)}
    # Levels that no reminder asks for any more are not read.
    wanted = sa.select(subscriptions.c.credits_below).where(
        subscriptions.c.credits_below.is_not(None), subscriptions.c.paused_at.is_(None)
    )
    is_low = credit_levels.c.is_open & credit_levels.c.threshold.in_(wanted)
    low = sa.select(sa.func.count(credit_levels.c.account_id.distinct())).where(is_low)
    counted[Kind.LOW_CREDITS] = (await tx.execute(low)).scalar_one()
    return {kind: counted.get(kind, 0) for kind in INCIDENTS}


async def check_writable(tx: AsyncConnection) -> None:
    """Run an update that matches no row; it still needs the write permission and SQLite's lock."""
    await tx.execute(leases.update().where(leases.c.name == "").values(epoch=leases.c.epoch))
