"""What tests of the demo share: the time of its start, and its channel's messages."""

from datetime import UTC, datetime, timedelta

import discord

from bot.demo import Demo

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def reminders_in(demo: Demo) -> list[discord.Message]:
    """Return the reminders in the channel, oldest first; only they have content."""
    return [message for message in demo.channel.history() if message.content]


def day_of(moment: datetime) -> int:
    """Return on which day of the demo something happened; on a slow machine its clock runs a little ahead of `NOW`."""
    return round((moment - NOW) / timedelta(days=1))
