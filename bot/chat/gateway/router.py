"""Finds the handler of a pressed button, a used menu or a submitted form by its id, `minimax:<action>:<rest>`."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import discord

from bot.chat.gateway.responder import Interaction, NewMessage, Responder, SameMessage
from bot.chat.views.components import PREFIX, Reply
from bot.errors import StaleButton

Handler = Callable[[Interaction, str], Awaitable[Reply]]
Method = TypeVar("Method", bound=Callable[..., Awaitable[Reply]])
_MARK = "__component__"
# Lists with pages have a name: `minimax:page:<list>:<page>`.
_PAGE = "page"


@dataclass(frozen=True, slots=True)
class _Component:
    actions: tuple[str, ...]
    in_place: bool
    is_bare: bool = False
    is_form: bool = False


def component(*actions: str, in_place: bool = False, is_bare: bool = False) -> Callable[[Method], Method]:
    """Let a method handle the buttons or menus with one of these actions, and return its reply.

    The method gets the interaction, and the rest of the id or the chosen values. `in_place` replies replace the
    message. The id of an `is_bare` component ends with the action; one with a rest is refused.
    """
    return _marking(_Component(actions, in_place=in_place, is_bare=is_bare))


def form(action: str) -> Callable[[Method], Method]:
    """Let a method handle the submitted forms with this action, and return the reply that replaces the message.

    The method gets the interaction and the text that was typed into the form's one field.
    """
    return _marking(_Component((action,), in_place=True, is_form=True))


def _marking(component: _Component) -> Callable[[Method], Method]:
    def mark(method: Method) -> Method:
        setattr(method, _MARK, component)
        return method

    return mark


class Router:
    """Answers buttons, menus and forms; refuses in words those that this version does not know."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._handlers: dict[str, tuple[Handler, _Component]] = {}

    def add(self, owner: object) -> None:
        """Add the handlers among an object's methods."""
        for _, method in inspect.getmembers(owner, inspect.ismethod):
            if (mark := getattr(method, _MARK, None)) is not None:
                self._handlers |= dict.fromkeys(mark.actions, (method, mark))

    async def route(self, interaction: Interaction) -> None:
        """Answer a component or a form whose id begins with the bot's prefix; ignore all others."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if not custom_id.startswith(PREFIX):
            return
        is_form = interaction.type is discord.InteractionType.modal_submit
        action, _, rest = custom_id.removeprefix(PREFIX).partition(":")
        if action == _PAGE:
            name, _, rest = rest.partition(":")
            action = f"{_PAGE}:{name}"
        found = self._handlers.get(action)
        if found is None or found[1].is_form is not is_form or (found[1].is_bare and rest):
            await self._responder.refuse(interaction, StaleButton("no such button"))
            return
        handler, mark = found
        in_place = mark.in_place and interaction.message is not None
        surface = SameMessage(interaction) if in_place else NewMessage(interaction, share=False)
        if is_form:
            value = _typed(data.get("components"))
        else:
            value = _chosen(interaction, data, custom_id) if "values" in data else rest
        await self._responder.answer(interaction, surface, lambda: handler(interaction, value))


def _chosen(interaction: Interaction, data: dict[str, Any], custom_id: str) -> str:
    """Return the chosen values of a menu that it did offer, separated by commas; empty if there is none."""
    rows = interaction.message.components if interaction.message else []
    offered = {
        option.value
        for row in rows
        if isinstance(row, discord.ActionRow)
        for child in row.children
        if isinstance(child, discord.SelectMenu) and child.custom_id == custom_id
        for option in child.options
    }
    return ",".join(value for value in data["values"] if value in offered)


def _typed(components: Any) -> str:
    """Return the text in the one field of a form; empty if there is none."""
    for part in components if isinstance(components, list) else ():
        if isinstance(part, dict):
            below = [part.get("component"), *(part.get("components") or ())]
            if text := part.get("value") or _typed(below):
                return str(text)
    return ""


def rest_of(interaction: Interaction) -> str:
    """Return the rest of a component's id, which the handler of a menu or a form does not get."""
    data: Any = interaction.data or {}
    return str(data.get("custom_id", "")).removeprefix(PREFIX).partition(":")[2]


def page_of(rest: str) -> int:
    """Return the page number in a component's id.

    Raises:
        StaleButton: it is none.
    """
    if not (rest.isascii() and rest.isdigit() and len(rest) <= 4):  # noqa: PLR2004  (no list has more pages)
        raise StaleButton("no such page")
    return int(rest)
