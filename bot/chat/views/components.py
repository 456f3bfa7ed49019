"""Buttons and menus. Their ids read `minimax:<action>:<rest>`, so that they outlive restarts and versions."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import discord

from bot.core.accounts import Account
from bot.core.changes import Change
from bot.core.limits import MAX_CUSTOM_ID, MAX_LABEL
from bot.core.links import GUIDED_SETUP
from bot.core.messages import Action, Choice, OutgoingMessage
from bot.core.naming import MAX_ACCOUNT_ID
from bot.core.subscriptions import Subscription
from bot.core.text import plain

PREFIX = "minimax:"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to an interaction; `aside` is for the user alone, beside an answer that edits the message.

    `change` is what the user has changed by it, None for nothing.
    A `form` opens in place of the embeds, which are shown where it is too late for a form.
    """

    embeds: Sequence[discord.Embed]
    view: discord.ui.View | None = None
    content: str = ""
    aside: "Reply | None" = None
    change: Change | None = None
    form: discord.ui.Modal | None = None

    @classmethod
    def of(cls, message: OutgoingMessage) -> Self:
        """Return the reply that replaces a message by another version of it."""
        return cls(embeds_of(message), message_view(message), message.content)


def notice(title: str, text: str, colour: int, change: Change | None = None) -> Reply:
    """Return a reply of one embed without controls."""
    return Reply([discord.Embed(title=title, description=text, colour=colour)], change=change)


def embeds_of(message: OutgoingMessage) -> list[discord.Embed]:
    """Return the embeds of a message as discord.py sends them."""
    return [discord.Embed.from_dict(embed) for embed in message.embeds]


def _button(
    action: str, label: str, emoji: str | None = None, style: discord.ButtonStyle = discord.ButtonStyle.secondary
) -> discord.ui.Button[Any]:
    return discord.ui.Button(label=label, emoji=emoji, custom_id=PREFIX + action, style=style)


def _how_to_renew(url: str) -> discord.ui.Button[Any]:
    return discord.ui.Button(label="How to renew", url=url)


def _view(items: Iterable[discord.ui.Item[Any]]) -> discord.ui.View:
    """Return a view that discord.py does not keep in memory: the router finds the handlers by the ids."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def build_form(action: str, title: str, label: discord.ui.Label[Any]) -> discord.ui.Modal:
    """Return a form that discord.py does not keep in memory: the router finds the handler by the id."""
    form = discord.ui.Modal(title=title, custom_id=PREFIX + action)
    form.add_item(label)
    form.stop()
    return form


def fits_menu(account_id: str) -> bool:
    """Whether a menu can offer an account with this id: it has a visible character, and is not too long."""
    return bool(account_id.strip()) and len(account_id) <= MAX_ACCOUNT_ID


def account_choice(account: Account, emoji: str, *, value: str | None = None, note: str = "") -> Choice:
    """Return the line of an account in a menu: its name, below it the id and a note; `value` is the id by default."""
    shown_id = plain(account.id, MAX_LABEL) or "(blank)"
    name = plain(account.name or "", MAX_LABEL)
    below = " · ".join(filter(None, (shown_id if name else "", note)))
    return Choice(account.id if value is None else value, name or shown_id, emoji, below)


def account_view(account_id: str, renew_url: str = GUIDED_SETUP, *, has_note_button: bool = False) -> discord.ui.View:
    """Return the buttons under an account's card; ids of over 100 characters fit into none of them."""
    buttons = [
        _button(f"check:{account_id}", "Check now", "🔄"),
        _remind_this_channel(account_id),
        _button(f"usage:{account_id}", "Credits & jobs", "🪙"),
    ]
    if has_note_button:
        buttons.append(_button(f"edit-note:{account_id}", "Note", "📝"))
    return _view([_how_to_renew(renew_url), *(one for one in buttons if len(one.custom_id or "") <= MAX_CUSTOM_ID)])


def overview_view(choices: Sequence[Choice], page: int, pages: int) -> discord.ui.View:
    """Return the menu of a list of accounts, the button that reads it again, and those that turn its pages."""
    return _view([*_menu(choices), _button(f"accounts:{page}", "Check now", "🔄"), *_turning("accounts", page, pages)])


