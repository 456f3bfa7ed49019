"""What was read of the accounts: their facts and their tokens."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.account import Account, Capability
from bot.core.reminders import is_same_token
from bot.core.text import plain
from bot.store.claims import Subject, drop_old_claims
from bot.store.tables import accounts, deliveries, insert_into, tokens

_MOST_KEPT = 80


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an account, and whose login it is; `before_id` is the one it followed."""

    id: int
    account_id: str
    anchor: datetime
    expires_at: datetime
    life: timedelta | None
    before_id: int | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """An account as it was last read, and its current token, if it has an expiry."""

    account: Account
    read_at: datetime
    token: Token | None

    @property
    def subject(self) -> Subject:
        """Return what somebody takes on who says "I'm on it"."""
        return self.account.id, self.token.id if self.token else 0


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


def login_of(account: Account) -> str | None:
    """Return whose login an account holds, as databases can keep it; None if the API does not say."""
    return None if account.user_id is None else plain(account.user_id, _MOST_KEPT)


def _token(row: Any) -> Token:
    life = None if row.life_seconds is None else timedelta(seconds=row.life_seconds)
    return Token(row.id, row.account_id, row.anchor, row.expires_at, life, row.before_id, row.user_id)


async def get_known(tx: AsyncConnection, account_ids: Collection[str] | None = None) -> dict[str, Known]:
    """Return what is known of these accounts, or of all."""
    query = sa.select(accounts.c.account_id.label("key"), accounts.c.facts, accounts.c.read_at, *tokens.c).select_from(
        accounts.outerjoin(tokens, tokens.c.id == accounts.c.token_id)
    )
    if account_ids is not None:
        query = query.where(accounts.c.account_id.in_(account_ids))
    rows = (await tx.execute(query)).all()
    return {row.key: Known(_load(row.facts), row.read_at, _token(row) if row.id is not None else None) for row in rows}


async def get_tokens(tx: AsyncConnection, token_ids: Collection[int]) -> dict[int, Token]:
    """Return these tokens by id."""
    rows = await tx.execute(sa.select(tokens).where(tokens.c.id.in_(token_ids)))
    return {row.id: _token(row) for row in rows}


async def mark_read(tx: AsyncConnection, read: Mapping[str, Account], now: datetime) -> set[str]:
    """Write down what was read; return the ids of accounts whose token or expiry is not what it was."""
    known = await get_known(tx)
    news = {key: account for key, account in read.items() if key not in known or known[key].account != account}
    await _mark_seen(tx, read.keys() - news.keys(), now)
    history = await _get_history(tx) if news else {}
    changed: set[str] = set()
    rows = []
    for account_id, account in news.items():
        before = known.get(account_id)
        token_id = await _mark_token(tx, account, before.token if before else None, history.get(account_id, ()), now)
        rows.append({"account_id": account_id, "facts": _dump(account), "read_at": now, "token_id": token_id})
        if before is None or before.account.expires_at != account.expires_at:
            changed.add(account_id)
    if rows:
        upsert = insert_into(tx, accounts)
        facts = {name: upsert.excluded[name] for name in ("facts", "read_at", "token_id")}
        await tx.execute(upsert.on_conflict_do_update(index_elements=["account_id"], set_=facts), rows)
    return changed


async def _mark_seen(tx: AsyncConnection, account_ids: Collection[str], now: datetime) -> None:
    update = accounts.update().where(accounts.c.account_id == sa.bindparam("seen")).values(read_at=now)
    if account_ids:
        await tx.execute(update, [{"seen": account_id} for account_id in account_ids])


async def _get_history(tx: AsyncConnection) -> dict[str, list[Token]]:
    """Return all tokens that accounts ever had, by account, oldest first."""
    history: dict[str, list[Token]] = {}
    for row in await tx.execute(sa.select(tokens).order_by(tokens.c.id)):
        history.setdefault(row.account_id, []).append(_token(row))
    return history


async def _mark_token(
    tx: AsyncConnection, account: Account, current: Token | None, history: Iterable[Token], now: datetime
) -> int | None:
    """Return the id of the account's token, an old one if the expiry fits it, else a new one."""
    if account.expires_at is None:
        return current.id if current else None
    fitting = next((token for token in history if is_same_token(account.expires_at, token.anchor)), None)
    life = _longest_life(account, account.expires_at, fitting, now)
    if fitting is not None:
        token_id = fitting.id
        if (fitting.expires_at, fitting.life) != (account.expires_at, life):
            values = _token_values(account.expires_at, life)
            await tx.execute(tokens.update().where(tokens.c.id == token_id).values(**values))
    else:
        values = _token_values(account.expires_at, life) | {
            "account_id": account.id,
            "anchor": account.expires_at,
            "before_id": current.id if current else None,
            "user_id": login_of(account),
        }
        token_id = (await tx.execute(tokens.insert().values(**values).returning(tokens.c.id))).scalar_one()
    if current is not None and current.id != token_id:
        await _forget_pending_steps(tx, current.id)
        # Two tokens may alternate, so the last one may be back soon.
        await drop_old_claims(tx, account.id, {token_id, current.id})
    return token_id


def _longest_life(account: Account, expires_at: datetime, fitting: Token | None, now: datetime) -> timedelta | None:
    """Return the longest life ever seen of a token, in whole seconds; None if all that is known is absurd."""
    lives = [expires_at - now]
    lives += [expires_at - account.issued_at] if account.issued_at else []
    lives += [fitting.life] if fitting and fitting.life else []
    seconds = round(max(lives).total_seconds())
    return timedelta(seconds=seconds) if seconds > 0 else None


def _token_values(expires_at: datetime, life: timedelta | None) -> dict[str, Any]:
    return {"expires_at": expires_at, "life_seconds": None if life is None else round(life.total_seconds())}


async def _forget_pending_steps(tx: AsyncConnection, token_id: int) -> None:
    """Delete what was still to be said about a token that is not the account's any more."""
    of_token = (deliveries.c.kind == "step") & (deliveries.c.ref == token_id)
    await tx.execute(deliveries.delete().where(of_token & (deliveries.c.state == "pending")))
