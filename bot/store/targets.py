"""Channels in trouble: those that refuse, and those that an audit found would."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import insert_into, targets, watches

_BLOCKED_AFTER = 3
_BLOCKED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Target:
    """A channel in trouble: how often it refused in a row, since when, why, and when to try again.

    No failures: nothing was sent there yet, an audit found the trouble. `is_lasting` if only people can end it.
    """

    guild_id: int
    channel_id: int
    failures: int
    failing_since: datetime
    next_try_at: datetime
    reason: str
    is_lasting: bool
    is_told: bool = False

    def is_blocked(self, now: datetime) -> bool:
        """Whether people must be told: it was audited and failed, or has refused three times over at least an hour."""
        has_refused = self.failures >= _BLOCKED_AFTER and now - self.failing_since >= _BLOCKED_FOR
        return self.is_lasting and (has_refused or not self.failures)


def _target(row: Any) -> Target:
    return Target(**{name: getattr(row, name) for name in Target.__dataclass_fields__})


async def get_targets(tx: AsyncConnection, guild_ids: Iterable[int]) -> dict[int, Target]:
    """Return the channels of these servers that are in trouble, by id."""
    rows = await tx.execute(sa.select(targets).where(targets.c.guild_id.in_(list(guild_ids))))
    return {row.channel_id: _target(row) for row in rows}


async def get_target(tx: AsyncConnection, channel_id: int) -> Target | None:
    """Return a channel's trouble, None if it works."""
    row = (await tx.execute(sa.select(targets).where(targets.c.channel_id == channel_id))).first()
    return None if row is None else _target(row)


async def put_target(tx: AsyncConnection, target: Target) -> None:
    """Store a channel's trouble."""
    values = {name: getattr(target, name) for name in Target.__dataclass_fields__}
    insert = insert_into(tx, targets).values(**values)
    await tx.execute(insert.on_conflict_do_update(index_elements=["guild_id", "channel_id"], set_=values))


async def mark_told(tx: AsyncConnection, channel_ids: Iterable[int]) -> None:
    """Remember that people were told of these channels' trouble."""
    await tx.execute(targets.update().where(targets.c.channel_id.in_(list(channel_ids))).values(is_told=True))


async def drop_unwatched_targets(tx: AsyncConnection) -> None:
    """Forget the trouble of channels that no active watch is for any more."""
    watched = sa.select(watches.c.channel_id).where(watches.c.paused_at.is_(None))
    await tx.execute(targets.delete().where(targets.c.channel_id.not_in(watched)))


async def drop_target(tx: AsyncConnection, channel_id: int) -> None:
    """Forget a channel's trouble."""
    await tx.execute(targets.delete().where(targets.c.channel_id == channel_id))
