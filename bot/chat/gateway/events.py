"""Chooses which of the gateway's events reach discord.py."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import discord

Event = Mapping[str, Any]
# What commands and buttons need.
_PASSED_ON = ("RESUMED", "INTERACTION_CREATE")


class Watcher(Protocol):
    """Hears which servers the bot is in."""

    def begin_session(self, guild_ids: frozenset[int]) -> None:
        """Hear that a new session begins, and which servers the bot is in."""

    def join(self, guild_id: int) -> None:
        """Hear that a server is there: one of a new session, one after an outage, or one that invited the bot."""

    def leave(self, guild_id: int, *, is_outage: bool) -> None:
        """Hear that a server is not there any more: the bot was removed, or Discord has an outage."""


def narrow_events(client: discord.Client, watcher: Watcher) -> None:
    """Pass on what commands need, and ids of servers to the watcher.

    Only with the intent for servers does Discord report that the bot is invited again. With it come all channels, roles
    and threads of every server, and discord.py would keep 17 KiB a server and more. Nothing public stops that.
    """
    parsers: dict[str, Callable[[Any], None]] = client._connection.parsers  # noqa: SLF001
    passed_on = {name: parsers[name] for name in _PASSED_ON}
    parse_ready = parsers["READY"]

    def ready(data: Event) -> None:
        watcher.begin_session(frozenset(int(guild["id"]) for guild in data["guilds"]))
        # discord.py keeps an object for each of them, which nothing reads.
        parse_ready({**data, "guilds": []})

    def created(data: Event) -> None:
        if not data.get("unavailable"):
            watcher.join(int(data["id"]))

    def deleted(data: Event) -> None:
        watcher.leave(int(data["id"]), is_outage=bool(data.get("unavailable")))

    parsers.clear()
    parsers.update(passed_on, READY=ready, GUILD_CREATE=created, GUILD_DELETE=deleted)
