"""Saves what a poll read: accounts, their logins, jobs and credits, and incidents that begin or end."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.accounts import Account, AccountSnapshot
from bot.core.credits import Credits
from bot.core.entries import login_user_of
from bot.core.incidents import (
    AT_ONCE,
    ERROR,
    FAILING,
    MISSING,
    REFUSED_FOR,
    UNDATED,
    UNREADABLE,
    Incident,
    IncidentRule,
    Reason,
    follow,
    follow_all,
)
from bot.core.jobs import JobReport, JobSummary, judge_all_jobs, judge_jobs
from bot.core.logins import DOUBTED_FOR, Login, follow_expiry, follow_login, is_same_expiry, life_of
from bot.core.notifications import Kind
from bot.reminders.concurrency import aside
from bot.store.accounts import get_known_ids, get_snapshots, put_logins, put_snapshots, touch_snapshots
from bot.store.assignments import delete_other_assignments
from bot.store.credits import CreditLevel, Level, get_credit_levels, put_credit_levels
from bot.store.forgetting import forget_accounts
from bot.store.heard import schedule_last_edits
from bot.store.incidents import get_bad_since, get_incidents, put_incidents

_REPLACED_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Renewing:
    """The accounts whose logins people are renewing; a close poll confirms their expiries at once.

    Close polls come often: anything else is confirmed by one only if two readings lie so far `apart`.
    """

    account_ids: Collection[str] = ()
    apart: timedelta = timedelta(0)

    def apart_for(self, account_id: str) -> timedelta:
        """Return how far apart two readings of this account's expiry must lie to confirm each other."""
        return timedelta(0) if account_id in self.account_ids else self.apart


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """What a second reading must confirm: the moved expiries of these accounts, and perhaps errors."""

    expiries: Collection[str] = ()
    has_errors: bool = False

    def __bool__(self) -> bool:
        """Return whether there is anything to confirm."""
        return self.has_errors or bool(self.expiries)


_NOBODY = Renewing()
_NOTHING = Unconfirmed()


async def is_news(tx: AsyncConnection, read: Mapping[str, Account], renewing: Collection[str]) -> bool:
    """Whether a reading shows a change of the accounts that people are renewing, or an account that is new.

    A list without any of those that people are renewing proves nothing.
    """
    if not read.keys() & renewing:
        return False
    before = await get_snapshots(tx, renewing)
    has_changed = any(key in read and _has_changed(one, read[key]) for key, one in before.items())
    return has_changed or bool(read.keys() - await get_known_ids(tx))


async def record_reading(
    tx: AsyncConnection, read: Mapping[str, Account], now: datetime, renewing: Renewing = _NOBODY
) -> Unconfirmed:
    """Save the accounts that were read; return what a second reading must confirm soon.

    A list without any known account does not prove that all are gone: it belongs to another useapi.net account, or
    something failed. Only after three days of such lists are the accounts believed to have been replaced.
    """
    before = await get_snapshots(tx)
    if before and not before.keys() & read.keys() and not await _was_unreadable_for_long(tx, now):
        await record_failure(tx, now)
        return _NOTHING
    changes = await aside(len(read), lambda: _compare(before, read, now, renewing))
    logins = await put_logins(tx, changes.logins)
    # The news of the renewal thanks the person who was assigned.
    await delete_other_assignments(tx, [logins[key] for key in changes.renewed])
    found = changes.snapshots
    after = await aside(
        len(logins), lambda: found | {key: replace(found[key], login=login) for key, login in logins.items()}
    )
    errors = await _follow(tx, Kind.ERROR, replace(ERROR, over=renewing.apart), changes.has_error, now)
    turned = _turned(errors) | _turned(await _follow(tx, Kind.MISSING, MISSING, changes.is_missing, now))
    turned |= _turned(await _follow(tx, Kind.UNDATED, UNDATED, changes.is_undated, now))
    turned |= _turned(await _follow(tx, Kind.UNREADABLE, UNREADABLE, {None: False}, now))
    # A message that waits for a renewal says which accounts appear meanwhile.
    awaited = renewing.account_ids if after.keys() - before.keys() else after.keys() & renewing.account_ids
    await schedule_last_edits(tx, turned.union(changes.moved, awaited), now)
    await put_snapshots(tx, after.values())
    await touch_snapshots(tx, read.keys() - after.keys(), now)
    await forget_accounts(tx, now)
    has_errors = any(one.bad_polls and not one.is_open for _, one in errors.values())
    return Unconfirmed(changes.doubted, has_errors)


