"""Saves and loads subscriptions."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.subscriptions import NewSubscription, Ping, PingKind, Subscription
from bot.store.tables import insert_into, is_account, subscriptions, unique_target

_PAGE = 500
_SELECT = sa.select(subscriptions)
_IN_GUILDS = subscriptions.c.guild_id.in_(sa.bindparam("guilds", expanding=True))
_IS_ACTIVE = subscriptions.c.paused_at.is_(None)
_OF_GUILD = _SELECT.where(subscriptions.c.guild_id == sa.bindparam("of_guild"))
_OF_GUILD_BY_ID = _OF_GUILD.where(subscriptions.c.id == sa.bindparam("own_id"))
_ACTIVE_IN_GUILDS = _SELECT.where(_IN_GUILDS, _IS_ACTIVE)
_WITH_CREDITS_IN_GUILDS = _ACTIVE_IN_GUILDS.where(subscriptions.c.credits_below.is_not(None))
_PAGE_IN_GUILDS = (
    _SELECT.where(_IN_GUILDS, subscriptions.c.id > sa.bindparam("last_id")).order_by(subscriptions.c.id).limit(_PAGE)
)
_IN_CHANNELS = _SELECT.where(subscriptions.c.channel_id.in_(sa.bindparam("channels", expanding=True)))


def _ping(row: Any) -> Ping | None:
    if row.role_id is not None:
        return Ping(PingKind.ROLE, row.role_id)
    return None if row.user_id is None else Ping(PingKind.MEMBER, row.user_id)


def _ping_values(ping: Ping | None) -> dict[str, int | None]:
    """Return the columns that hold whom a subscription pings."""
    of = {PingKind.ROLE: "role_id", PingKind.MEMBER: "user_id"}
    return {column: ping.id if ping and ping.kind is kind else None for kind, column in of.items()}


def _subscription(row: Any) -> Subscription:
    return Subscription(
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        account_id=row.account_id,
        lead_times=tuple(int(days) for days in row.lead_times.split(",") if days),
        ping=_ping(row),
        added_by=row.added_by,
        follow_ups=row.follow_ups,
        credits_below=row.credits_below,
        id=row.id,
        paused_at=row.paused_at,
    )


async def _load(
    tx: AsyncConnection, query: sa.Select[Any], values: Mapping[str, object] | None = None
) -> list[Subscription]:
    # Sorted here: with ORDER BY, SQLite reads the whole table in that order instead of using an index.
    rows = (await tx.execute(query, values)).all()
    return [_subscription(row) for row in sorted(rows, key=lambda row: row.id)]


async def get_subscriptions(tx: AsyncConnection, guild_id: int) -> list[Subscription]:
    """Return the subscriptions of a guild, oldest first."""
    return await _load(tx, _OF_GUILD, {"of_guild": guild_id})


async def get_subscription(tx: AsyncConnection, guild_id: int, subscription_id: int) -> Subscription | None:
    """Return a subscription of this guild, None if there is none with this id."""
    found = await _load(tx, _OF_GUILD_BY_ID, {"of_guild": guild_id, "own_id": subscription_id})
    return found[0] if found else None


async def get_active_subscriptions(tx: AsyncConnection, guild_ids: Collection[int]) -> list[Subscription]:
    """Return the subscriptions of these guilds that are not paused."""
    return await _load(tx, _ACTIVE_IN_GUILDS, {"guilds": list(guild_ids)})


async def get_subscriptions_to_credits(tx: AsyncConnection, guild_ids: Collection[int]) -> list[Subscription]:
    """Return the active subscriptions of these guilds that name a threshold for credits."""
    return await _load(tx, _WITH_CREDITS_IN_GUILDS, {"guilds": list(guild_ids)})


async def get_all_subscriptions(tx: AsyncConnection, guild_ids: Collection[int]) -> list[Subscription]:
    """Return the subscriptions of these guilds, in pages so that other tasks run in between."""
    found: list[Subscription] = []
    last_id: int | None = -1
    while last_id is not None:
        rows = (await tx.execute(_PAGE_IN_GUILDS, {"guilds": list(guild_ids), "last_id": last_id})).all()
        found += map(_subscription, rows)
        last_id = rows[-1].id if len(rows) == _PAGE else None
    return found


async def get_subscriptions_in(tx: AsyncConnection, channel_ids: Collection[int]) -> list[Subscription]:
    """Return the subscriptions of these channels."""
    return await _load(tx, _IN_CHANNELS, {"channels": list(channel_ids)})


async def lock_guild(tx: AsyncConnection, guild_id: int) -> None:
    """Let other transactions that change subscriptions of this guild wait until this one ends."""
    if tx.dialect.name == "postgresql":
        await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(guild_id)))
    else:
        # SQLite allows one writer at a time; what is read before the first write may be old by then.
        await tx.execute(subscriptions.update().where(sa.false()).values(guild_id=guild_id))


async def lock_subscription(tx: AsyncConnection, known: Subscription) -> Subscription | None:
    """Lock its guild; return a subscription as it is now, None if it was deleted."""
    await lock_guild(tx, known.guild_id)
    present = await get_subscription(tx, known.guild_id, known.id)
    # Another one may have its id by now.
    is_same = present and (present.channel_id, present.account_id) == (known.channel_id, known.account_id)
    return present if is_same else None


async def put_subscription(tx: AsyncConnection, new: NewSubscription) -> tuple[Subscription, Subscription | None]:
    """Save a subscription in place of the one on the same account in the same channel; return it and that one.

    Another transaction that saves one for the same guild waits until this one ends.
    """
    await lock_guild(tx, new.guild_id)
    same = (
        (subscriptions.c.guild_id == new.guild_id)
        & (subscriptions.c.channel_id == new.channel_id)
        & is_account(subscriptions, new.account_id)
    )
    replaced = await _load(tx, _SELECT.where(same))
    values = {name: getattr(new, name) for name in NewSubscription.__dataclass_fields__}
    values |= {"lead_times": ",".join(map(str, new.lead_times)), "paused_at": None}
    values |= _ping_values(values.pop("ping"))
    insert = insert_into(tx, subscriptions).values(**values)
    upsert = insert.on_conflict_do_update(**unique_target(["guild_id", "channel_id"], new.account_id), set_=values)
    stored = (await tx.execute(upsert.returning(*subscriptions.c))).one()
    return _subscription(stored), replaced[0] if replaced else None


async def delete_subscription(tx: AsyncConnection, subscription: Subscription) -> None:
    """Delete a subscription."""
    await tx.execute(subscriptions.delete().where(subscriptions.c.id == subscription.id))


async def set_paused(tx: AsyncConnection, subscription: Subscription, paused_at: datetime | None) -> None:
    """Pause a subscription, or resume it (None)."""
    where = subscriptions.c.id == subscription.id
    await tx.execute(subscriptions.update().where(where).values(paused_at=paused_at))


async def set_ping(tx: AsyncConnection, subscription: Subscription, ping: Ping | None) -> None:
    """Save whom a subscription pings, None for nobody."""
    where = subscriptions.c.id == subscription.id
    await tx.execute(subscriptions.update().where(where).values(**_ping_values(ping)))
