"""Entries: the parts of a message, one for each notification, judged by the newest snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from bot.core.accounts import Account, AccountSnapshot
from bot.core.assignments import Assignment, Subject, subject_of
from bot.core.incidents import LowCredits, Reason
from bot.core.logins import Login, is_renewal
from bot.core.notifications import FAILURES, Kind, Notification
from bot.core.subscriptions import Subscription
from bot.core.text import plain

_ORDER = {
    Kind.MISSING: 0,
    Kind.ERROR: 0,
    Kind.FAILING: 0,
    Kind.STAGE: 1,
    Kind.UNDATED: 1,
    Kind.RENEWED: 2,
    Kind.LOW_CREDITS: 2,
    Kind.UNREADABLE: 3,
    Kind.NEW_ACCOUNT: 3,
}
# What these messages say neither replaces others nor is replaced by them.
_APART = {Kind.LOW_CREDITS, Kind.NEW_ACCOUNT}
_NEVER = datetime.max.replace(tzinfo=UTC)
_LONGEST_USER_ID = 80


class Relevance(Enum):
    """How the reason for a notification stands now."""

    OPEN = "unchanged, or worse"
    RENEWED = "the account has another login"
    SUPERSEDED = "a more urgent stage was sent later"
    OVER = "the incident has ended"


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The message that a channel last heard of an account in, and the login or incident that it was about."""

    ref: int
    message_id: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A notification with all that is needed to word it.

    `login` is the login that the channel was reminded of, `snapshot` the account as it is known now. `is_listed` if the
    last list held the account, `is_dated` if that list gave its expiry, `is_confirmed` if it is the last one that was
    requested. `has_namesake` if another account has the same name.

    `is_renewed` if a stage is sent about a login that is new to the channel. `since` is when an incident of all
    accounts began, None once it has ended. `said_at` is when the message was sent, None before that; `newer_id` the
    Discord id of a later message in which the channel heard of the account. `strays` are accounts that appeared while
    the assigned person was to renew this one. `note` is what the server has noted on the account.
    """

    notification: Notification
    snapshot: AccountSnapshot | None
    subscription: Subscription | None
    login: Login | None = None
    relevance: Relevance = Relevance.OPEN
    is_listed: bool = True
    is_dated: bool = True
    is_confirmed: bool = True
    assignment: Assignment | None = None
    has_namesake: bool = False
    is_renewed: bool = False
    since: datetime | None = None
    said_at: datetime | None = None
    newer_id: int | None = None
    note: str | None = None
    strays: tuple[Account, ...] = ()

    @property
    def subject(self) -> Subject:
        """Return what a person is assigned to who says "I'm on it"; after a renewal, what somebody was assigned to."""
        account_id = self.notification.account_id or ""
        match self.notification.kind:
            case Kind.STAGE:
                return Subject(account_id, self.notification.ref)
            case Kind.RENEWED if self.login is not None:
                return Subject(account_id, self.login.id)
            case _:
                return subject_of(self.snapshot) if self.snapshot else Subject(account_id, 0)

    @property
    def reason(self) -> Reason | None:
        """Return why the account's jobs fail, None if they don't, or the reason is not known."""
        return self.snapshot.failing_reason if self.snapshot else None

    @property
    def low_credits(self) -> LowCredits | None:
        """Return the crossing that the notification is about, None if the credits are enough again.

        Whether its subscription is paused, or has another threshold by now, says nothing about the credits.
        """
        crossings = self.snapshot.low_credits if self.snapshot else ()
        return next((one for one in crossings if one.number == self.notification.ref), None)

    @property
    def needs_action(self) -> bool:
        """Whether somebody should act; other entries mention nobody and need no buttons."""
        is_news = self.notification.kind in (Kind.RENEWED, Kind.NEW_ACCOUNT)
        return self.relevance is Relevance.OPEN and not is_news

    @property
    def is_other_user(self) -> bool:
        """Whether the account has the login of another MiniMax user than the one that the notification is about."""
        users = {
            self.login.user_id if self.login else None,
            login_user_of(self.snapshot.account) if self.snapshot else None,
        }
        return len(users - {None}) > 1


def login_user_of(account: Account) -> str | None:
    """Return the MiniMax user id of an account's login, fit for the database; None if it is not reported."""
    return None if account.user_id is None else plain(account.user_id, _LONGEST_USER_ID)