@dataclass(frozen=True, slots=True)
class _Changes:
    """What differs from the reading before.

    `snapshots` are the accounts to save, `logins` the logins to save first, new ones with the id 0. `renewed` are the
    accounts whose login was replaced, `moved` those whose expiry is another one, `doubted`
    those whose expiry a second reading must confirm. The others say which accounts fail.
    """

    snapshots: dict[str, AccountSnapshot]
    logins: Sequence[Login]
    renewed: Collection[str]
    moved: Collection[str | None]
    doubted: Collection[str]
    has_error: Mapping[str | None, bool]
    is_missing: Mapping[str | None, bool]
    is_undated: Mapping[str | None, bool]


def _compare(
    before: Mapping[str, AccountSnapshot], read: Mapping[str, Account], now: datetime, renewing: Renewing
) -> _Changes:
    news = {key: account for key, account in read.items() if key not in before or _has_changed(before[key], account)}
    after = {
        key: _follow_account(account, before.get(key), now, renewing.apart_for(key)) for key, account in news.items()
    }
    if before:
        after |= {key: replace(one, appeared_at=now) for key, one in after.items() if key not in before}
    known = {key: one for key, one in after.items() if key in before}
    snapshots = {**before, **after}
    return _Changes(
        snapshots=after,
        logins=[
            one.login
            for key, one in after.items()
            if one.login is not None and (key not in before or one.login != before[key].login)
        ],
        renewed=[key for key, one in known.items() if one.login and before[key].login and not one.login.id],
        moved={key for key, one in known.items() if _has_moved(before[key], one)},
        doubted={
            key
            for key, one in after.items()
            if one.doubt is not None and one.account.expires_at is not None and now - one.doubt.since < DOUBTED_FOR
        },
        has_error={key: one.error is not None for key, one in read.items()},
        is_missing={key: key not in read for key in snapshots},
        is_undated={key: one.expires_at is None and snapshots[key].login is not None for key, one in read.items()},
    )


async def record_failure(tx: AsyncConnection, now: datetime, refused_since: datetime | None = None) -> None:
    """Save that the accounts can't be read; `refused_since` is since when useapi.net refuses token or subscription."""
    rule = AT_ONCE if refused_since is not None and now - refused_since >= REFUSED_FOR else UNREADABLE
    await schedule_last_edits(tx, _turned(await _follow(tx, Kind.UNREADABLE, rule, {None: True}, now)), now)


async def record_jobs(tx: AsyncConnection, report: JobReport, now: datetime) -> bool:
    """Save which accounts have failing jobs; return whether that has begun or ended for one, or for all as a whole."""
    snapshots = await get_snapshots(tx)
    found = {key: report.of(key) for key in snapshots}
    bad = await aside(len(found), lambda: _judge(found, snapshots, now))
    reasons: dict[str | None, Reason | None] = {
        key: found[key].reason for key, is_bad in bad.items() if is_bad and key is not None
    }
    changed = await _follow(tx, Kind.FAILING, FAILING, bad, now, reasons)
    turned = _turned(changed)
    renamed = {key for key, (before, after) in changed.items() if after.is_open and before.reason is not after.reason}
    await schedule_last_edits(tx, turned | renamed, now)
    return bool(turned)


