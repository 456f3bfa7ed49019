"""The buttons under a reminder; whoever sees the message may press them."""

import re
from typing import Any

import discord

from bot.chat.views.buttons import FixedButton
from bot.core.wording import SETUP_GUIDE
from bot.reminders.context import Payload


class Recheck(FixedButton, template=re.compile("minimax:recheck")):
    """The button that reads all accounts of a reminder again."""

    label, emoji = "Check now", "🔄"

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Read the accounts and renew the cards."""
        await interaction.client.commands.followup.recheck(interaction)


class Take(FixedButton, template=re.compile("minimax:take")):
    """The button with which somebody takes a reminder on, or gives it back."""

    label, emoji = "I'm on it", "🙋"

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Write down who is on it."""
        await interaction.client.commands.followup.take(interaction)


def reminder_view(payload: Payload) -> discord.ui.View | None:
    """Return the buttons under a reminder, None if nothing of it is open any more."""
    if not payload.get("has_buttons", True):
        return None
    view = discord.ui.View(timeout=None)
    view.add_item(Recheck())
    if payload.get("can_take", True):
        view.add_item(Take())
    view.add_item(discord.ui.Button(label="How to renew", url=SETUP_GUIDE))
    return view
