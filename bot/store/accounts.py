"""Saves and loads accounts as they were last read, and their logins."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot, Capability
from bot.core.logins import Login
from bot.store.tables import accounts, insert_into, logins


def _dump(account: Account) -> str:
    facts = {name: getattr(account, name) for name in Account.__dataclass_fields__}
    facts["capabilities"] = [(one.flag, one.supported) for one in account.capabilities]
    for name in ("expires_at", "issued_at"):
        facts[name] = facts[name].isoformat() if facts[name] else None
    return json.dumps(facts)


def _load(text: str) -> Account:
    facts: dict[str, Any] = json.loads(text)
    facts["capabilities"] = tuple(Capability(flag, supported) for flag, supported in facts["capabilities"])
    for name in ("expires_at", "issued_at"):
        facts[name] = datetime.fromisoformat(facts[name]) if facts[name] else None
    return Account(**facts)


def _login(row: Any) -> Login:
    life = None if row.life_seconds is None else timedelta(seconds=row.life_seconds)
    return Login(row.id, row.account_id, row.first_expires_at, row.expires_at, life, row.previous_id, row.user_id)


async def get_snapshots(tx: AsyncConnection, account_ids: Collection[str] | None = None) -> dict[str, AccountSnapshot]:
    """Return these accounts, or all, as they were last read, by id."""
    query = sa.select(accounts.c.account_id.label("key"), accounts.c.facts, accounts.c.read_at, *logins.c).select_from(
        accounts.outerjoin(logins, logins.c.id == accounts.c.login_id)
    )
    if account_ids is not None:
        query = query.where(accounts.c.account_id.in_(account_ids))
    rows = (await tx.execute(query)).all()
    return {
        row.key: AccountSnapshot(_load(row.facts), row.read_at, _login(row) if row.id is not None else None)
        for row in rows
    }


async def put_snapshots(tx: AsyncConnection, snapshots: Iterable[AccountSnapshot]) -> None:
    """Save accounts as they were read."""
    rows = [
        {
            "account_id": one.account.id,
            "facts": _dump(one.account),
            "read_at": one.read_at,
            "login_id": one.login.id if one.login else None,
        }
        for one in snapshots
    ]
    if rows:
        upsert = insert_into(tx, accounts)
        values = {name: upsert.excluded[name] for name in ("facts", "read_at", "login_id")}
        await tx.execute(upsert.on_conflict_do_update(index_elements=["account_id"], set_=values), rows)


async def touch_snapshots(tx: AsyncConnection, account_ids: Iterable[str], read_at: datetime) -> None:
    """Save that these accounts were read again and are unchanged."""
    update = accounts.update().where(accounts.c.account_id == sa.bindparam("unchanged")).values(read_at=read_at)
    if rows := [{"unchanged": account_id} for account_id in account_ids]:
        await tx.execute(update, rows)


async def get_logins(tx: AsyncConnection, login_ids: Collection[int]) -> dict[int, Login]:
    """Return these logins by id."""
    rows = await tx.execute(sa.select(logins).where(logins.c.id.in_(login_ids)))
    return {row.id: _login(row) for row in rows}


async def get_login_history(tx: AsyncConnection) -> Mapping[str, list[Login]]:
    """Return all logins that accounts ever had, by account id, oldest first."""
    history: dict[str, list[Login]] = {}
    for row in await tx.execute(sa.select(logins).order_by(logins.c.id)):
        history.setdefault(row.account_id, []).append(_login(row))
    return history


async def put_login(tx: AsyncConnection, login: Login) -> Login:
    """Save a login, a new one (id 0) under an id of its own; return it with its id."""
    values = {
        "account_id": login.account_id,
        "first_expires_at": login.first_expires_at,
        "expires_at": login.expires_at,
        "life_seconds": None if login.life is None else round(login.life.total_seconds()),
        "previous_id": login.previous_id,
        "user_id": login.user_id,
    }
    if login.id:
        await tx.execute(logins.update().where(logins.c.id == login.id).values(**values))
        return login
    return _login((await tx.execute(logins.insert().values(**values).returning(*logins.c))).one())
