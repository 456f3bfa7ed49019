"""Channels in trouble: those that refuse, those that an audit found would, and those whose board can't be kept.

Of a channel's board it is told apart, for editing needs other rights than posting: trouble with one is not the other's.
It is stored under the channel's id as a negative number; Discord's own are positive.
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


_STORED = Target.__dataclass_fields__.keys() - {"is_board"}


def _target(row: Any) -> Target:
    values = {name: getattr(row, name) for name in _STORED}
    return Target(**values | {"channel_id": abs(row.channel_id)}, is_board=row.channel_id < 0)


def _key(channel_id: int, *, of_board: bool) -> int:
    return -channel_id if of_board else channel_id


async def get_targets(tx: AsyncConnection, guild_ids: Iterable[int], *, of_boards: bool = False) -> dict[int, Target]:
    """Return the channels of these servers that are in trouble, or whose boards are, by id."""
    is_asked_for = targets.c.channel_id < 0 if of_boards else targets.c.channel_id > 0
    rows = await tx.execute(sa.select(targets).where(targets.c.guild_id.in_(list(guild_ids)), is_asked_for))
    return {target.channel_id: target for target in map(_target, rows)}


async def get_target(tx: AsyncConnection, channel_id: int, *, of_board: bool = False) -> Target | None:
    """Return a channel's trouble, or its board's; None if it works."""
    of = targets.c.channel_id == _key(channel_id, of_board=of_board)
    row = (await tx.execute(sa.select(targets).where(of))).first()
    return None if row is None else _target(row)


async def put_target(tx: AsyncConnection, target: Target) -> None:
    """Store a channel's trouble, or its board's."""
    values = {name: getattr(target, name) for name in _STORED}
    values["channel_id"] = _key(target.channel_id, of_board=target.is_board)
    insert = insert_into(tx, targets).values(**values)
    await tx.execute(insert.on_conflict_do_update(index_elements=["guild_id", "channel_id"], set_=values))


async def mark_told(tx: AsyncConnection, channel_ids: Iterable[int], *, of_boards: bool = False) -> None:
    """Remember that people were told of the trouble of these channels, or of their boards."""
    keys = [_key(channel_id, of_board=of_boards) for channel_id in channel_ids]
    await tx.execute(targets.update().where(targets.c.channel_id.in_(keys)).values(is_told=True))


async def drop_needless_targets(tx: AsyncConnection) -> None:
    """Forget the trouble of channels that no active watch is for any more, and of boards that are not kept."""
    watched = sa.select(watches.c.channel_id).where(watches.c.paused_at.is_(None))
    kept = watched.union_all(sa.select(-boards.c.channel_id))
    await tx.execute(targets.delete().where(targets.c.channel_id.not_in(kept)))


async def drop_target(tx: AsyncConnection, channel_id: int, *, of_board: bool = False) -> None:
    """Forget a channel's trouble, or its board's."""
    await tx.execute(targets.delete().where(targets.c.channel_id == _key(channel_id, of_board=of_board)))
