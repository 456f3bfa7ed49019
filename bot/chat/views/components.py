"""Buttons and menus. Their ids read `minimax:<action>:<rest>`, so that they outlive restarts and versions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import discord

from bot.chat.views.text import MAX_CUSTOM_ID
from bot.core.links import SETUP_GUIDE
from bot.core.messages import Action, Choice, OutgoingMessage

PREFIX = "minimax:"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to an interaction; `aside` is for the user alone, beside an answer that edits the message."""

    embeds: Sequence[discord.Embed]
    view: discord.ui.View | None = None
    content: str = ""
    aside: "Reply | None" = None

    @classmethod
    def of(cls, message: OutgoingMessage) -> Self:
        """Return the reply that replaces a message by another version of it."""
        return cls(embeds_of(message), message_view(message), message.content)


def notice(title: str, text: str, colour: int) -> Reply:
    """Return a reply of one embed without controls."""
    return Reply([discord.Embed(title=title, description=text, colour=colour)])


def embeds_of(message: OutgoingMessage) -> list[discord.Embed]:
    """Return the embeds of a message as discord.py sends them."""
    return [discord.Embed.from_dict(embed) for embed in message.embeds]


def _button(action: str, label: str, emoji: str | None = None) -> discord.ui.Button[Any]:
    return discord.ui.Button(label=label, emoji=emoji, custom_id=PREFIX + action)


def _how_to_renew() -> discord.ui.Button[Any]:
    return discord.ui.Button(label="How to renew", url=SETUP_GUIDE)


def _view(items: Iterable[discord.ui.Item[Any]]) -> discord.ui.View:
    """Return a view that discord.py does not keep in memory: the router finds the handlers by the ids."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def account_view(account_id: str) -> discord.ui.View:
    """Return the buttons under an account's card; ids of over 100 characters fit into none of them."""
    buttons = [
        _button(f"check:{account_id}", "Check now", "🔄"),
        _button(f"remind:{account_id}", "Remind here", "⏰"),
    ]
    return _view([*(one for one in buttons if len(one.custom_id or "") <= MAX_CUSTOM_ID), _how_to_renew()])


def overview_view(choices: Sequence[Choice], page: int, pages: int) -> discord.ui.View:
    """Return the menu of a list of accounts, the buttons that turn its pages, and the one that reads it again."""
    return _view([*_menu(choices), *_turning("accounts", page, pages), _button(f"accounts:{page}", "Refresh", "🔄")])


def pages_view(name: str, page: int, pages: int) -> discord.ui.View | None:
    """Return the buttons that turn the pages of a list; None if it has one page."""
    buttons = _turning(name, page, pages)
    return _view(buttons) if buttons else None


def message_view(message: OutgoingMessage) -> discord.ui.View | None:
    """Return the controls under a reminder or a board; None if it has none."""
    buttons: dict[Action, Callable[[], discord.ui.Button[Any]]] = {
        Action.CHECK: lambda: _button("recheck", "Check now", "🔄"),
        Action.ASSIGN: lambda: _button("take", "I'm on it", "🙋"),
        Action.RENEW: _how_to_renew,
        Action.REFRESH_BOARD: lambda: _button("board", "Refresh", "🔄"),
    }
    controls = [*_menu(message.choices), *(buttons[action]() for action in message.actions)]
    return _view(controls) if controls else None


def _menu(choices: Sequence[Choice]) -> list[discord.ui.Item[Any]]:
    if not choices:
        return []
    options = [
        discord.SelectOption(label=one.label, value=one.value, emoji=one.emoji, description=one.description or None)
        for one in choices
    ]
    return [discord.ui.Select(custom_id=f"{PREFIX}open", placeholder="Show an account", options=options)]


def _turning(name: str, page: int, pages: int) -> list[discord.ui.Item[Any]]:
    buttons: list[discord.ui.Item[Any]] = []
    if page > 0:
        buttons.append(_button(f"page:{name}:{page - 1}", "Previous"))
    if page + 1 < pages:
        buttons.append(_button(f"page:{name}:{page + 1}", "Next"))
    return buttons
