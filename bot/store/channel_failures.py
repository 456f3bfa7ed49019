"""Saves and loads channel failures."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.channel_failures import ChannelFailure
from bot.core.messages import MessageKind
from bot.store.tables import boards, channel_failures, insert_into, subscriptions

_OF_CHANNEL_AND_KIND = (channel_failures.c.channel_id == sa.bindparam("of_channel")) & (
    channel_failures.c.kind == sa.bindparam("of_kind")
)
_FAILURES_IN_GUILDS = sa.select(channel_failures).where(
    channel_failures.c.guild_id.in_(sa.bindparam("guilds", expanding=True)),
    channel_failures.c.kind == sa.bindparam("of_kind"),
)
_SUBSCRIBED_CHANNELS = sa.select(subscriptions.c.channel_id).where(subscriptions.c.paused_at.is_(None))
_DELETE_ORPHANED = [
    channel_failures.delete().where(channel_failures.c.kind == kind, channel_failures.c.channel_id.not_in(wanted))
    for kind, wanted in (
        (MessageKind.NOTIFICATIONS, _SUBSCRIBED_CHANNELS),
        (MessageKind.BOARD, sa.select(boards.c.channel_id)),
    )
]
_FAILURE = sa.select(channel_failures).where(_OF_CHANNEL_AND_KIND)
_DELETE = channel_failures.delete().where(_OF_CHANNEL_AND_KIND)
_DELETE_REFUSALS = _DELETE.where(channel_failures.c.failures > 0)


def _failure(row: Any) -> ChannelFailure:
    values = {name: getattr(row, name) for name in ChannelFailure.__dataclass_fields__}
    return ChannelFailure(**values | {"kind": MessageKind(row.kind)})


async def get_failures(tx: AsyncConnection, guild_ids: Iterable[int], kind: MessageKind) -> dict[int, ChannelFailure]:
    """Return the channels of these guilds that refuse this kind of message, by channel id."""
    rows = await tx.execute(_FAILURES_IN_GUILDS, {"guilds": list(guild_ids), "of_kind": kind})
    return {row.channel_id: _failure(row) for row in rows}


async def get_failure(tx: AsyncConnection, channel_id: int, kind: MessageKind) -> ChannelFailure | None:
    """Return a channel's failure, None if it accepts this kind of message."""
    row = (await tx.execute(_FAILURE, {"of_channel": channel_id, "of_kind": kind})).first()
    return None if row is None else _failure(row)


async def put_failure(tx: AsyncConnection, failure: ChannelFailure) -> None:
    """Save a channel's failure."""
    values = {name: getattr(failure, name) for name in ChannelFailure.__dataclass_fields__}
    insert = insert_into(tx, channel_failures).values(**values)
    await tx.execute(insert.on_conflict_do_update(index_elements=list(channel_failures.primary_key), set_=values))


async def mark_reported(tx: AsyncConnection, channel_ids: Iterable[int], kind: MessageKind) -> None:
    """Mark the failures of these channels as reported to people."""
    where = channel_failures.c.channel_id.in_(list(channel_ids)) & (channel_failures.c.kind == kind)
    await tx.execute(channel_failures.update().where(where).values(is_reported=True))


async def delete_failure(tx: AsyncConnection, channel_id: int, kind: MessageKind) -> None:
    """Delete a channel's failure."""
    await tx.execute(_DELETE, {"of_channel": channel_id, "of_kind": kind})


async def delete_refusals(tx: AsyncConnection, channel_id: int, kind: MessageKind) -> None:
    """Delete a channel's failure if it was a refusal; a problem that a check found, say with a role, stays."""
    await tx.execute(_DELETE_REFUSALS, {"of_channel": channel_id, "of_kind": kind})


async def delete_orphaned_failures(tx: AsyncConnection) -> None:
    """Delete the failures of channels without an active subscription, and of boards that are gone."""
    for delete in _DELETE_ORPHANED:
        await tx.execute(delete)
