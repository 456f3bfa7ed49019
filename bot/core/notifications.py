"""Notifications: what a channel must hear exactly once."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a notification is about."""

    STAGE = "stage"
    RENEWED = "renewed"
    ERROR = "error"
    MISSING = "missing"
    UNREADABLE = "unreadable"


class State(StrEnum):
    """How far a notification, or the message that carries it, has come."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification for one channel; all fields but the last two are its unique key.

    `account_id` is None if it is about the accounts as a whole. `ref` is a login's id for stages and renewals, else
    the incident's number. `is_late` if an earlier message did not arrive in time.
    """

    guild_id: int
    channel_id: int
    account_id: str | None
    kind: Kind
    ref: int
    stage: int = 0
    is_late: bool = False
    id: int = 0
