"""The buttons under a reminder; whoever sees the message may press them."""

import re
from typing import Any, Self

import discord

from bot.core.wording import SETUP_GUIDE
from bot.reminding.sending import Payload

_RECHECK = "minimax:recheck"
_TAKE = "minimax:take"


class Recheck(discord.ui.DynamicItem[discord.ui.Button[Any]], template=re.compile(_RECHECK)):
    """The button that reads all accounts of a reminder again."""

    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="Check now", emoji="🔄", custom_id=_RECHECK))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Read the accounts and renew the cards."""
        await interaction.client.commands.followup.recheck(interaction)


class Take(discord.ui.DynamicItem[discord.ui.Button[Any]], template=re.compile(_TAKE)):
    """The button with which somebody takes a reminder on, or gives it back."""

    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="I'm on it", emoji="🙋", custom_id=_TAKE))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls()

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