def relevance_of(entry: Entry, last: Mapping[Kind, LastMessage], now: datetime) -> Relevance:
    """Return how an entry's reason stands now.

    Args:
        entry: the entry.
        last: the messages in which the channel last heard of the entry's account, by kind; renewals count as stages.
        now: the time.
    """
    notification, snapshot = entry.notification, entry.snapshot
    kind = Kind.STAGE if notification.kind is Kind.RENEWED else notification.kind
    newest = last.get(kind)
    has_newer = newest is not None and _is_after(newest, notification)
    has_same = newest is not None and has_newer and newest.ref == notification.ref
    match notification.kind:
        case Kind.STAGE if snapshot is not None:
            if has_same:
                return Relevance.SUPERSEDED
            if _is_renewed(entry, snapshot, now):
                return Relevance.RENEWED
            # One account has one message that asks for something.
            failures = [last[one.kind] for one in snapshot.incidents if one.kind in last]
            is_covered = any(_is_after(one, notification) for one in failures)
            return Relevance.SUPERSEDED if is_covered else Relevance.OPEN
        case Kind.RENEWED:
            return Relevance.SUPERSEDED if has_newer else Relevance.OPEN
        case Kind.STAGE:
            return Relevance.OPEN
        case Kind.ERROR | Kind.FAILING if snapshot is not None:
            is_error = notification.kind is Kind.ERROR
            has_ended = snapshot.account.error is None if is_error else not snapshot.has_incident(Kind.FAILING)
            others = [Kind.STAGE] if has_ended else [one.kind for one in snapshot.incidents if one.kind in FAILURES]
            has_newer = has_newer or any(_is_after(last[kind], notification) for kind in others if kind in last)
            if has_ended and snapshot.account.has_expired(now):
                # Its message asks for a renewal still, unless another one does.
                return Relevance.SUPERSEDED if has_newer else Relevance.OPEN
        case Kind.FAILING:
            has_ended = entry.since is None
        case Kind.LOW_CREDITS:
            has_ended = entry.low_credits is None
        case Kind.UNDATED if snapshot is not None:
            has_ended = entry.is_dated
        case Kind.MISSING:
            has_ended = entry.is_listed
        case Kind.NEW_ACCOUNT:
            has_ended = entry.subscription is not None or not entry.is_listed
        case _:
            has_ended = entry.is_confirmed
    if has_ended:
        return Relevance.OVER
    return Relevance.SUPERSEDED if has_newer else Relevance.OPEN


def newest_after(notification: Notification, last: Mapping[Kind, LastMessage]) -> int | None:
    """Return the last message about the account that was sent after the one with this notification, None if none.

    A message about credits or a new account is about something else than the others.
    """
    own = {notification.kind} if notification.kind in _APART else last.keys() - _APART
    later = (last[kind].message_id or 0 for kind in own if kind in last and _is_after(last[kind], notification))
    return max(later, default=None)


def is_first_of_login(notification: Notification, last: Mapping[Kind, LastMessage]) -> bool:
    """Whether a stage that is about to be sent is the first that its channel hears of a login that replaced another."""
    is_stage = notification.kind is Kind.STAGE and notification.message_id is None
    return is_stage and Kind.STAGE in last and last[Kind.STAGE].ref != notification.ref


def _is_after(message: LastMessage, notification: Notification) -> bool:
    """Whether a message was sent after the one that carries the notification; one not sent yet is the newest."""
    own_id = notification.message_id
    return own_id is not None and message.message_id is not None and message.message_id > own_id


def _is_renewed(entry: Entry, snapshot: AccountSnapshot, now: datetime) -> bool:
    """Whether the account has another login than the one that the entry is about."""
    login, expires_at = snapshot.login, snapshot.account.expires_at
    if login is None:
        return False
    is_new = login.id != entry.notification.ref
    return is_new or (expires_at is not None and is_renewal(login.expires_at, expires_at, now))


def by_urgency(entry: Entry, now: datetime) -> tuple[bool, bool, int, datetime]:
    """Return a sort key: open before settled, expired before failing before expiring accounts, soonest expiry first.

    Unreadable accounts come last: that entry says less than those beside it.
    """
    account = entry.snapshot.account if entry.snapshot else None
    has_expired = account is not None and account.has_expired(now)
    expires_at = account.expires_at if account else None
    return entry.relevance is not Relevance.OPEN, not has_expired, _ORDER[entry.notification.kind], expires_at or _NEVER
