"""The messages that polls and the dispatcher send: implements `bot.reminders.context.Rendering`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat.views import reminder
from bot.chat.views.overview import render_board
from bot.core.messages import OutgoingMessage
from bot.core.overview import Overview


@dataclass(frozen=True, slots=True)
class Views:
    """The views of a bot that polls at this interval."""

    interval: timedelta

    render = staticmethod(reminder.render)
    render_again = staticmethod(reminder.render_again)

    def render_board(self, overview: Overview, footer_id: str, now: datetime) -> tuple[OutgoingMessage, str]:
        """Return a board's message, and a digest of its content apart from the time of the read."""
        return render_board(overview, footer_id, now, self.interval)
