"""The messages that polls and the dispatcher send: implements `bot.reminders.context.Rendering`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat.views import reminder
from bot.chat.views.overview import render_board
from bot.core.entries import Entry
from bot.core.links import DEFAULT_RENEWAL, RenewalLinks
from bot.core.messages import OutgoingMessage
from bot.core.overview import Overview


@dataclass(frozen=True, slots=True)
class Views:
    """The views of a bot that polls at this interval; `renewal` is where people renew logins."""

    interval: timedelta
    renewal: RenewalLinks = DEFAULT_RENEWAL

    def render(self, entries: Sequence[Entry], footer_id: str, now: datetime) -> OutgoingMessage:
        """Return the message that carries all these entries."""
        return reminder.render(entries, footer_id, now, self.renewal)

    def render_again(
        self, entries: Sequence[Entry], footer_id: str, now: datetime, *, is_checked: bool = False
    ) -> OutgoingMessage:
        """Return what a sent message says now; `is_checked` if somebody has just pressed *Check now*."""
        return reminder.render_again(entries, footer_id, now, self.renewal, is_checked=is_checked)

    def render_board(self, overview: Overview, footer_id: str, now: datetime) -> tuple[OutgoingMessage, str]:
        """Return a board's message, and a digest of its content apart from the time of the read."""
        return render_board(overview, footer_id, now, self.interval)
