"""Saves what a poll read: accounts, their logins, and incidents that begin or end."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot
from bot.core.entries import login_user_of
from bot.core.incidents import (
    AT_ONCE,
    ERROR,
    MISSING,
    REFUSED_FOR,
    UNDATED,
    UNREADABLE,
    Incident,
    IncidentRule,
    follow_all,
)
from bot.core.logins import DOUBTED_FOR, Login, follow_expiry, follow_login, is_same_expiry, life_of
from bot.core.notifications import Kind
from bot.store.accounts import get_snapshots, put_login, put_snapshots, touch_snapshots
from bot.store.assignments import delete_other_assignments
from bot.store.heard import schedule_last_edits
from bot.store.incidents import get_bad_since, get_incidents, put_incident

_REPLACED_AFTER = timedelta(days=3)


async def record_reading(tx: AsyncConnection, read: Mapping[str, Account], now: datetime) -> bool:
    """Save the accounts that were read; return whether a second reading must confirm something soon.

    A list without any known account does not prove that all are gone: it belongs to another useapi.net account, or
    something failed. Only after three days of such lists are the accounts believed to have been replaced.
    """
    before = await get_snapshots(tx)
    if before and not before.keys() & read.keys() and not await _was_unreadable_for_long(tx, now):
        await record_failure(tx, now)
        return False
    news = {key: account for key, account in read.items() if key not in before or _has_changed(before[key], account)}
    after = {key: await _follow_account(tx, account, before.get(key), now) for key, account in news.items()}
    snapshots = before | after
    has_error: dict[str | None, bool] = {key: one.error is not None for key, one in read.items()}
    is_missing: dict[str | None, bool] = {key: key not in read for key in snapshots}
    undated: dict[str | None, bool] = {
        key: one.expires_at is None and snapshots[key].login is not None for key, one in read.items()
    }
    errors = await _follow(tx, Kind.ERROR, ERROR, has_error, now)
    turned = _turned(errors) | _turned(await _follow(tx, Kind.MISSING, MISSING, is_missing, now))
    turned |= _turned(await _follow(tx, Kind.UNDATED, UNDATED, undated, now))
    turned |= _turned(await _follow(tx, Kind.UNREADABLE, UNREADABLE, {None: False}, now))
    moved = {key for key, one in after.items() if key in before and _has_moved(before[key], one)}
    await schedule_last_edits(tx, turned | moved, now)
    # At the end: on SQLite, commands wait from the first write to the commit.
    await put_snapshots(tx, after.values())
    await touch_snapshots(tx, read.keys() - news.keys(), now)
    is_in_doubt = any(
        one.doubt is not None and one.doubt != before[key].doubt and now - one.doubt.since < DOUBTED_FOR
        for key, one in after.items()
        if key in before
    )
    return is_in_doubt or any(one.bad_polls == 1 for _, one in errors.values())


async def record_failure(tx: AsyncConnection, now: datetime, refused_since: datetime | None = None) -> None:
    """Save that the accounts can't be read; `refused_since` is since when useapi.net refuses token or subscription."""
    rule = AT_ONCE if refused_since is not None and now - refused_since >= REFUSED_FOR else UNREADABLE
    await schedule_last_edits(tx, _turned(await _follow(tx, Kind.UNREADABLE, rule, {None: True}, now)), now)


async def _was_unreadable_for_long(tx: AsyncConnection, now: datetime) -> bool:
    bad_since = await get_bad_since(tx, Kind.UNREADABLE, None)
    return bad_since is not None and now - bad_since >= _REPLACED_AFTER


def _has_changed(before: AccountSnapshot, account: Account) -> bool:
    return before.account != account or before.doubt is not None


def _has_moved(before: AccountSnapshot, after: AccountSnapshot) -> bool:
    """Whether another expiry is believed; a shift by minutes is not worth an edit."""
    if before.login is None or after.login is None:
        return before.login is not after.login
    return before.login.id != after.login.id or not is_same_expiry(before.login.expires_at, after.login.expires_at)


async def _follow_account(
    tx: AsyncConnection, account: Account, before: AccountSnapshot | None, now: datetime
) -> AccountSnapshot:
    """Return the account as it is known after this reading, with its login, a new one where it was renewed."""
    login, doubt = (before.login, before.doubt) if before else (None, None)
    if account.expires_at is not None:
        expires_at, doubt = follow_expiry(login, doubt, account.expires_at, now)
        if login is None or expires_at == account.expires_at:
            life = life_of(account.expires_at, account.issued_at)
            new = Login(0, account.id, expires_at, life, None, login_user_of(account))
            followed = follow_login(login, new, now)
            if followed != login:
                followed = await put_login(tx, followed)
            if login is not None and followed.id != login.id:
                # The news of the renewal thanks the person who was assigned.
                await delete_other_assignments(tx, account.id, {login.id, followed.id})
            login = followed
    return AccountSnapshot(account, now, login, doubt, before.incidents if before else ())


async def _follow(
    tx: AsyncConnection,
    kind: Kind,
    rule: IncidentRule,
    bad: Mapping[str | None, bool],
    now: datetime,
) -> dict[str | None, tuple[Incident, Incident]]:
    """Save the incidents of one kind after one more poll; return those that changed, before and after."""
    present = await get_incidents(tx, kind)
    changed = follow_all(present, rule, bad, now)
    for account_id, incident in changed.items():
        await put_incident(tx, kind, account_id, incident)
    return {key: (present.get(key, Incident()), one) for key, one in changed.items()}


def _turned(changed: Mapping[str | None, tuple[Incident, Incident]]) -> set[str | None]:
    """Return the accounts with incidents that began or ended."""
    return {key for key, (before, after) in changed.items() if before.is_open is not after.is_open}
