"""Notes that a server keeps about accounts, such as which Google account belongs to one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.core.secrets import looks_secret
from bot.core.text import plain
from bot.errors import NoteHoldsSecret, NoteTooLong

MAX_NOTE = 200


@dataclass(frozen=True, slots=True)
class Note:
    """A note on an account, the Discord user who changed it last, and when."""

    text: str
    changed_by: int
    changed_at: datetime


def parse_note(typed: str, finds_secret: Callable[[str], bool]) -> str:
    """Return a note as somebody typed it, on one line; empty if nothing of it is visible.

    Args:
        typed: the text.
        finds_secret: whether a text holds one of the bot's own secrets.

    Raises:
        NoteTooLong: it has more than 200 characters. NoteHoldsSecret: it seems to hold a secret.
    """
    if len(typed) > MAX_NOTE:
        raise NoteTooLong(MAX_NOTE)
    if finds_secret(typed) or looks_secret(typed):
        raise NoteHoldsSecret
    return plain(typed, MAX_NOTE)
