"""Saves and loads incidents."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.incidents import Incident, OpenIncident, Reason
from bot.core.notifications import Kind
from bot.store.slices import execute_each
from bot.store.tables import accounts, incidents, insert_into, is_account, unique_target

_INCIDENTS_OF_KIND = sa.select(incidents).where(incidents.c.kind == sa.bindparam("of_kind"))
_OPEN_SHARED_INCIDENTS = sa.select(incidents).where(incidents.c.account_id.is_(None), incidents.c.is_open)
_HAS_FAILED = sa.exists().where(incidents.c.kind == Kind.UNREADABLE, incidents.c.bad_polls > 0)
_CONFIRMED_AT = sa.select(sa.func.max(accounts.c.read_at)).where(~_HAS_FAILED)


async def get_incidents(tx: AsyncConnection, kind: Kind) -> dict[str | None, Incident]:
    """Return the incidents of one kind, open or not, by account id; None for the accounts as a whole."""
    rows = await tx.execute(_INCIDENTS_OF_KIND, {"of_kind": kind})
    return {
        row.account_id: Incident(
            row.bad_polls,
            row.bad_since,
            row.good_since,
            row.number,
            row.is_open,
            row.began_at,
            Reason(row.reason) if row.reason else None,
        )
        for row in rows
    }


async def put_incidents(tx: AsyncConnection, kind: Kind, some: Mapping[str | None, Incident]) -> None:
    """Save incidents of one kind, by account id; None for the accounts as a whole."""
    if not some:
        return
    names = tuple(Incident.__dataclass_fields__)
    rows = [
        {"kind": kind, "account_id": key, **{name: getattr(one, name) for name in names}} for key, one in some.items()
    ]
    insert = insert_into(tx, incidents)
    values = {name: insert.excluded[name] for name in names}
    for is_about_all in (False, True):
        target = unique_target(["kind"], None if is_about_all else "")
        found = [row for row in rows if (row["account_id"] is None) is is_about_all]
        await execute_each(tx, insert.on_conflict_do_update(**target, set_=values), found)


async def get_failing(tx: AsyncConnection) -> dict[str, Reason | None]:
    """Return the accounts whose jobs fail, and why."""
    found = await get_incidents(tx, Kind.FAILING)
    return {key: one.reason for key, one in found.items() if key is not None and one.is_open}


async def get_bad_since(tx: AsyncConnection, kind: Kind, account_id: str | None) -> datetime | None:
    """Return since when each poll has found this failure, None if the last one did not."""
    where = (incidents.c.kind == kind) & is_account(incidents, account_id)
    return (await tx.execute(sa.select(incidents.c.bad_since).where(where))).scalar()


async def get_shared_incidents(tx: AsyncConnection) -> list[OpenIncident]:
    """Return the open incidents of the accounts as a whole, the one that counts first."""
    found = {row.kind: row for row in await tx.execute(_OPEN_SHARED_INCIDENTS)}
    # While the accounts can't be read, what was known about their jobs is old.
    kinds = [kind for kind in (Kind.UNREADABLE, Kind.FAILING) if kind in found]
    return [OpenIncident(kind, found[kind].number, found[kind].began_at) for kind in kinds]


async def get_confirmed_at(tx: AsyncConnection) -> datetime | None:
    """Return when the last poll read the accounts, None if it could not."""
    read_at: datetime | None = (await tx.execute(_CONFIRMED_AT)).scalar_one()
    return read_at
