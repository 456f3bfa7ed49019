"""What buttons have in common that outlive restarts."""

import re
from typing import Any, ClassVar, Self

import discord


class FixedButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=re.compile("(?!)")):
    """A button with an id that is always the same; all it needs to know is the message that it stands under."""

    label: ClassVar[str]
    emoji: ClassVar[str]

    def __init__(self) -> None:
        custom_id = self.__discord_ui_compiled_template__.pattern
        super().__init__(discord.ui.Button(label=self.label, emoji=self.emoji, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls()
