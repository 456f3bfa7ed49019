"""What an operator wants to know of the database: whether it takes writes, how much is owed, who takes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.deliveries import State
from bot.store.tables import deliveries, leases
from bot.store.targets import get_targets


@dataclass(frozen=True, slots=True)
class Figures:
    """Deliveries by state, since when the oldest one not sent yet is due, and how many channels are blocked."""

    deliveries: dict[State, int]
    oldest_due_at: datetime | None
    blocked_channels: int


async def get_figures(tx: AsyncConnection, guild_ids: Iterable[int], now: datetime) -> Figures:
    """Return how much there is; blocked channels of these servers only."""
    by_state = sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state)
    counted = {row[0]: row[1] for row in await tx.execute(by_state)}
    is_open = deliveries.c.state.in_([State.PENDING, State.SENDING])
    oldest_due_at = (await tx.execute(sa.select(sa.func.min(deliveries.c.due_at)).where(is_open))).scalar()
    blocked = [target for target in (await get_targets(tx, guild_ids)).values() if target.is_blocked(now)]
    return Figures({state: counted.get(state, 0) for state in State}, oldest_due_at, len(blocked))


async def try_writing(tx: AsyncConnection) -> None:
    """Write without changing anything: no row has no name, but the right to write, and SQLite's lock, are needed."""
    await tx.execute(leases.update().where(leases.c.name == "").values(epoch=leases.c.epoch))
