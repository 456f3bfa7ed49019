"""Saves and loads accounts as they were last read, and their logins."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot, Capability
from bot.core.incidents import OpenIncident
from bot.core.logins import Doubt, Login
from bot.core.notifications import Kind
from bot.store.tables import accounts, incidents, insert_into, logins

# The beginning of a name, by which its rows are searched; more names than these are not searched one by one.
_SEARCHED = 100
_MAX_SEARCHED = 5
_SAVED = ("facts", "read_at", "login_id", "doubted_expires_at", "doubted_since")


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
    return Login(row.id, row.account_id, row.expires_at, life, row.previous_id, row.user_id)


def _snapshot(row: Any, open_incidents: Collection[OpenIncident]) -> AccountSnapshot:
    doubt = None
    if row.doubted_expires_at is not None and row.doubted_since is not None:
        doubt = Doubt(row.doubted_expires_at, row.doubted_since)
    login = _login(row) if row.id is not None else None
    return AccountSnapshot(_load(row.facts), row.read_at, login, doubt, tuple(open_incidents))


async def get_snapshots(tx: AsyncConnection, account_ids: Collection[str] | None = None) -> dict[str, AccountSnapshot]:
    """Return these accounts, or all, as they were last read, with their open incidents, by id."""
    own = (accounts.c.account_id.label("key"), accounts.c.facts, accounts.c.read_at)
    doubt = (accounts.c.doubted_expires_at, accounts.c.doubted_since)
    query = sa.select(*own, *doubt, *logins.c).select_from(
        accounts.outerjoin(logins, logins.c.id == accounts.c.login_id)
    )
    if account_ids is not None:
        query = query.where(accounts.c.account_id.in_(account_ids))
    rows = (await tx.execute(query)).all()
    open_incidents: dict[str, list[OpenIncident]] = {}
    for one in await tx.execute(sa.select(incidents).where(incidents.c.is_open, incidents.c.account_id.is_not(None))):
        open_incidents.setdefault(one.account_id, []).append(OpenIncident(Kind(one.kind), one.number, one.began_at))
    return {row.key: _snapshot(row, open_incidents.get(row.key, ())) for row in rows}


async def count_accounts(tx: AsyncConnection) -> int:
    """Return how many accounts were ever read."""
    return (await tx.execute(sa.select(sa.func.count()).select_from(accounts))).scalar_one()


async def get_namesakes(tx: AsyncConnection, some: Collection[Account]) -> set[str]:
    """Return the ids of those of these accounts whose name another account has as well."""
    names = {one.name for one in some if one.name}
    if not names:
        return set()
    query = sa.select(accounts.c.facts)
    if len(names) <= _MAX_SEARCHED:
        # As `_dump` writes it; a quotation mark inside a text has a backslash.
        patterns = [f'"name": {json.dumps(name)[:_SEARCHED]}' for name in names]
        query = query.where(sa.or_(*(accounts.c.facts.contains(pattern, autoescape=True) for pattern in patterns)))
    found = Counter(json.loads(facts)["name"] for facts in (await tx.execute(query)).scalars())
    return {one.id for one in some if one.name and found[one.name] > 1}


async def put_snapshots(tx: AsyncConnection, snapshots: Iterable[AccountSnapshot]) -> None:
    """Save accounts as they were read."""
    rows = [
        {
            "account_id": one.account.id,
            "facts": _dump(one.account),
            "read_at": one.read_at,
            "login_id": one.login.id if one.login else None,
            "doubted_expires_at": one.doubt.expires_at if one.doubt else None,
            "doubted_since": one.doubt.since if one.doubt else None,
        }
        for one in snapshots
    ]
    if rows:
        upsert = insert_into(tx, accounts)
        values = {name: upsert.excluded[name] for name in _SAVED}
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


async def put_login(tx: AsyncConnection, login: Login) -> Login:
    """Save a login, a new one (id 0) under an id of its own; return it with its id."""
    values = {
        "account_id": login.account_id,
        "expires_at": login.expires_at,
        "life_seconds": None if login.life is None else round(login.life.total_seconds()),
        "previous_id": login.previous_id,
        "user_id": login.user_id,
    }
    if login.id:
        await tx.execute(logins.update().where(logins.c.id == login.id).values(**values))
        return login
    return _login((await tx.execute(logins.insert().values(**values).returning(*logins.c))).one())
