"""Boards: a channel's standing wish for a live overview of all accounts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Board:
    """A channel's board; its message is None until one is about to be posted.

    `discord_id` is that message's id once it was sent. `digest` stands for the content that the message shows, None
    if it must be edited in any case. `absent_since` is when a check first missed its channel, None if the last one did
    not.
    """

    guild_id: int
    channel_id: int
    added_by: int
    message_id: int | None = None
    discord_id: int | None = None
    digest: str | None = None
    absent_since: datetime | None = None
