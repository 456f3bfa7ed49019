"""Chooses which of the gateway's events reach discord.py."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import discord

_LOG = logging.getLogger(__name__)

Event = Mapping[str, Any]
# The fields of an interaction's channel that discord.py reads; Discord promises fewer.
_CHANNEL: Event = {"type": 0, "name": "", "position": 0}
_THREAD: Event = {"owner_id": "0", "parent_id": "0", "message_count": 0, "member_count": 0}
_THREAD_METADATA: Event = {"archived": False, "auto_archive_duration": 1440, "archive_timestamp": None}
_THREAD_TYPES = (10, 11, 12)


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
    parse_ready, parse_interaction, parse_resumed = (
        parsers[name] for name in ("READY", "INTERACTION_CREATE", "RESUMED")
    )

    def ready(data: Event) -> None:
        watcher.begin_session(frozenset(int(guild["id"]) for guild in data["guilds"]))
        # discord.py keeps an object for each of them, which nothing reads.
        parse_ready({**data, "guilds": []})

    def interact(data: Event) -> None:
        # An error here would end the connection, and with it all answers in progress.
        try:
            parse_interaction(_complete_channel(data))
        except Exception:
            _LOG.exception("Interaction %s can't be read", data.get("id"))

    def created(data: Event) -> None:
        if not data.get("unavailable"):
            watcher.join(int(data["id"]))

    def deleted(data: Event) -> None:
        watcher.leave(int(data["id"]), is_outage=bool(data.get("unavailable")))

    parsers.clear()
    parsers.update(
        RESUMED=parse_resumed, INTERACTION_CREATE=interact, READY=ready, GUILD_CREATE=created, GUILD_DELETE=deleted
    )


def _complete_channel(interaction: Event) -> Event:
    """Return an interaction whose channel has every field that discord.py reads."""
    channel = _without_nulls(interaction.get("channel") or {})
    if channel:
        channel = {**_CHANNEL, **channel}
    if channel.get("type") in _THREAD_TYPES:
        metadata = {**_THREAD_METADATA, **_without_nulls(channel.get("thread_metadata", {}))}
        channel = {**_THREAD, **channel, "thread_metadata": metadata}
    return {**interaction, "channel": channel}


def _without_nulls(fields: Event) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
