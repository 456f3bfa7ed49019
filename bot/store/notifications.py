"""Saves and loads notifications, from planned to sent."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notifications import Kind, Notification, State
from bot.store.slices import execute_each
from bot.store.tables import insert_into, notifications

_CONTENT = ("kind", "ref", "stage", "expires_at", "is_follow_up")
_IN_GUILDS = notifications.c.guild_id.in_(sa.bindparam("guilds", expanding=True))
_UNSENT = (
    sa.select(notifications)
    .where(notifications.c.state.in_([State.PENDING, State.SENDING]), _IN_GUILDS)
    .order_by(notifications.c.id)
)
_PENDING_CHANNELS = (
    sa.select(notifications.c.channel_id)
    .where(notifications.c.state == State.PENDING, _IN_GUILDS)
    .group_by(notifications.c.channel_id)
    .order_by(sa.func.min(notifications.c.id))
)
_PENDING_IN_CHANNEL = (
    sa.select(notifications)
    .where(notifications.c.state == State.PENDING, notifications.c.channel_id == sa.bindparam("in_channel"))
    .order_by(notifications.c.id)
)
_IS_PENDING = (notifications.c.id == sa.bindparam("pending_id")) & (notifications.c.state == State.PENDING)
_CHANGE_PENDING = notifications.update().where(_IS_PENDING)
_DELETE_PENDING = notifications.delete().where(_IS_PENDING)


def notification_from(row: Any) -> Notification:
    """Return the notification of a row."""
    return Notification(
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        account_id=row.account_id,
        kind=Kind(row.kind),
        ref=row.ref,
        stage=row.stage,
        expires_at=row.expires_at,
        is_late=row.is_late,
        is_follow_up=row.is_follow_up,
        message_id=row.message_id,
        id=row.id,
    )


async def add_pending(tx: AsyncConnection, planned: Iterable[Notification], now: datetime) -> None:
    """Insert notifications as pending; one that is pending or in flight already stays as it is."""
    rows = (_row(one) | {"state": State.PENDING, "due_at": now, "is_late": False} for one in planned)
    await execute_each(tx, insert_into(tx, notifications).on_conflict_do_nothing(), rows)


def _row(notification: Notification) -> dict[str, Any]:
    return {name: getattr(notification, name) for name in ("guild_id", "channel_id", "account_id", *_CONTENT)}


async def change_pending(tx: AsyncConnection, changed: Iterable[Notification]) -> None:
    """Let pending notifications be about what is due by now; they keep their id and since when they wait."""
    rows = ({"pending_id": one.id, **{name: getattr(one, name) for name in _CONTENT}} for one in changed)
    await execute_each(tx, _CHANGE_PENDING, rows)


async def delete_pending(tx: AsyncConnection, notification_ids: Iterable[int]) -> None:
    """Delete pending notifications that are no longer wanted; sent ones are never deleted."""
    await execute_each(tx, _DELETE_PENDING, ({"pending_id": one} for one in notification_ids))


async def get_unsent(tx: AsyncConnection, guild_ids: Collection[int]) -> list[tuple[Notification, State]]:
    """Return the notifications of these guilds that are pending or in flight, oldest first."""
    rows = await tx.execute(_UNSENT, {"guilds": list(guild_ids)})
    return [(notification_from(row), State(row.state)) for row in rows]


async def get_pending_channels(tx: AsyncConnection, guild_ids: Collection[int]) -> list[int]:
    """Return the channels of these guilds that have pending notifications, longest waiting first."""
    return list((await tx.execute(_PENDING_CHANNELS, {"guilds": list(guild_ids)})).scalars())


async def get_pending(tx: AsyncConnection, channel_id: int) -> list[Notification]:
    """Return the pending notifications of a channel, oldest first."""
    return [notification_from(row) for row in await tx.execute(_PENDING_IN_CHANNEL, {"in_channel": channel_id})]


async def count_unsent(tx: AsyncConnection, guild_id: int) -> int:
    """Return how many notifications of a guild are pending or in flight."""
    where = notifications.c.state.in_([State.PENDING, State.SENDING]) & (notifications.c.guild_id == guild_id)
    return int((await tx.execute(sa.select(sa.func.count()).select_from(notifications).where(where))).scalar_one())


async def count_sent_messages(tx: AsyncConnection, guild_id: int, since: datetime) -> int:
    """Return how many messages with notifications were sent in a guild since then."""
    number = sa.func.count(notifications.c.message_id.distinct())
    query = sa.select(number).where(notifications.c.guild_id == guild_id, notifications.c.sent_at >= since)
    return int((await tx.execute(query)).scalar_one())
