"""Figures about the database for operators: whether it accepts writes, how much is pending, what is blocked."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.messages import MessageKind
from bot.core.notifications import State
from bot.store.channel_failures import get_failures
from bot.store.tables import leases, notifications


@dataclass(frozen=True, slots=True)
class Statistics:
    """Notifications by state, since when the oldest unsent one is due, and the number of blocked channels."""

    notifications: dict[State, int]
    oldest_due_at: datetime | None
    blocked_channels: int


async def get_statistics(tx: AsyncConnection, guild_ids: Iterable[int], now: datetime) -> Statistics:
    """Return the figures; blocked channels of these guilds only."""
    by_state = sa.select(notifications.c.state, sa.func.count()).group_by(notifications.c.state)
    counted = {row[0]: row[1] for row in await tx.execute(by_state)}
    is_unsent = notifications.c.state.in_([State.PENDING, State.SENDING])
    oldest_due_at = (await tx.execute(sa.select(sa.func.min(notifications.c.due_at)).where(is_unsent))).scalar()
    failures = await get_failures(tx, guild_ids, MessageKind.NOTIFICATIONS)
    blocked = sum(failure.is_blocked(now) for failure in failures.values())
    return Statistics({state: counted.get(state, 0) for state in State}, oldest_due_at, blocked)


async def check_writable(tx: AsyncConnection) -> None:
    """Run an update that matches no row; it still needs the write permission and SQLite's lock."""
    await tx.execute(leases.update().where(leases.c.name == "").values(epoch=leases.c.epoch))
