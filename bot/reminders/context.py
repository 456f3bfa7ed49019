"""What polls, the dispatcher and the commands work with."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.clock import ClockGuard
from bot.core.entries import Entry
from bot.core.messages import Message, OutgoingMessage
from bot.core.overview import Overview
from bot.core.subscriptions import Ping
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.store.database import Database
from bot.useapi.guild_access import GuildAccess


class Refused(Exception):
    """Discord did certainly not do it.

    `is_lasting` if it is refused until somebody acts, or, where it is known, until `ends_at`. `is_message_gone` if the
    message does not exist, as Discord says.
    """

    def __init__(
        self, reason: str, *, is_lasting: bool, is_message_gone: bool = False, ends_at: datetime | None = None
    ) -> None:
        super().__init__(reason)
        self.is_lasting = is_lasting
        self.is_message_gone = is_message_gone
        self.ends_at = ends_at


class Uncertain(Exception):
    """Discord may have done it or not."""


Save = Callable[[OutgoingMessage], Awaitable[None]]


class Sender(Protocol):
    """Sends over REST, so it needs a login but no gateway. Every method may raise Refused or Uncertain.

    With a `guild_id`, commands in a text become links that people can click. A message whose content Discord refuses is
    posted, or shown by an edit, with less in it (`bot.core.plainer`).
    """

    async def post(
        self,
        channel_id: int,
        message: OutgoingMessage,
        nonce: str,
        *,
        guild_id: int | None = None,
        save: Save | None = None,
    ) -> int | None:
        """Post a message and return its id, None if it arrived and was deleted.

        `save` is called with each plainer version before that is posted, with the same nonce.
        """

    async def find(self, message: Message) -> int | None:
        """Search the history of a message's channel for it; return its Discord id, None if it is absent."""

    async def edit(
        self, channel_id: int, message_id: int, message: OutgoingMessage, *, guild_id: int | None = None
    ) -> None:
        """Replace the content of one of the bot's messages; mentions nobody."""

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Delete one of the bot's messages."""

    async def send_direct(self, user_id: int, text: str) -> None:
        """Send a direct message."""

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Whether a user is in a guild."""

    async def check_channels(self, guild_id: int, pings: Mapping[int, Collection[Ping]]) -> Mapping[int, str | None]:
        """Return what would keep messages out of each channel, or its pings from arriving; nothing is sent.

        A channel without a problem has None; one that could not be checked in time is left out.

        Args:
            guild_id: the guild.
            pings: the roles and members that are pinged, by channel id.
        """

    async def find_absent(self, guild_id: int, channel_ids: Collection[int]) -> Collection[int]:
        """Return which of these channels and threads the guild does not have; nothing is sent."""


class Rendering(Protocol):
    """Makes messages out of domain objects; pure functions."""

    def render(self, entries: Sequence[Entry], footer_id: str, now: datetime) -> OutgoingMessage:
        """Return the message that carries all these entries."""

    def render_again(
        self, entries: Sequence[Entry], footer_id: str, now: datetime, *, is_checked: bool = False
    ) -> OutgoingMessage:
        """Return what a sent message says now; `is_checked` if somebody has just pressed *Check now*."""

    def render_board(self, overview: Overview, footer_id: str, now: datetime) -> tuple[OutgoingMessage, str]:
        """Return a board's message, and a digest of its content apart from the time of the read."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that polls, the dispatcher and the commands share.

    `lead_times` are the days of a subscription that names none; a poll comes every `interval`, or soon once
    `poll_requested` is set. `renewal_begun` is set when somebody is assigned to a login. `watches_jobs` if polls also
    read jobs, and the credits that subscriptions ask for.
    """

    database: Database
    access: GuildAccess
    sender: Sender
    rendering: Rendering
    clock: ClockGuard
    interval: timedelta
    lead_times: tuple[int, ...]
    timing: Timing = DEFAULT_TIMING
    telemetry: Telemetry = NO_TELEMETRY
    watches_jobs: bool = False
    poll_requested: asyncio.Event = field(default_factory=asyncio.Event)
    renewal_begun: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        """Return the time; every time that is stored comes from here."""
        return self.clock.now()
