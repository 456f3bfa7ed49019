"""The watches: which channel wants to hear about which account."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import ALL_ACCOUNTS, insert_into, watches

_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NewWatch:
    """A watch as it is asked for; an account id of "" stands for all accounts."""

    guild_id: int
    channel_id: int
    channel_name: str
    account_id: str
    days: tuple[int, ...]
    role_id: int | None
    role_name: str | None
    added_by: int


@dataclass(frozen=True, slots=True)
class Watch(NewWatch):
    """A stored watch; `look_at` is when it can have something to say, `paused_at` since when it is silent."""

    id: int
    look_at: datetime
    paused_at: datetime | None

    @property
    def is_for_all(self) -> bool:
        """Whether it is for all accounts."""
        return self.account_id == ALL_ACCOUNTS


def _watch(row: Any) -> Watch:
    return Watch(
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        channel_name=row.channel_name,
        account_id=row.account_id,
        days=tuple(int(day) for day in row.days.split(",") if day),
        role_id=row.role_id,
        role_name=row.role_name,
        added_by=row.added_by,
        id=row.id,
        look_at=row.look_at,
        paused_at=row.paused_at,
    )


async def _select(tx: AsyncConnection, *where: sa.ColumnElement[bool]) -> list[Watch]:
    # Sorted here: asked for the order, SQLite reads the whole table in it rather than use an index.
    rows = (await tx.execute(sa.select(watches).where(*where))).all()
    return [_watch(row) for row in sorted(rows, key=lambda row: row.id)]


async def get_watches(tx: AsyncConnection, guild_id: int) -> list[Watch]:
    """Return the watches of a server, oldest first."""
    return await _select(tx, watches.c.guild_id == guild_id)


async def get_watch(tx: AsyncConnection, guild_id: int, watch_id: int) -> Watch | None:
    """Return a watch of this server, None if there is none with this id."""
    found = await _select(tx, watches.c.guild_id == guild_id, watches.c.id == watch_id)
    return found[0] if found else None


async def get_active_watches(tx: AsyncConnection, guild_ids: Collection[int]) -> list[Watch]:
    """Return the watches of these servers that are not paused."""
    return await _select(tx, watches.c.guild_id.in_(guild_ids), watches.c.paused_at.is_(None))


async def get_watches_in(tx: AsyncConnection, channel_ids: Collection[int]) -> list[Watch]:
    """Return the watches of these channels."""
    return await _select(tx, watches.c.channel_id.in_(channel_ids))


async def get_watches_to_look_at(
    tx: AsyncConnection, guild_ids: Collection[int], now: datetime, changed: Collection[str]
) -> list[Watch]:
    """Return the active watches of these servers whose time has come, and those on accounts that changed."""
    wanted = watches.c.look_at <= now
    if changed:
        wanted |= watches.c.account_id.in_([*changed, ALL_ACCOUNTS])
    found = await _select(tx, watches.c.paused_at.is_(None), wanted)
    # Not asked of the database: it would go through all watches of these servers rather than those whose time has come.
    return [watch for watch in found if watch.guild_id in guild_ids]


async def put_watch(tx: AsyncConnection, new: NewWatch, now: datetime) -> tuple[Watch, Watch | None]:
    """Store a watch, replacing wholly the one on the same account in the same channel; return it and that one.

    Whoever stores another one for the same server waits until this transaction ends.
    """
    if tx.dialect.name == "postgresql":
        # SQLite lets only one write at a time anyway.
        await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(new.guild_id)))
    same = (
        (watches.c.guild_id == new.guild_id)
        & (watches.c.channel_id == new.channel_id)
        & (watches.c.account_id == new.account_id)
    )
    replaced = await _select(tx, same)
    values = {name: getattr(new, name) for name in NewWatch.__dataclass_fields__}
    values |= {"days": ",".join(map(str, new.days)), "added_at": now, "look_at": _LONG_AGO, "paused_at": None}
    insert = insert_into(tx, watches).values(**values)
    upsert = insert.on_conflict_do_update(index_elements=["guild_id", "channel_id", "account_id"], set_=values)
    stored = (await tx.execute(upsert.returning(*watches.c))).one()
    return _watch(stored), replaced[0] if replaced else None


async def remove_watch(tx: AsyncConnection, watch: Watch) -> None:
    """Delete a watch; others in its channel are looked at anew."""
    await tx.execute(watches.delete().where(watches.c.id == watch.id))
    await tx.execute(watches.update().where(watches.c.channel_id == watch.channel_id).values(look_at=_LONG_AGO))


async def pause_watch(tx: AsyncConnection, watch: Watch, paused_at: datetime | None) -> None:
    """Silence a watch, or let it speak again (None): it is looked at anew then."""
    of = watches.c.id == watch.id
    await tx.execute(watches.update().where(of).values(paused_at=paused_at, look_at=_LONG_AGO))


async def mark_looked_at(tx: AsyncConnection, look_at: dict[int, datetime]) -> None:
    """Store when to look at these watches next."""
    update = watches.update().where(watches.c.id == sa.bindparam("watch")).values(look_at=sa.bindparam("moment"))
    if rows := [{"watch": watch_id, "moment": moment} for watch_id, moment in look_at.items()]:
        await tx.execute(update, rows)
