"""Saves and loads incidents."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.incidents import Incident, OpenIncident
from bot.core.notifications import Kind
from bot.store.tables import accounts, incidents, insert_into, is_account, unique_target


async def get_incidents(tx: AsyncConnection, kind: Kind) -> dict[str | None, Incident]:
    """Return the incidents of one kind, open or not, by account id; None for the accounts as a whole."""
    rows = await tx.execute(sa.select(incidents).where(incidents.c.kind == kind))
    return {
        row.account_id: Incident(row.bad_polls, row.bad_since, row.good_since, row.number, row.is_open, row.began_at)
        for row in rows
    }


async def put_incident(tx: AsyncConnection, kind: Kind, account_id: str | None, incident: Incident) -> None:
    """Save an incident."""
    values = {name: getattr(incident, name) for name in Incident.__dataclass_fields__}
    insert = insert_into(tx, incidents).values(kind=kind, account_id=account_id, **values)
    await tx.execute(insert.on_conflict_do_update(**unique_target(["kind"], account_id), set_=values))


async def get_bad_since(tx: AsyncConnection, kind: Kind, account_id: str | None) -> datetime | None:
    """Return since when each poll has found this failure, None if the last one did not."""
    where = (incidents.c.kind == kind) & is_account(incidents, account_id)
    return (await tx.execute(sa.select(incidents.c.bad_since).where(where))).scalar()


async def get_unreadable(tx: AsyncConnection) -> OpenIncident | None:
    """Return the open incident of accounts that can't be read, None if there is none."""
    where = (incidents.c.kind == Kind.UNREADABLE) & incidents.c.is_open
    row = (await tx.execute(sa.select(incidents).where(where))).first()
    return None if row is None else OpenIncident(Kind.UNREADABLE, row.number, row.began_at)


async def get_confirmed_at(tx: AsyncConnection) -> datetime | None:
    """Return when the last poll read the accounts, None if it could not."""
    failed = sa.select(incidents.c.kind).where(incidents.c.kind == Kind.UNREADABLE, incidents.c.bad_polls > 0)
    if (await tx.execute(failed)).first():
        return None
    read_at: datetime | None = (await tx.execute(sa.select(sa.func.max(accounts.c.read_at)))).scalar_one()
    return read_at
