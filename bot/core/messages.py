"""Discord messages: those that carry notifications, and boards."""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bot.core.limits import MAX_CONTENT, MAX_LABEL, MAX_OPTIONS, fit_embeds
from bot.core.links import GUIDED_SETUP
from bot.core.text import cut

# Discord accepts a nonce of up to 25 characters.
_NONCE_BYTES = 12


class MessageKind(StrEnum):
    """What a message is for."""

    NOTIFICATIONS = "notifications"
    BOARD = "board"


class Action(StrEnum):
    """A control under a message.

    ASSIGNED is the button of ASSIGN once somebody is assigned; DETAILS shows the only choice, in place of a menu, and
    REMIND sets up a reminder for it.
    """

    CHECK = "check"
    ASSIGN = "assign"
    ASSIGNED = "assigned"
    RENEW = "renew"
    DETAILS = "details"
    REFRESH_BOARD = "refresh_board"
    REMIND = "remind"
    REMIND_ALL = "remind_all"


@dataclass(frozen=True, slots=True)
class Choice:
    """One account in the menu of a message."""

    value: str
    label: str
    emoji: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message as it goes to Discord: text, embeds as JSON, controls, and the roles and users it may mention.

    `renew_url` is where its button RENEW leads. An `is_silent` message appears without a notification. What would
    exceed Discord's limits is cut, since a message that Discord refuses would be lost.
    """

    content: str
    embeds: tuple[Mapping[str, Any], ...] = ()
    actions: tuple[Action, ...] = ()
    choices: tuple[Choice, ...] = ()
    roles: tuple[int, ...] = ()
    users: tuple[int, ...] = ()
    is_silent: bool = False
    renew_url: str = GUIDED_SETUP

    def __post_init__(self) -> None:
        """Cut what exceeds the limits."""
        choices = tuple(
            replace(one, label=cut(one.label, MAX_LABEL), description=cut(one.description, MAX_LABEL))
            for one in self.choices[:MAX_OPTIONS]
        )
        fitted = {"content": cut(self.content, MAX_CONTENT), "embeds": fit_embeds(self.embeds), "choices": choices}
        for name, value in fitted.items():
            object.__setattr__(self, name, value)

    def to_json(self) -> str:
        """Return the message as JSON, for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return a message that the database kept, also one that the previous version wrote."""
        data = json.loads(text)
        if "actions" not in data:
            data = _upgrade(data)
        return cls(
            data["content"],
            tuple(data["embeds"]),
            tuple(map(Action, data["actions"])),
            tuple(Choice(**choice) for choice in data["choices"]),
            tuple(data["roles"]),
            tuple(data["users"]),
            data.get("is_silent", False),
            data.get("renew_url", GUIDED_SETUP),
        )


def _upgrade(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the previous version kept of a message in today's shape."""
    actions = [Action.CHECK, *([Action.ASSIGN] if data.get("can_take", True) else []), Action.RENEW]
    return {
        "content": data["content"],
        "embeds": data["embeds"],
        "actions": actions if data.get("has_buttons", True) else [],
        "choices": [],
        "roles": data["roles"],
        "users": data.get("users", []),
    }


@dataclass(frozen=True, slots=True)
class Message:
    """One message from before its first attempt to its last edit.

    `payload` is the outgoing message as JSON while it may be posted; None once it was sent, or if its board was
    removed. `discord_id` is None until it was sent, and stays None if the message was deleted at once. `edit_at` is
    when to edit a message with notifications, None if its content is current.
    """

    id: int
    guild_id: int
    channel_id: int
    kind: MessageKind
    nonce: str
    payload: str | None
    first_attempt_at: datetime
    discord_id: int | None
    edit_at: datetime | None

    @property
    def outgoing(self) -> OutgoingMessage | None:
        """Return the message as it goes to Discord, None without a payload."""
        return None if self.payload is None else OutgoingMessage.from_json(self.payload)

    @property
    def footer_id(self) -> str:
        """Return the short id in the message's footer, by which its channel's history is searched."""
        return footer_id_of(self.nonce)

    def is_shown_as(self, content: str, footers: Iterable[str]) -> bool:
        """Whether this message, once posted, has such a content and such footers in its embeds.

        A message without embeds has no footer, and is known by its content; Discord may trim white space.
        """
        if any(self.footer_id in footer for footer in footers):
            return True
        outgoing = self.outgoing
        return outgoing is not None and not outgoing.embeds and content.split() == outgoing.content.split()


def new_nonce() -> str:
    """Return a random nonce."""
    return secrets.token_hex(_NONCE_BYTES)


def footer_id_of(nonce: str) -> str:
    """Return the short id that the message with this nonce shows in its footer."""
    return nonce[:8]
