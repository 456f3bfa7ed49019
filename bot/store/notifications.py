"""Saves and loads notifications, each under a unique key."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notifications import Kind, Notification, State
from bot.core.stages import Heard
from bot.store.tables import insert_into, notifications, unique_target

_KEY = ["guild_id", "channel_id", "kind", "ref", "stage"]


def notification_from(row: Any) -> Notification:
    """Return the notification of a row."""
    key = row.guild_id, row.channel_id, row.account_id, Kind(row.kind), row.ref, row.stage
    return Notification(*key, is_late=row.is_late, id=row.id)


async def get_heard(
    tx: AsyncConnection, channel_ids: Collection[int], login_ids: Collection[int]
) -> dict[tuple[int, int], Heard]:
    """Return what these channels have heard about these logins, by channel id and login id."""
    query = sa.select(notifications).where(
        notifications.c.channel_id.in_(channel_ids),
        notifications.c.kind.in_([Kind.STAGE, Kind.RENEWED]),
        notifications.c.ref.in_(login_ids),
    )
    stages: dict[tuple[int, int], dict[str, set[int]]] = {}
    renewals = set()
    for row in await tx.execute(query):
        key = (row.channel_id, row.ref)
        by_state = stages.setdefault(key, {state: set() for state in State})
        if row.kind == Kind.RENEWED:
            renewals.add(key)
        else:
            by_state[row.state].add(row.stage)
    return {
        key: Heard(
            sent=frozenset(by_state[State.SENT]),
            in_flight=frozenset(by_state[State.SENDING]),
            pending=frozenset(by_state[State.PENDING]),
            superseded=frozenset(by_state[State.SUPERSEDED]),
            renewal=key in renewals,
        )
        for key, by_state in stages.items()
    }


async def get_recent_logins(
    tx: AsyncConnection, channel_ids: Collection[int], since: datetime, now: datetime
) -> dict[tuple[int, str], set[int]]:
    """Return the logins that these channels have notifications about since then, by channel id and account id."""
    # The kind is compared in Python: SQLite would read all of one kind instead of those of these channels.
    query = sa.select(notifications).where(
        notifications.c.state.in_([State.PENDING, State.SENDING, State.SENT]),
        notifications.c.channel_id.in_(channel_ids),
        notifications.c.due_at > since,
        notifications.c.due_at <= now,
    )
    recent: dict[tuple[int, str], set[int]] = {}
    for row in await tx.execute(query) if channel_ids else ():
        if row.kind in (Kind.STAGE, Kind.RENEWED):
            recent.setdefault((row.channel_id, row.account_id), set()).add(row.ref)
    return recent


async def add_pending(tx: AsyncConnection, planned: Iterable[Notification], now: datetime) -> None:
    """Insert notifications as pending; those that exist already, in whatever state, stay as they are."""
    if rows := [_row(one, State.PENDING, now) for one in planned]:
        await tx.execute(insert_into(tx, notifications).on_conflict_do_nothing(), rows)


async def supersede(tx: AsyncConnection, superseded: Iterable[Notification], now: datetime) -> None:
    """Mark notifications about an account as superseded, pending ones and those that were never planned."""
    if rows := [_row(one, State.SUPERSEDED, now) for one in superseded]:
        insert = insert_into(tx, notifications)
        upsert = insert.on_conflict_do_update(
            **unique_target(_KEY, account_id=rows[0]["account_id"]),
            set_={"state": State.SUPERSEDED, "due_at": insert.excluded.due_at},
            where=notifications.c.state == State.PENDING,
        )
        await tx.execute(upsert, rows)


def _row(notification: Notification, state: State, now: datetime) -> dict[str, Any]:
    key = {name: getattr(notification, name) for name in (*_KEY, "account_id")}
    return key | {"state": state, "due_at": now, "is_late": False}


async def get_pending_channels(tx: AsyncConnection, guild_ids: Collection[int]) -> list[int]:
    """Return the channels of these guilds that have pending notifications, longest waiting first."""
    query = (
        sa.select(notifications.c.channel_id)
        .where(notifications.c.state == State.PENDING, notifications.c.guild_id.in_(guild_ids))
        .group_by(notifications.c.channel_id)
        .order_by(sa.func.min(notifications.c.id))
    )
    return list((await tx.execute(query)).scalars())


async def get_pending(tx: AsyncConnection, channel_id: int) -> list[Notification]:
    """Return the pending notifications of a channel, oldest first."""
    query = (
        sa.select(notifications)
        .where(notifications.c.state == State.PENDING, notifications.c.channel_id == channel_id)
        .order_by(notifications.c.id)
    )
    return [notification_from(row) for row in await tx.execute(query)]


async def count_by_state(tx: AsyncConnection, guild_id: int, since: datetime) -> Mapping[str, int]:
    """Return how many notifications of a guild are in each state; sent ones only if they were due since then."""
    is_counted = (notifications.c.state != State.SENT) | (notifications.c.due_at >= since)
    query = (
        sa.select(notifications.c.state, sa.func.count().label("number"))
        .where(notifications.c.guild_id == guild_id, is_counted)
        .group_by(notifications.c.state)
    )
    return {row.state: row.number for row in await tx.execute(query)}


async def delete_pending(tx: AsyncConnection, notification_ids: Iterable[int]) -> None:
    """Delete pending notifications that are no longer wanted; sent ones are never deleted."""
    await _delete_pending(tx, notifications.c.id.in_(list(notification_ids)))


async def delete_overdue(tx: AsyncConnection, channel_id: int, before: datetime) -> None:
    """Delete the pending notifications of a channel that were due before this time."""
    await _delete_pending(tx, (notifications.c.channel_id == channel_id) & (notifications.c.due_at < before))


async def delete_pending_stages(tx: AsyncConnection, login_id: int) -> None:
    """Delete the pending stages of a login that its account no longer has."""
    of_login = (notifications.c.kind == Kind.STAGE) & (notifications.c.ref == login_id)
    await tx.execute(notifications.delete().where(of_login & (notifications.c.state == State.PENDING)))


async def _delete_pending(tx: AsyncConnection, where: sa.ColumnElement[bool]) -> None:
    """Delete pending notifications, and those that they superseded: a stage that was never sent supersedes nothing."""
    pending = where & (notifications.c.state == State.PENDING)
    for row in (await tx.execute(sa.select(notifications).where(pending))).all():
        superseded = (
            (notifications.c.channel_id == row.channel_id)
            & (notifications.c.account_id == row.account_id)
            & (notifications.c.kind == row.kind)
            & (notifications.c.ref == row.ref)
            & (notifications.c.due_at == row.due_at)
            & (notifications.c.stage > row.stage)
        )
        await tx.execute(notifications.delete().where(superseded & (notifications.c.state == State.SUPERSEDED)))
    await tx.execute(notifications.delete().where(pending))
