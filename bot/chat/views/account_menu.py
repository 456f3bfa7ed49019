"""The menu and the buttons under a list of accounts; whoever sees the message may use them."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

import discord

from bot.chat.views.buttons import FixedButton

_OPEN = "minimax:open"
_REFRESH = re.compile(r"minimax:accounts:(?P<page>\d{1,4})")


class OpenAccount(discord.ui.DynamicItem[discord.ui.Select[Any]], template=re.compile(_OPEN)):
    """The menu that opens an account's card."""

    def __init__(self, options: Sequence[discord.SelectOption]) -> None:
        super().__init__(discord.ui.Select(custom_id=_OPEN, placeholder="Show an account", options=list(options)))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Build the menu that was used, with the choices that its message has."""
        return cls(item.options if isinstance(item, discord.ui.Select) else [])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Show the card to whoever chose it."""
        offered = {option.value for option in self.item.options}
        chosen = [value for value in self.item.values if value in offered]
        await interaction.client.commands.overview.open_account(interaction, chosen[0] if chosen else None)


class RefreshAccounts(discord.ui.DynamicItem[discord.ui.Button[Any]], template=_REFRESH):
    """The button that reads the list again, on the page that is shown."""

    def __init__(self, page: int) -> None:
        super().__init__(discord.ui.Button(label="Refresh", emoji="🔄", custom_id=f"minimax:accounts:{page}"))
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls(int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Read all accounts and renew the list."""
        await interaction.client.commands.overview.refresh(interaction, self.page)


class RefreshBoard(FixedButton, template=re.compile("minimax:board")):
    """The button that reads all accounts of a board again."""

    label, emoji = "Refresh", "🔄"

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Read all accounts and renew the board."""
        await interaction.client.commands.boards.refresh(interaction)


def accounts_view(
    options: Sequence[dict[str, Any]], page: int, turning: discord.ui.View | None = None
) -> discord.ui.View:
    """Return the menu of a list, the buttons that turn its pages, and the one that reads it again."""
    return _view(options, [*(turning.children if turning else ()), RefreshAccounts(page)])


def board_view(options: Sequence[dict[str, Any]]) -> discord.ui.View:
    """Return the menu and the button of a board."""
    return _view(options, [RefreshBoard()])


def _view(options: Sequence[dict[str, Any]], buttons: Iterable[discord.ui.Item[Any]]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    if options:
        view.add_item(OpenAccount([discord.SelectOption(**option) for option in options]))
    for button in buttons:
        view.add_item(button)
    return view
