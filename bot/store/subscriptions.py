"""Saves and loads subscriptions."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.subscriptions import NewSubscription, Subscription
from bot.store.tables import insert_into, is_account, subscriptions, unique_target

_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


def _subscription(row: Any) -> Subscription:
    return Subscription(
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        channel_name=row.channel_name,
        account_id=row.account_id,
        lead_times=tuple(int(days) for days in row.lead_times.split(",") if days),
        role_id=row.role_id,
        added_by=row.added_by,
        id=row.id,
        next_check_at=row.next_check_at,
        paused_at=row.paused_at,
    )


async def _select(tx: AsyncConnection, *where: sa.ColumnElement[bool]) -> list[Subscription]:
    # Sorted here: with ORDER BY, SQLite reads the whole table in that order instead of using an index.
    rows = (await tx.execute(sa.select(subscriptions).where(*where))).all()
    return [_subscription(row) for row in sorted(rows, key=lambda row: row.id)]


async def get_subscriptions(tx: AsyncConnection, guild_id: int) -> list[Subscription]:
    """Return the subscriptions of a guild, oldest first."""
    return await _select(tx, subscriptions.c.guild_id == guild_id)


async def get_subscription(tx: AsyncConnection, guild_id: int, subscription_id: int) -> Subscription | None:
    """Return a subscription of this guild, None if there is none with this id."""
    found = await _select(tx, subscriptions.c.guild_id == guild_id, subscriptions.c.id == subscription_id)
    return found[0] if found else None


async def get_active_subscriptions(tx: AsyncConnection, guild_ids: Collection[int]) -> list[Subscription]:
    """Return the subscriptions of these guilds that are not paused."""
    return await _select(tx, subscriptions.c.guild_id.in_(guild_ids), subscriptions.c.paused_at.is_(None))


async def get_subscriptions_in(tx: AsyncConnection, channel_ids: Collection[int]) -> list[Subscription]:
    """Return the subscriptions of these channels."""
    return await _select(tx, subscriptions.c.channel_id.in_(channel_ids))


async def get_due_subscriptions(
    tx: AsyncConnection, guild_ids: Collection[int], now: datetime, changed: Collection[str]
) -> list[Subscription]:
    """Return the active subscriptions of these guilds that are due for a check or cover a changed account."""
    wanted = subscriptions.c.next_check_at <= now
    if changed:
        wanted |= subscriptions.c.account_id.in_(changed) | subscriptions.c.account_id.is_(None)
    found = await _select(tx, subscriptions.c.paused_at.is_(None), wanted)
    # In Python: in SQL, the database would read all subscriptions of these guilds instead of the due ones.
    return [one for one in found if one.guild_id in guild_ids]


async def put_subscription(tx: AsyncConnection, new: NewSubscription) -> tuple[Subscription, Subscription | None]:
    """Save a subscription in place of the one on the same account in the same channel; return it and that one.

    Another transaction that saves one for the same guild waits until this one ends.
    """
    if tx.dialect.name == "postgresql":
        # SQLite allows one writer at a time anyway.
        await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(new.guild_id)))
    same = (
        (subscriptions.c.guild_id == new.guild_id)
        & (subscriptions.c.channel_id == new.channel_id)
        & is_account(subscriptions, new.account_id)
    )
    replaced = await _select(tx, same)
    values = {name: getattr(new, name) for name in NewSubscription.__dataclass_fields__}
    values |= {"lead_times": ",".join(map(str, new.lead_times)), "next_check_at": _LONG_AGO, "paused_at": None}
    insert = insert_into(tx, subscriptions).values(**values)
    upsert = insert.on_conflict_do_update(**unique_target(["guild_id", "channel_id"], new.account_id), set_=values)
    stored = (await tx.execute(upsert.returning(*subscriptions.c))).one()
    return _subscription(stored), replaced[0] if replaced else None


async def delete_subscription(tx: AsyncConnection, subscription: Subscription) -> None:
    """Delete a subscription; the others of its channel are due for a check, since they may cover its account now."""
    await tx.execute(subscriptions.delete().where(subscriptions.c.id == subscription.id))
    in_channel = subscriptions.c.channel_id == subscription.channel_id
    await tx.execute(subscriptions.update().where(in_channel).values(next_check_at=_LONG_AGO))


async def set_paused(tx: AsyncConnection, subscription: Subscription, paused_at: datetime | None) -> None:
    """Pause a subscription, or resume it (None), which makes it due for a check."""
    where = subscriptions.c.id == subscription.id
    await tx.execute(subscriptions.update().where(where).values(paused_at=paused_at, next_check_at=_LONG_AGO))


async def set_next_checks(tx: AsyncConnection, next_check_at: Mapping[int, datetime]) -> None:
    """Save when these subscriptions, by id, are due for their next check."""
    update = (
        subscriptions.update()
        .where(subscriptions.c.id == sa.bindparam("subscription"))
        .values(next_check_at=sa.bindparam("moment"))
    )
    if rows := [{"subscription": key, "moment": moment} for key, moment in next_check_at.items()]:
        await tx.execute(update, rows)
