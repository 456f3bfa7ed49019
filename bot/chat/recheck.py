"""The buttons under a reminder."""

import re
from typing import Any, Self

import discord

from bot.core.wording import SETUP_GUIDE

_CUSTOM_ID = "minimax:recheck"


class Recheck(discord.ui.DynamicItem[discord.ui.Button[Any]], template=re.compile(_CUSTOM_ID)):
    """The button that reads all accounts of a reminder again."""

    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="Check now", emoji="🔄", custom_id=_CUSTOM_ID))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Read the accounts and renew the cards."""
        await interaction.client.commands.followup.recheck(interaction)


def reminder_view() -> discord.ui.View:
    """Return the buttons under a reminder."""
    view = discord.ui.View(timeout=None)
    view.add_item(Recheck())
    view.add_item(discord.ui.Button(label="How to renew", url=SETUP_GUIDE))
    return view