def _judge(
    found: Mapping[str, JobSummary], snapshots: Mapping[str, AccountSnapshot], now: datetime
) -> dict[str | None, bool]:
    """Return whether jobs fail by account id, None for all accounts as a whole, where they give a signal."""
    # A renewal counts once a second reading has confirmed it.
    begun_at = {
        key: one.account.issued_at or (one.login.began_at if one.login else None)
        for key, one in snapshots.items()
        if one.doubt is None
    }
    verdicts: dict[str | None, bool | None] = {
        key: judge_jobs(one, begun_at.get(key), now) for key, one in found.items()
    }
    verdicts[None] = judge_all_jobs(found.values(), now)
    return {key: verdict for key, verdict in verdicts.items() if verdict is not None}


async def record_credits(
    tx: AsyncConnection, read: Mapping[str, Credits], levels: Collection[Level], now: datetime
) -> bool:
    """Save how the credits that were read compare with these levels; return whether some have become low or enough.

    Messages about levels that no subscription names any more turn green, too.
    """
    present = await get_credit_levels(tx, read.keys())
    changed: dict[Level, CreditLevel] = {}
    turned: set[str | None] = set()
    for level in {*levels, *present}:
        if level.account_id not in read:
            continue
        now_read = read[level.account_id]
        before = present.get(level, CreditLevel(None, now_read.read_at))
        after = replace(before, total=now_read.total, read_at=now_read.read_at)
        if now_read.total is not None:
            incident = follow(before.incident, AT_ONCE, is_bad=now_read.total < level.threshold, now=now)
            if incident.number > before.incident.number:
                # A channel that changes its threshold must not take the next crossing for the last one.
                own = [one.incident.number for key, one in present.items() if key.account_id == level.account_id]
                incident = replace(incident, number=max(own, default=0) + 1)
            after = replace(after, incident=incident)
        present[level] = changed[level] = after
        if after.incident.is_open is not before.incident.is_open:
            turned.add(level.account_id)
    await put_credit_levels(tx, changed)
    await schedule_last_edits(tx, turned, now)
    return bool(turned)


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


def _follow_account(
    account: Account, before: AccountSnapshot | None, now: datetime, apart: timedelta
) -> AccountSnapshot:
    """Return the account as it is known after this reading, with its login, a new one (id 0) where it was renewed."""
    login, doubt = (before.login, before.doubt) if before else (None, None)
    if account.expires_at is not None:
        expires_at, doubt = follow_expiry(login, doubt, account.expires_at, now, apart=apart)
        if login is None or expires_at == account.expires_at:
            life = life_of(account.expires_at, account.issued_at)
            login = follow_login(login, Login(0, account.id, expires_at, life, None, login_user_of(account)), now)
    incidents, appeared_at = (before.incidents, before.appeared_at) if before else ((), None)
    return AccountSnapshot(account, now, login, doubt, incidents, appeared_at)


async def _follow(
    tx: AsyncConnection,
    kind: Kind,
    rule: IncidentRule,
    bad: Mapping[str | None, bool],
    now: datetime,
    reasons: Mapping[str | None, Reason | None] = MappingProxyType({}),
) -> dict[str | None, tuple[Incident, Incident]]:
    """Save the incidents of one kind after one more poll; return those that changed, before and after.

    `reasons` are those of the bad accounts, for a kind that has reasons.
    """
    present = await get_incidents(tx, kind)
    changed = follow_all(present, rule, bad, now)
    changed |= {key: replace(changed[key], reason=reason) for key, reason in reasons.items()}
    await put_incidents(tx, kind, changed)
    return {key: (present.get(key, Incident()), one) for key, one in changed.items()}


def _turned(changed: Mapping[str | None, tuple[Incident, Incident]]) -> set[str | None]:
    """Return the accounts with incidents that began or ended."""
    return {key for key, (before, after) in changed.items() if before.is_open is not after.is_open}
