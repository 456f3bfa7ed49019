"""Registers the commands in the listed servers only, and only where Discord has other ones."""

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import discord
from discord import app_commands

from bot.chat.rest.command_links import CommandLinks
from bot.core.backoff import backoff
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.core.wording import say_count

_LOG = logging.getLogger(__name__)

_MISSING_ACCESS = 50001
_UNKNOWN_GUILD = 10004
# Where a command may be used; fields that mean nothing for one that is registered in a server.
_NOT_IN_SERVERS = ("dm_permission", "contexts", "integration_types")
# A bot of one team is in a few servers; looking for left-over commands in more is not worth the calls.
_MAX_OTHER_SERVERS = 100
_FIRST_RETRY_SECONDS = 5.0
_ROUNDS_APART_SECONDS = 10.0
# An event of our own: discord.py wakes the tasks that wait for it.
_NEWS = "commands_in_doubt"


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
    """Keeps the commands of the listed servers as they should be, for as long as the bot runs.

    `links` get the ids of the commands. `registered` are the servers that have them, as far as the bot has heard, and
    `has_compared` is set once it has tried each server.

    It compares them where something may have changed them: on each new session, in a server that has invited the bot,
    and once a day. A resumed session has missed nothing.
    """

    def __init__(
        self,
        tree: app_commands.CommandTree[Any],
        listed: Collection[int],
        *,
        jitter: Callable[[], float],
        timing: Timing = DEFAULT_TIMING,
        links: CommandLinks | None = None,
    ) -> None:
        self._tree = tree
        self._links = links or CommandLinks()
        self.registered: set[int] = set()
        self.has_compared = asyncio.Event()
        self._listed = frozenset(listed)
        self._jitter = jitter
        self._compare_every, self._seconds = timing.compare_commands, timing.discord_requests
        self._due: set[int] = set()
        self._has_news = False
        # Servers whose next appearance says nothing about their commands: they were there all the time.
        self._expected: set[int] = set()
        self._logged: set[tuple[int | None, str]] = set()
        self._is_cleaned_up = False

    def begin_session(self, guild_ids: frozenset[int]) -> None:
        """Compare everywhere; the servers of the session appear one by one after this."""
        self._expected = set(guild_ids & self._listed)
        self._ask(self._listed)

    def join(self, guild_id: int) -> None:
        """Compare in a listed server that has invited the bot."""
        if guild_id in self._expected:
            self._expected.discard(guild_id)
        elif guild_id in self._listed:
            self._ask({guild_id})

    def leave(self, guild_id: int, *, is_outage: bool) -> None:
        """Expect a listed server back after an outage; log that it has removed the bot."""
        if guild_id not in self._listed:
            return
        if is_outage:
            self._expected.add(guild_id)
        else:
            self._expected.discard(guild_id)
            self.registered.discard(guild_id)
            _LOG.warning("The bot was removed from server %s of GUILD_IDS", guild_id)

    async def keep(self) -> None:
        """Compare whenever something may have changed the commands, until cancelled."""
        clock = asyncio.get_running_loop().time
        failures, all_at = 0, math.inf
        while True:
            retry_at = clock() + backoff(failures, self._jitter(), first=_FIRST_RETRY_SECONDS) if failures else all_at
            if self._has_news or await self._hears_news(until=min(retry_at, all_at)):
                self._has_news, failures = False, 0
            if clock() >= all_at:
                self._due |= self._listed
            if not self._due:
                continue
            if self._due >= self._listed:
                all_at = clock() + self._compare_every
            failures = 0 if await self._compare_due() else failures + 1
            self.has_compared.set()
            if not self._is_cleaned_up:
                self._is_cleaned_up = await self._clean_up()
            # What happens meanwhile is one round, so that no flood of events becomes one of requests.
            pause_ends_at = clock() + _ROUNDS_APART_SECONDS
            while await self._hears_news(until=pause_ends_at):
                pass

    def _ask(self, guild_ids: Collection[int]) -> None:
        self._due.update(guild_ids)
        self._has_news = True
        self._tree.client.dispatch(_NEWS)

    async def _hears_news(self, *, until: float) -> bool:
        """Wait for news; return whether there are any by then."""
        seconds = until - asyncio.get_running_loop().time()
        try:
            await self._tree.client.wait_for(_NEWS, timeout=None if seconds == math.inf else max(seconds, 0.0))
        except TimeoutError:
            return False
        return True

    async def _compare_due(self) -> bool:
        """Compare, server by server, where it is due; a failure of one does not stop the others.

        Return whether none is due any more.
        """
        for guild_id in sorted(self._due):
            # News about this server that come from now on are due again.
            self._due.discard(guild_id)
            try:
                await self._register(guild_id)
            except Exception as error:  # discord.py ends in any way on an answer that is not JSON
                self._due.add(guild_id)
                self.registered.discard(guild_id)
                self._log_failure(guild_id, error)
            else:
                self.registered.add(guild_id)
                self._logged = {key for key in self._logged if key[0] != guild_id}
        return not self._due

    def _log_failure(self, guild_id: int | None, error: Exception) -> None:
        """Log a failure once: of a server until it has the commands, of the list of all servers (None) for good."""
        is_absent = isinstance(error, discord.HTTPException) and error.code in (_MISSING_ACCESS, _UNKNOWN_GUILD)
        what = "absent" if is_absent else type(error).__name__
        if (guild_id, what) in self._logged:
            return
        self._logged.add((guild_id, what))
        if guild_id is None:
            _LOG.warning("Left-over commands not looked for yet (%s)", what)
        elif is_absent:
            _LOG.warning(
                "The bot is not in server %s of GUILD_IDS, or was invited without the applications.commands "
                "scope. Invite it, and its commands will follow within minutes; or remove the id from GUILD_IDS.",
                guild_id,
            )
        else:
            _LOG.warning("Commands not registered in server %s yet (%s)", guild_id, what)

    async def _clean_up(self) -> bool:
        """Remove left-over commands from servers that the bot is in but that are not listed, where it may.

        Return whether these servers are known.
        """
        try:
            async with asyncio.timeout(self._seconds):
                joined = {guild.id async for guild in self._tree.client.fetch_guilds(limit=200)}
        except Exception as error:  # as above
            self._log_failure(None, error)
            return False
        for guild_id in sorted(joined - self._listed)[:_MAX_OTHER_SERVERS]:
            try:
                await self._write(guild_id, [])
            except Exception as error:  # as above
                _LOG.info("Left-over commands not looked for in server %s (%s)", guild_id, type(error).__name__)
        return True

    async def _register(self, guild_id: int) -> None:
        commands = self._tree.get_commands(guild=discord.Object(guild_id))
        await self._write(guild_id, [command.to_dict(self._tree) for command in commands])

    async def _write(self, guild_id: int, wanted: list[dict[str, Any]]) -> None:
        application_id = self._tree.client.application_id
        assert application_id is not None
        http = self._tree.client.http
        async with asyncio.timeout(self._seconds):
            present = await http.get_guild_commands(application_id, guild_id)
            if is_registered(wanted, [dict(command) for command in present]):
                self._links.learn(guild_id, present)
                return
            self._links.learn(guild_id, await http.bulk_upsert_guild_commands(application_id, guild_id, wanted))
        _LOG.info("Registered %s in server %s", say_count(len(wanted), "command"), guild_id)
