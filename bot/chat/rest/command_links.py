"""Turns commands in texts into links that people can click: the one place that knows the ids of commands.

Texts hold commands as inline code, such as `/minimax-status`. Before a text goes to Discord, each known command becomes
`</minimax-status:ID>`, in the content, in descriptions and in the values of fields; nowhere else does Discord show it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import discord

from bot.chat.views.components import Reply
from bot.core.limits import MAX_CHARACTERS, MAX_CONTENT, MAX_DESCRIPTION, MAX_FIELD

_COMMAND = re.compile(r"`/([a-z0-9_-]+(?: [a-z0-9_-]+){0,2})`")
_LINK = re.compile(r"</([a-z0-9_-]+(?: [a-z0-9_-]+){0,2}):\d+>")
# The types of options that are commands below a command.
_SUBCOMMAND, _GROUP = 1, 2


class CommandLinks:
    """The ids of the registered commands, by server; empty until Discord has named them."""

    def __init__(self) -> None:
        self._ids: dict[int, dict[str, int]] = {}

    def learn(self, guild_id: int, commands: Iterable[Mapping[str, Any]]) -> None:
        """Keep the ids of a server's commands, as Discord returns them; those of a group go by its id."""
        self._ids[guild_id] = {
            path: int(command["id"]) for command in commands for path in _paths_of(command, command["name"])
        }

    def in_text(self, guild_id: int | None, text: str, limit: int) -> str:
        """Return a text with links in place of commands; as it is where they are unknown or it would get too long."""
        ids = self._ids.get(guild_id or 0, {})

        def link(found: re.Match[str]) -> str:
            command_id = ids.get(found[1])
            return found[0] if command_id is None else f"</{found[1]}:{command_id}>"

        linked = _COMMAND.sub(link, text)
        return linked if len(linked) <= limit else text

    @staticmethod
    def out_of_text(text: str) -> str:
        """Return a text as it was before its commands became links."""
        return _LINK.sub(r"`/\1`", text)

    def in_embeds(self, guild_id: int | None, embeds: Iterable[discord.Embed]) -> list[discord.Embed]:
        """Return copies of a message's embeds with links in place of commands, unless they would get too long."""
        given = list(embeds)
        linked = [self._in_embed(guild_id, embed) for embed in given]
        return linked if sum(map(len, linked)) <= MAX_CHARACTERS else given

    def _in_embed(self, guild_id: int | None, embed: discord.Embed) -> discord.Embed:
        linked = embed.copy()
        if linked.description:
            linked.description = self.in_text(guild_id, linked.description, MAX_DESCRIPTION)
        for index, field in enumerate(embed.fields):
            value = self.in_text(guild_id, field.value or "", MAX_FIELD)
            linked.set_field_at(index, name=field.name, value=value, inline=field.inline)
        return linked

    def in_reply(self, guild_id: int | None, reply: Reply) -> Reply:
        """Return an answer with links in place of commands."""
        return replace(
            reply,
            content=self.in_text(guild_id, reply.content, MAX_CONTENT),
            embeds=self.in_embeds(guild_id, reply.embeds),
            aside=None if reply.aside is None else self.in_reply(guild_id, reply.aside),
        )


def _paths_of(command: Mapping[str, Any], path: str) -> Iterable[str]:
    """Yield what people type for a command, or for each one below it."""
    below = [one for one in command.get("options") or () if one["type"] in (_SUBCOMMAND, _GROUP)]
    if not below:
        yield path
    for one in below:
        yield from _paths_of(one, f"{path} {one['name']}")
