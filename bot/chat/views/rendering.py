"""The messages that polls and the dispatcher send: implements `bot.reminders.context.Rendering`."""

from bot.chat.views.overview import render_board
from bot.chat.views.reminder import render, render_again

__all__ = ["render", "render_again", "render_board"]
