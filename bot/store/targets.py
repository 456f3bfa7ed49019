"""Channels in trouble: those that refuse, those that an audit found would, and those whose board can't be kept.

Of a channel's board it is told apart, for editing needs other rights than posting: trouble with one is not the other's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import boards, insert_into, targets, watches

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
    is_board: bool = False

    def is_blocked(self, now: datetime) -> bool:
        """Whether people must be told: it was audited and failed, or has refused three times over at least an hour."""
        has_refused = self.failures >= _BLOCKED_AFTER and now - self.failing_since >= _BLOCKED_FOR
        return self.is_lasting and (has_refused or not self.failures)


def _target(row: Any) -> Target:
    return Target(**{name: getattr(row, name) for name in Target.__dataclass_fields__})


def _one(channel_id: int, *, of_board: bool) -> sa.ColumnElement[bool]:
    """Return what finds a channel's trouble, or its board's."""
    return (targets.c.channel_id == channel_id) & (targets.c.is_board == of_board)


async def get_targets(tx: AsyncConnection, guild_ids: Iterable[int], *, of_boards: bool = False) -> dict[int, Target]:
    """Return the channels of these servers that are in trouble, or whose boards are, by id."""
    of = targets.c.guild_id.in_(list(guild_ids)) & (targets.c.is_board == of_boards)
    rows = await tx.execute(sa.select(targets).where(of))
    return {target.channel_id: target for target in map(_target, rows)}


async def get_target(tx: AsyncConnection, channel_id: int, *, of_board: bool = False) -> Target | None:
    """Return a channel's trouble, or its board's; None if it works."""
    row = (await tx.execute(sa.select(targets).where(_one(channel_id, of_board=of_board)))).first()
    return None if row is None else _target(row)


async def put_target(tx: AsyncConnection, target: Target) -> None:
    """Store a channel's trouble, or its board's."""
    values = {name: getattr(target, name) for name in Target.__dataclass_fields__}
    insert = insert_into(tx, targets).values(**values)
    await tx.execute(insert.on_conflict_do_update(index_elements=list(targets.primary_key), set_=values))


async def mark_told(tx: AsyncConnection, channel_ids: Iterable[int], *, of_boards: bool = False) -> None:
    """Remember that people were told of the trouble of these channels, or of their boards."""
    of = targets.c.channel_id.in_(list(channel_ids)) & (targets.c.is_board == of_boards)
    await tx.execute(targets.update().where(of).values(is_told=True))


async def drop_needless_targets(tx: AsyncConnection) -> None:
    """Forget the trouble of channels that no active watch is for any more, and of boards that are not kept."""
    watched = sa.select(watches.c.channel_id).where(watches.c.paused_at.is_(None))
    of_channels = ~targets.c.is_board & targets.c.channel_id.not_in(watched)
    of_boards = targets.c.is_board & targets.c.channel_id.not_in(sa.select(boards.c.channel_id))
    await tx.execute(targets.delete().where(of_channels | of_boards))


async def drop_target(tx: AsyncConnection, channel_id: int, *, of_board: bool = False) -> None:
    """Forget a channel's trouble, or its board's."""
    await tx.execute(targets.delete().where(_one(channel_id, of_board=of_board)))
