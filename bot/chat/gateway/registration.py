"""Registers the commands in the listed servers only, and only where Discord has other ones."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

import discord
from discord import app_commands

from bot.chat.rest.failures import DISCORD_ERRORS
from bot.core.backoff import backoff
from bot.core.wording import say_count

_LOG = logging.getLogger(__name__)

_MISSING_ACCESS = 50001
_UNKNOWN_GUILD = 10004
# Where a command may be used; fields that mean nothing for one that is registered in a server.
_NOT_IN_SERVERS = ("dm_permission", "contexts", "integration_types")
# A bot of one team is in a few servers; looking for left-over commands in more is not worth the calls.
_MAX_OTHER_SERVERS = 100


def _significant(payload: object) -> object:
    """Return a payload without the fields that Discord fills in or leaves out: defaults, nulls, empty lists."""
    if isinstance(payload, Mapping):
        kept = {key: _significant(value) for key, value in payload.items()}
        return {key: value for key, value in kept.items() if value not in (None, False, [], {})}
    if isinstance(payload, list | tuple):
        return [_significant(value) for value in payload]
    return payload


def is_registered(wanted: list[dict[str, Any]], present: list[dict[str, Any]]) -> bool:
    """Whether Discord's commands are the wanted ones, in any order, looking only at the fields that we set."""

    def comparable(command: Mapping[str, Any], fields: Collection[str]) -> object:
        # Discord returns permissions as text, discord.py sends them as a number.
        chosen = {key: command.get(key) for key in fields if key not in _NOT_IN_SERVERS}
        permissions = chosen.get("default_member_permissions")
        chosen["default_member_permissions"] = None if permissions is None else str(permissions)
        return _significant(chosen)

    by_name = {command.get("name"): command for command in present}
    if len(present) != len(wanted) or by_name.keys() != {command["name"] for command in wanted}:
        return False
    return all(comparable(command, command) == comparable(by_name[command["name"]], command) for command in wanted)


class Registrar:
    """Compares and writes the commands, server by server; a failure of one does not stop the others."""

    def __init__(self, tree: app_commands.CommandTree[Any], listed: Collection[int]) -> None:
        self._tree = tree
        self._http = tree.client.http
        self._waiting = set(listed)
        self._listed = frozenset(listed)
        self._absent: set[int] = set()

    async def register_waiting(self) -> bool:
        """Register in the listed servers that still wait for it; return whether all have the commands now."""
        for guild_id in sorted(self._waiting):
            try:
                await self._register(guild_id)
                self._waiting.discard(guild_id)
            except DISCORD_ERRORS as error:
                if guild_id not in self._absent:
                    _LOG.warning("Commands not registered in server %s yet (%s)", guild_id, type(error).__name__)
        return not self._waiting

    async def clean_up(self) -> None:
        """Remove left-over commands from servers that the bot is in but that are not listed, where it may."""
        try:
            joined = {guild.id async for guild in self._tree.client.fetch_guilds(limit=200)}
        except DISCORD_ERRORS as error:
            _LOG.warning("Left-over commands not looked for (%s)", type(error).__name__)
            return
        for guild_id in sorted(joined - self._listed)[:_MAX_OTHER_SERVERS]:
            try:
                await self._write(guild_id, [])
            except DISCORD_ERRORS as error:
                _LOG.info("Left-over commands not looked for in server %s (%s)", guild_id, type(error).__name__)

    async def _register(self, guild_id: int) -> None:
        commands = self._tree.get_commands(guild=discord.Object(guild_id))
        try:
            await self._write(guild_id, [command.to_dict(self._tree) for command in commands])
        except (discord.Forbidden, discord.NotFound) as error:
            if error.code not in (_MISSING_ACCESS, _UNKNOWN_GUILD):
                raise
            if guild_id not in self._absent:
                _LOG.warning(
                    "The bot is not in server %s of GUILD_IDS, or was invited without the applications.commands "
                    "scope. Invite it, and its commands will follow within minutes; or remove the id from GUILD_IDS.",
                    guild_id,
                )
            self._absent.add(guild_id)
            raise

    async def _write(self, guild_id: int, wanted: list[dict[str, Any]]) -> None:
        application_id = self._tree.client.application_id
        assert application_id is not None
        present = await self._http.get_guild_commands(application_id, guild_id)
        if is_registered(wanted, [dict(command) for command in present]):
            return
        await self._http.bulk_upsert_guild_commands(application_id, guild_id, wanted)
        _LOG.info("Registered %s in server %s", say_count(len(wanted), "command"), guild_id)


async def keep_registering(
    tree: app_commands.CommandTree[Any], listed: Collection[int], *, jitter: Callable[[], float]
) -> None:
    """Register the commands, trying again until every listed server has them, then clean up elsewhere."""
    registrar = Registrar(tree, listed)
    failures = 0
    while not await registrar.register_waiting():
        failures += 1
        if failures == 1:
            await registrar.clean_up()
        await asyncio.sleep(backoff(failures, jitter(), first=5.0))
    if not failures:
        await registrar.clean_up()
