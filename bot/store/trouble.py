"""The trouble with accounts, and with reading them: since when, and which episode of it is told of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.trouble import Rule, Trouble, follow
from bot.store.tables import accounts, troubles


@dataclass(frozen=True, slots=True)
class Episodes:
    """What became of trouble in a pass: the episodes that began or go on after a rest, and those that ended too.

    Each is its number, by account; by that it is told once.
    """

    opened: Mapping[str, int]
    turned: Mapping[str, int]


async def mark_trouble(tx: AsyncConnection, kind: str, rule: Rule, bad: Mapping[str, bool], now: datetime) -> Episodes:
    """Follow one kind of trouble over one more pass."""
    rows = (await tx.execute(sa.select(troubles).where(troubles.c.kind == kind))).all()
    present = {
        row.account_id: Trouble(row.bad_passes, row.bad_since, row.good_since, row.episode, row.is_open) for row in rows
    }
    opened: dict[str, int] = {}
    turned: dict[str, int] = {}
    for account_id, is_bad in bad.items():
        before = present.get(account_id, Trouble())
        after = follow(before, rule, is_bad=is_bad, now=now)
        if after.is_open != before.is_open:
            turned[account_id] = after.episode
            if after.is_open:
                opened[account_id] = after.episode
        if after != before:
            await _write_trouble(tx, kind, account_id, after, is_new=account_id not in present)
    return Episodes(opened, turned)


async def get_bad_since(tx: AsyncConnection, kind: str, account_id: str) -> datetime | None:
    """Return since when a kind of trouble has been seen in each pass, None if the last one was good."""
    of = (troubles.c.kind == kind) & (troubles.c.account_id == account_id)
    return (await tx.execute(sa.select(troubles.c.bad_since).where(of))).scalar()


async def get_open_troubles(tx: AsyncConnection) -> dict[tuple[str, str], int]:
    """Return the number of each open episode, by its kind and account."""
    rows = await tx.execute(sa.select(troubles).where(troubles.c.is_open))
    return {(row.kind, row.account_id): row.episode for row in rows}


async def get_confirmed(tx: AsyncConnection) -> datetime | None:
    """Return when the last pass read the accounts, None if it could not; what was read before that is in doubt."""
    failed = sa.select(troubles.c.kind).where(troubles.c.kind == "blind", troubles.c.bad_passes > 0)
    if (await tx.execute(failed)).first():
        return None
    read_at: datetime | None = (await tx.execute(sa.select(sa.func.max(accounts.c.read_at)))).scalar_one()
    return read_at


async def _write_trouble(tx: AsyncConnection, kind: str, account_id: str, trouble: Trouble, *, is_new: bool) -> None:
    values = {name: getattr(trouble, name) for name in Trouble.__dataclass_fields__}
    if is_new:
        await tx.execute(troubles.insert().values(kind=kind, account_id=account_id, **values))
        return
    where = (troubles.c.kind == kind) & (troubles.c.account_id == account_id)
    await tx.execute(troubles.update().where(where).values(**values))
