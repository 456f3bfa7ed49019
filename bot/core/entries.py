"""Entries: the parts of a message, one for each notification, judged by the newest snapshot."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from bot.core.accounts import Account, AccountSnapshot
from bot.core.assignments import Assignment, Subject, subject_of
from bot.core.logins import Login, is_same_login
from bot.core.notifications import Kind, Notification
from bot.core.subscriptions import Subscription
from bot.core.text import plain

_ORDER = {Kind.MISSING: 0, Kind.ERROR: 0, Kind.STAGE: 1, Kind.RENEWED: 2, Kind.UNREADABLE: 3}
_NEVER = datetime.max.replace(tzinfo=UTC)
_LONGEST_USER_ID = 80


class Relevance(Enum):
    """How the reason for a notification stands now."""

    OPEN = "unchanged, or worse"
    RENEWED = "the account has another login"
    SUPERSEDED = "a tighter stage was sent later"
    OVER = "the incident has ended"


@dataclass(frozen=True, slots=True)
class Entry:
    """A notification with all that is needed to word it.

    `login` is the login that a stage is about, `snapshot` the account as it is known now. `is_listed` if the last list
    held the account, `is_confirmed` if that list is the last one that was requested.
    """

    notification: Notification
    snapshot: AccountSnapshot | None
    subscription: Subscription | None
    login: Login | None = None
    relevance: Relevance = Relevance.OPEN
    is_listed: bool = True
    is_confirmed: bool = True
    assignment: Assignment | None = None

    @property
    def subject(self) -> Subject:
        """Return what a person is assigned to who says "I'm on it"."""
        return subject_of(self.snapshot) if self.snapshot else Subject(self.notification.account_id or "", 0)

    @property
    def needs_action(self) -> bool:
        """Whether somebody should act; other entries mention nobody and need no buttons."""
        return self.relevance is Relevance.OPEN and self.notification.kind is not Kind.RENEWED

    @property
    def is_due(self) -> bool:
        """Whether it is still to be sent: a subscription covers it, and its reason stands."""
        is_known = self.snapshot is not None or self.notification.kind is Kind.UNREADABLE
        return self.subscription is not None and is_known and self.relevance is Relevance.OPEN

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


def relevance_of(entry: Entry, sent_stages: Iterable[int], *, has_incident: bool) -> Relevance:
    """Return how an entry's reason stands now.

    Args:
        entry: the entry.
        sent_stages: the stages of the same login that the channel has got.
        has_incident: whether the incident that the entry is about is still open.
    """
    account = entry.snapshot.account if entry.snapshot else None
    match entry.notification.kind:
        case Kind.STAGE if account is not None and entry.login is not None and account.expires_at is not None:
            # Checked first: only a login's last reminder shows a renewal.
            stage = entry.notification.stage
            if min(sent_stages, default=stage) < stage:
                return Relevance.SUPERSEDED
            is_same = is_same_login(account.expires_at, entry.login.first_expires_at)
            return Relevance.OPEN if is_same else Relevance.RENEWED
        case Kind.ERROR:
            return Relevance.OVER if account is not None and account.error is None else Relevance.OPEN
        case Kind.MISSING | Kind.UNREADABLE:
            return Relevance.OPEN if has_incident else Relevance.OVER
        case _:
            return Relevance.OPEN


def by_urgency(entry: Entry) -> tuple[bool, int, datetime]:
    """Return a sort key: open before settled, failing accounts before expiring ones, then soonest expiry first.

    Unreadable accounts come last: that entry says less than those beside it.
    """
    expires_at = entry.snapshot.account.expires_at if entry.snapshot else None
    return entry.relevance is not Relevance.OPEN, _ORDER[entry.notification.kind], expires_at or _NEVER
