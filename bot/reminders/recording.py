"""Saves what a poll read: accounts, and which login each of them has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot
from bot.core.entries import login_user_of
from bot.core.logins import Login, is_same_login, longest_life
from bot.store.accounts import get_login_history, put_login, put_snapshots, touch_snapshots
from bot.store.assignments import delete_other_assignments
from bot.store.notifications import delete_pending_stages


@dataclass(frozen=True, slots=True)
class Changes:
    """The accounts whose expiry a poll changed, as they were before and as they are now, by account id."""

    before: Mapping[str, AccountSnapshot | None]
    after: Mapping[str, AccountSnapshot]

    @property
    def switched(self) -> set[str]:
        """Return the accounts that have another login than before, or their first."""
        return {key for key, after in self.after.items() if _login_id(self.before[key]) != _login_id(after)}


NO_CHANGES = Changes({}, {})


def _login_id(snapshot: AccountSnapshot | None) -> int | None:
    return snapshot.login.id if snapshot and snapshot.login else None


async def record(
    tx: AsyncConnection, before: Mapping[str, AccountSnapshot], read: Mapping[str, Account], now: datetime
) -> Changes:
    """Save the accounts that were read; return those whose expiry has changed."""
    news = {key: account for key, account in read.items() if key not in before or before[key].account != account}
    await touch_snapshots(tx, read.keys() - news.keys(), now)
    history = await get_login_history(tx) if news else {}
    after = {
        key: AccountSnapshot(account, now, await _record_login(tx, account, before.get(key), history.get(key, ()), now))
        for key, account in news.items()
    }
    await put_snapshots(tx, after.values())
    changed = {key for key in after if key not in before or before[key].account.expires_at != read[key].expires_at}
    return Changes({key: before.get(key) for key in changed}, {key: after[key] for key in changed})


async def _record_login(
    tx: AsyncConnection, account: Account, before: AccountSnapshot | None, history: Iterable[Login], now: datetime
) -> Login | None:
    """Return the account's login, an old one if the expiry fits it, else a new one."""
    current = before.login if before else None
    if account.expires_at is None:
        return current
    expires_at = account.expires_at
    fitting = next((login for login in history if is_same_login(expires_at, login.first_expires_at)), None)
    life = longest_life(expires_at, account.issued_at, fitting.life if fitting else None, now)
    if fitting is None:
        previous_id = current.id if current else None
        new = Login(0, account.id, expires_at, expires_at, life, previous_id, login_user_of(account))
        login = await put_login(tx, new)
    elif (login := replace(fitting, expires_at=expires_at, life=life)) != fitting:
        login = await put_login(tx, login)
    if current is not None and current.id != login.id:
        await delete_pending_stages(tx, current.id)
        # Two logins may alternate, so the last one may be back soon.
        await delete_other_assignments(tx, account.id, {login.id, current.id})
    return login
