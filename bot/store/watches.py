"""The watches: which channel wants to hear about which account."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import ALL_ACCOUNTS, watches

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
    """A stored watch; `look_at` is when something about it can change by itself."""

    id: int
    look_at: datetime

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
    )


async def _select(tx: AsyncConnection, *where: sa.ColumnElement[bool]) -> list[Watch]:
    rows = await tx.execute(sa.select(watches).where(*where).order_by(watches.c.id))
    return [_watch(row) for row in rows]


async def get_watches(tx: AsyncConnection, guild_id: int) -> list[Watch]:
    """Return the watches of a server, oldest first."""
    return await _select(tx, watches.c.guild_id == guild_id)


async def get_all_watches(tx: AsyncConnection) -> list[Watch]:
    """Return the watches of all servers."""
    return await _select(tx)


async def get_watches_in(tx: AsyncConnection, channel_ids: Collection[int]) -> list[Watch]:
    """Return the watches of these channels."""
    return await _select(tx, watches.c.channel_id.in_(channel_ids))


async def get_watches_to_look_at(tx: AsyncConnection, now: datetime, changed: Collection[str]) -> list[Watch]:
    """Return the watches whose time has come, and those on accounts that changed."""
    wanted = watches.c.look_at <= now
    if changed:
        wanted |= watches.c.account_id.in_([*changed, ALL_ACCOUNTS])
    return await _select(tx, wanted)


async def put_watch(tx: AsyncConnection, new: NewWatch, now: datetime) -> tuple[Watch, Watch | None]:
    """Store a watch, replacing wholly the one on the same account in the same channel; return it and that one."""
    same = (
        (watches.c.guild_id == new.guild_id)
        & (watches.c.channel_id == new.channel_id)
        & (watches.c.account_id == new.account_id)
    )
    replaced = await _select(tx, same)
    values = {name: getattr(new, name) for name in NewWatch.__dataclass_fields__}
    values |= {"days": ",".join(map(str, new.days)), "added_at": now, "look_at": _LONG_AGO}
    if replaced:
        await tx.execute(watches.update().where(same).values(**values))
    else:
        await tx.execute(watches.insert().values(**values))
    (stored,) = await _select(tx, same)
    return stored, replaced[0] if replaced else None


async def remove_watch(tx: AsyncConnection, guild_id: int, watch_id: int) -> Watch | None:
    """Delete a watch of this server and return it, None if there is none; others in its channel are looked at anew."""
    found = await _select(tx, watches.c.guild_id == guild_id, watches.c.id == watch_id)
    if not found:
        return None
    await tx.execute(watches.delete().where(watches.c.id == watch_id))
    await tx.execute(watches.update().where(watches.c.channel_id == found[0].channel_id).values(look_at=_LONG_AGO))
    return found[0]


async def mark_looked_at(tx: AsyncConnection, look_at: dict[int, datetime]) -> None:
    """Store when to look at these watches next."""
    for watch_id, moment in look_at.items():
        await tx.execute(watches.update().where(watches.c.id == watch_id).values(look_at=moment))
