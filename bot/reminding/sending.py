"""What the reminding needs of Discord; the discord side implements it."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.core.notes import NO_NOTES, Notes
from bot.reminding.items import Item
from bot.store.database import Database
from bot.useapi.servers import Servers

# A message as JSON: `content`, `embeds`, and whom it may mention: `roles`, `users`; the sender adds the buttons,
# those of a board if there are `options` to choose from.
Payload = dict[str, Any]


# Discord takes up to 25 characters.
_NONCE_BYTES = 12


class Refused(Exception):
    """It was certainly not done; `is_lasting` if the channel itself says no.

    `is_gone` if the message is not there, `is_channel_gone` if the channel is not.
    """

    def __init__(self, reason: str, *, is_lasting: bool, is_gone: bool = False, is_channel_gone: bool = False) -> None:
        super().__init__(reason)
        self.is_lasting = is_lasting
        self.is_gone = is_gone
        self.is_channel_gone = is_channel_gone


class Uncertain(Exception):
    """It may or may not have been done."""


class Sender(Protocol):
    """What sends; over REST, so it needs a login but no gateway."""

    async def post(self, channel_id: int, payload: Payload, nonce: str) -> int | None:
        """Post a message and return its id, None if it arrived and was deleted.

        Raises:
            Refused, Uncertain.
        """

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:
        """Look for our message in the channel's history since then; return its id, None if it is not there.

        Raises:
            Refused: the history may not be read. Uncertain: it can't be read now.
        """

    async def write_to(self, user_id: int, text: str) -> None:
        """Send a direct message.

        Raises:
            Refused, Uncertain.
        """

    async def audit(self, guild_id: int, roles: Mapping[int, Collection[int]]) -> Mapping[int, str | None]:
        """Return what would keep messages out of each channel, or its roles from being told; nothing is sent.

        A channel that all is well with has None; one that could not be looked at in time is left out.

        Args:
            guild_id: the server.
            roles: the roles that are mentioned in each channel.

        Raises:
            Refused, Uncertain: it can't be found out.
        """

    async def edit(self, channel_id: int, message_id: int, payload: Payload) -> None:
        """Put something else into a message of ours.

        Raises:
            Refused, Uncertain.
        """

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Delete a message of ours.

        Raises:
            Refused, Uncertain.
        """


class Rendering(Protocol):
    """What makes messages of items: pure functions of the discord side."""

    def render(self, items: Sequence[Item], footer_id: str, now: datetime) -> tuple[Payload, int]:
        """Return one message for the first of these items, and how many it holds."""

    def render_again(self, items: Sequence[Item], footer_id: str, now: datetime) -> Payload:
        """Return what a message says once something about its items has changed."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """What everything that sends works with."""

    database: Database
    servers: Servers
    sender: Sender
    rendering: Rendering
    now: Callable[[], datetime]
    notes: Notes = NO_NOTES


def new_nonce() -> str:
    """Return a nonce that no message had."""
    return secrets.token_hex(_NONCE_BYTES)


def footer_id(nonce: str) -> str:
    """Return the short id under a message, by which it is found again."""
    return nonce[:8]
