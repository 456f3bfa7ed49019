"""Notifications: what a channel must hear exactly once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a notification is about."""

    STAGE = "stage"
    RENEWED = "renewed"
    ERROR = "error"
    FAILING = "failing"
    MISSING = "missing"
    UNDATED = "undated"
    UNREADABLE = "unreadable"
    LOW_CREDITS = "low_credits"
    NEW_ACCOUNT = "new_account"


# The kinds that begin and end by themselves.
INCIDENTS: tuple[Kind, ...] = tuple(kind for kind in Kind if kind not in (Kind.STAGE, Kind.RENEWED, Kind.NEW_ACCOUNT))
# One failure of an account, with the expiry of its login: the first one that is open is the reason that is given.
FAILURES = (Kind.ERROR, Kind.FAILING)


class State(StrEnum):
    """How far a notification, or the message that carries it, has come."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification for one channel; at most one about an account is pending or in flight at a time.

    `account_id` is None if it is about the accounts as a whole. `ref` is the login's id for stages and renewals, 0 for
    a new account, else the incident's number. `stage` is the stage that the channel has heard once this is sent, None
    for a renewed login that has reached none. `expires_at` is the expiry that a stage or renewal is about, or that had
    passed when an error or failing jobs were announced. `is_late` if an earlier message did not arrive in time,
    `is_follow_up` if the
    channel knew of the failure before. `message_id` is the message that carries it.
    """

    guild_id: int
    channel_id: int
    account_id: str | None
    kind: Kind
    ref: int
    stage: int | None = 0
    expires_at: datetime | None = None
    is_late: bool = False
    is_follow_up: bool = False
    message_id: int | None = None
    id: int = 0
