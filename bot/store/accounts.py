"""Saves and loads accounts as they were last read, and their logins."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot, build_capabilities
from bot.core.incidents import LowCredits, OpenIncident, Reason
from bot.core.logins import Doubt, Login
from bot.core.notifications import Kind
from bot.store.slices import SLICE, execute_each, sliced
from bot.store.tables import accounts, credit_levels, incidents, insert_into, logins

# The beginning of a name, by which its rows are searched; more names than these are not searched one by one.
_SEARCHED = 100
_MAX_SEARCHED = 5
_SAVED = ("facts", "read_at", "login_id", "doubted_expires_at", "doubted_since")
_SNAPSHOTS = sa.select(
    accounts.c.account_id.label("key"),
    accounts.c.facts,
    accounts.c.read_at,
    accounts.c.doubted_expires_at,
    accounts.c.doubted_since,
    accounts.c.appeared_at,
    *logins.c,
).select_from(accounts.outerjoin(logins, logins.c.id == accounts.c.login_id))
_SNAPSHOTS_BY_ID = _SNAPSHOTS.where(accounts.c.account_id.in_(sa.bindparam("accounts", expanding=True)))
_NEXT_SNAPSHOTS = (
    _SNAPSHOTS.where(accounts.c.account_id > sa.bindparam("last")).order_by(accounts.c.account_id).limit(SLICE)
)
_MARK_READ = (
    accounts.update()
    .where(accounts.c.account_id.in_(sa.bindparam("accounts", expanding=True)))
    .values(read_at=sa.bindparam("now"))
)
_OPEN_INCIDENTS = sa.select(incidents).where(incidents.c.is_open, incidents.c.account_id.is_not(None))
_OPEN_CREDIT_LEVELS = sa.select(credit_levels).where(credit_levels.c.is_open)
_UPDATE_LOGIN = logins.update().where(logins.c.id == sa.bindparam("own_id"))
_LOGINS_BY_ID = sa.select(logins).where(logins.c.id.in_(sa.bindparam("logins", expanding=True)))


def _dump(account: Account) -> str:
    facts = {name: getattr(account, name) for name in Account.__dataclass_fields__}
    facts["capabilities"] = [(one.flag, one.supported) for one in account.capabilities]
    for name in ("expires_at", "issued_at"):
        facts[name] = facts[name].isoformat() if facts[name] else None
    return json.dumps(facts)


def _load(text: str) -> Account:
    facts: dict[str, Any] = json.loads(text)
    facts["capabilities"] = build_capabilities(tuple(map(tuple, facts["capabilities"])))
    for name in ("expires_at", "issued_at"):
        facts[name] = datetime.fromisoformat(facts[name]) if facts[name] else None
    return Account(**facts)


def _login(row: Any) -> Login:
    life = None if row.life_seconds is None else timedelta(seconds=row.life_seconds)
    return Login(row.id, row.account_id, row.expires_at, life, row.previous_id, row.user_id, row.began_at)


def _snapshot(
    row: Any, open_incidents: Collection[OpenIncident], low_credits: Collection[LowCredits]
) -> AccountSnapshot:
    doubt = None
    if row.doubted_expires_at is not None and row.doubted_since is not None:
        doubt = Doubt(row.doubted_expires_at, row.doubted_since)
    login = _login(row) if row.id is not None else None
    return AccountSnapshot(
        _load(row.facts), row.read_at, login, doubt, tuple(open_incidents), row.appeared_at, tuple(low_credits)
    )


async def get_snapshots(tx: AsyncConnection, account_ids: Collection[str] | None = None) -> dict[str, AccountSnapshot]:
    """Return these accounts, or all, as they were last read, with their open incidents, by id."""
    open_incidents: dict[str, list[OpenIncident]] = {}
    for one in await tx.execute(_OPEN_INCIDENTS):
        reason = Reason(one.reason) if one.reason else None
        incident = OpenIncident(Kind(one.kind), one.number, one.began_at, reason)
        open_incidents.setdefault(one.account_id, []).append(incident)
    low: dict[str, list[LowCredits]] = {}
    for one in await tx.execute(_OPEN_CREDIT_LEVELS):
        level = LowCredits(one.threshold, one.total, one.number, one.began_at, one.read_at)
        low.setdefault(one.account_id, []).append(level)

    def load(rows: Iterable[Any]) -> dict[str, AccountSnapshot]:
        return {row.key: _snapshot(row, open_incidents.get(row.key, ()), low.get(row.key, ())) for row in rows}

    found: dict[str, AccountSnapshot] = {}
    if account_ids is not None:
        for some in sliced(account_ids):
            found |= load(await tx.execute(_SNAPSHOTS_BY_ID, {"accounts": some}))
        return found
    last = ""
    while rows := (await tx.execute(_NEXT_SNAPSHOTS, {"last": last})).all():
        # In pages: other tasks run in between.
        found |= load(rows)
        last = rows[-1].key
    return found


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
    rows = (
        {
            "account_id": one.account.id,
            "facts": _dump(one.account),
            "read_at": one.read_at,
            "login_id": one.login.id if one.login else None,
            "doubted_expires_at": one.doubt.expires_at if one.doubt else None,
            "doubted_since": one.doubt.since if one.doubt else None,
            "appeared_at": one.appeared_at,
        }
        for one in snapshots
    )
    upsert = insert_into(tx, accounts)
    values = {name: upsert.excluded[name] for name in _SAVED}
    await execute_each(tx, upsert.on_conflict_do_update(index_elements=["account_id"], set_=values), rows)


async def get_appeared(tx: AsyncConnection, since: datetime) -> list[tuple[Account, datetime]]:
    """Return the accounts that have appeared since then, each with the time, oldest first."""
    query = sa.select(accounts.c.facts, accounts.c.appeared_at).where(accounts.c.appeared_at >= since)
    rows = await tx.execute(query.order_by(accounts.c.appeared_at, accounts.c.account_id))
    return [(_load(row.facts), row.appeared_at) for row in rows]


async def get_known_ids(tx: AsyncConnection) -> set[str]:
    """Return the ids of all accounts that were ever read."""
    return set((await tx.execute(sa.select(accounts.c.account_id))).scalars())


async def touch_snapshots(tx: AsyncConnection, account_ids: Iterable[str], read_at: datetime) -> None:
    """Save that these accounts were read again and are unchanged."""
    for some in sliced(account_ids):
        await tx.execute(_MARK_READ, {"accounts": some, "now": read_at})


async def get_logins(tx: AsyncConnection, login_ids: Collection[int]) -> dict[int, Login]:
    """Return these logins by id."""
    found: dict[int, Login] = {}
    for some in sliced(login_ids):
        found |= {row.id: _login(row) for row in await tx.execute(_LOGINS_BY_ID, {"logins": some})}
    return found


async def put_logins(tx: AsyncConnection, some: Iterable[Login]) -> dict[str, Login]:
    """Save logins of different accounts, new ones (id 0) under ids of their own; return them by account, with ids."""
    saved, new = {}, []
    for login in some:
        if login.id:
            saved[login.account_id] = login
        else:
            new.append(_login_values(login))
    await execute_each(tx, _UPDATE_LOGIN, [_login_values(one) | {"own_id": one.id} for one in saved.values()])
    for rows in sliced(new):
        inserted = (await tx.execute(logins.insert().returning(*logins.c), rows)).all()
        saved |= {row.account_id: _login(row) for row in inserted}
    return saved


def _login_values(login: Login) -> dict[str, Any]:
    return {
        "account_id": login.account_id,
        "expires_at": login.expires_at,
        "life_seconds": None if login.life is None else round(login.life.total_seconds()),
        "previous_id": login.previous_id,
        "user_id": login.user_id,
        "began_at": login.began_at,
    }