def pages_view(name: str, page: int, pages: int) -> discord.ui.View | None:
    """Return the buttons that turn the pages of a list; None if it has one page."""
    buttons = _turning(name, page, pages)
    return _view(buttons) if buttons else None


def reminders_view(page: int, pages: int) -> discord.ui.View:
    """Return the buttons under the list of reminders: what is to come, and those that turn its pages."""
    return _view([_button("page:upcoming:0", "Next 30 days", "📅"), *_turning("reminders", page, pages)])


def message_view(message: OutgoingMessage) -> discord.ui.View | None:
    """Return the controls under a reminder or a board; None if it has none."""
    buttons: dict[Action, Callable[[], discord.ui.Button[Any]]] = {
        Action.CHECK: lambda: _button("recheck", "Check now", "🔄"),
        Action.ASSIGN: lambda: _button("take", "I'm on it", "🙋", discord.ButtonStyle.primary),
        Action.ASSIGNED: lambda: _button("take", "I'm on it", "🙋"),
        Action.DETAILS: lambda: _button(f"open:{message.choices[0].value}", "Details"),
        Action.RENEW: lambda: _how_to_renew(message.renew_url),
        Action.REFRESH_BOARD: lambda: _button("board", "Check now", "🔄"),
        Action.REMIND: lambda: _remind_this_channel(message.choices[0].value),
        Action.REMIND_ALL: _remind_of_all,
    }
    has_menu = Action.DETAILS not in message.actions
    controls = [*(_menu(message.choices) if has_menu else ()), *(buttons[action]() for action in message.actions)]
    return _view(controls) if controls else None


def _menu(choices: Sequence[Choice]) -> list[discord.ui.Item[Any]]:
    if not choices:
        return []
    placeholder = "Details of an account…"
    return [discord.ui.Select(custom_id=f"{PREFIX}open", placeholder=placeholder, options=_options(choices))]


def assignment_view(message_id: int, choices: Sequence[Choice]) -> discord.ui.View:
    """Return the private menu of a message's open accounts; any number can be chosen."""
    menu: discord.ui.Select[Any] = discord.ui.Select(
        custom_id=f"{PREFIX}assign:{message_id}",
        placeholder="Which ones?",
        options=_options(choices),
        max_values=len(choices),
    )
    return _view([menu])


def _options(choices: Sequence[Choice]) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(label=one.label, value=one.value, emoji=one.emoji, description=one.description or None)
        for one in choices
    ]


def _turning(name: str, page: int, pages: int) -> list[discord.ui.Item[Any]]:
    buttons: list[discord.ui.Item[Any]] = []
    if page > 0:
        buttons.append(_button(f"page:{name}:{page - 1}", "◀"))
    if page + 1 < pages:
        buttons.append(_button(f"page:{name}:{page + 1}", "▶"))
    return buttons


def welcome_view() -> discord.ui.View:
    """Return the button that sets a channel up for reminders about all accounts."""
    return _view([_remind_of_all()])


def _remind_this_channel(account_id: str) -> discord.ui.Button[Any]:
    return _button(f"remind:{account_id}", "Remind this channel", "⏰")


def _remind_of_all() -> discord.ui.Button[Any]:
    return _button("remind-all", "Remind this channel of all accounts", "⏰", discord.ButtonStyle.primary)


def ping_nobody_view(subscription: Subscription) -> discord.ui.View:
    """Return the button that takes its ping away from a reminder."""
    return _view([_button(f"unping:{subscription.id}:{mark_of(subscription)}", "Ping nobody", "🔕")])


def mark_of(subscription: Subscription) -> str:
    """Return a short digest of a reminder's channel, account and ping: a later reminder may have the same id."""
    ping_id = subscription.ping.id if subscription.ping else None
    facts = (subscription.channel_id, subscription.account_id, ping_id)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def joined_view(*views: discord.ui.View | None) -> discord.ui.View:
    """Return the controls of several views in one."""
    return _view([item for view in views if view is not None for item in view.children])
