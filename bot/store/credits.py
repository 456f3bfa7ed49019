"""Saves and loads how the credits of accounts compare with the thresholds of subscriptions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.incidents import Incident
from bot.store.slices import execute_each, sliced
from bot.store.tables import credit_levels, insert_into

_INCIDENT = ("bad_polls", "bad_since", "good_since", "number", "is_open", "began_at")
_LEVELS_OF_ACCOUNTS = sa.select(credit_levels).where(
    credit_levels.c.account_id.in_(sa.bindparam("accounts", expanding=True))
)


class Level(NamedTuple):
    """An account, and a threshold that its credits are compared with."""

    account_id: str
    threshold: int


@dataclass(frozen=True, slots=True)
class CreditLevel:
    """The credits of an account as last read, None if not reported; the incident is open while they are low."""

    total: int | None
    read_at: datetime
    incident: Incident = field(default_factory=Incident)


async def get_credit_levels(tx: AsyncConnection, account_ids: Collection[str]) -> dict[Level, CreditLevel]:
    """Return the levels of these accounts, also those whose threshold no subscription has any more."""
    found: dict[Level, CreditLevel] = {}
    for some in sliced(account_ids):
        for row in await tx.execute(_LEVELS_OF_ACCOUNTS, {"accounts": some}):
            incident = Incident(**{name: getattr(row, name) for name in _INCIDENT})
            found[Level(row.account_id, row.threshold)] = CreditLevel(row.total, row.read_at, incident)
    return found


async def put_credit_levels(tx: AsyncConnection, levels: Mapping[Level, CreditLevel]) -> None:
    """Save levels."""
    rows = (
        level._asdict()
        | {"total": one.total, "read_at": one.read_at}
        | {name: getattr(one.incident, name) for name in _INCIDENT}
        for level, one in levels.items()
    )
    insert = insert_into(tx, credit_levels)
    values = {name: insert.excluded[name] for name in ("total", "read_at", *_INCIDENT)}
    target = ["account_id", "threshold"]
    await execute_each(tx, insert.on_conflict_do_update(index_elements=target, set_=values), rows)
