"""`check`'s questions to Discord, over REST only: the token, each listed server, and the bot's permissions there."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from enum import Enum, auto

import discord

from bot.chat.rest.failures import DISCORD_ERRORS
from bot.chat.rest.obstacles import find_obstacle
from bot.chat.rest.permissions import INVITED, fetch_bot_member, find_missing
from bot.core.text import plain
from bot.core.timing import DEFAULT_TIMING, Timing

# Discord gives no more at once.
_MOST_SERVERS = 200
SCOPES = ("bot", "applications.commands")
_OTHER_REASON = "Check that this machine has a network and that Discord is up, then try again."


class Grade(Enum):
    """How serious a finding is."""

    OK = auto()
    NOTE = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, and what to do about it; `uninvited` is a server to invite the bot to."""

    grade: Grade
    what: str
    advice: str = ""
    uninvited: int | None = None


def build_invite(application_id: int, guild_id: int | None = None) -> str:
    """Return the link that invites the bot with the fewest permissions it needs."""
    guild = discord.utils.MISSING if guild_id is None else discord.Object(guild_id)
    return discord.utils.oauth_url(application_id, permissions=INVITED, guild=guild, scopes=SCOPES)


def explain(error: Exception, what: str) -> Finding:
    """Return why something failed at Discord: the certificate, say, or else `what`."""
    if obstacle := find_obstacle(error):
        return Finding(Grade.FAILED, obstacle.say("Discord"), obstacle.advice)
    return Finding(Grade.FAILED, f"{what} ({type(error).__name__})", _OTHER_REASON)


class Survey:
    """Logs in over REST and looks at the application and its servers."""

    def __init__(self, client: discord.Client, timing: Timing = DEFAULT_TIMING) -> None:
        self._client = client
        self._seconds = timing.discord_request

    async def log_in(self, token: str) -> Finding:
        """Try the token; return whose bot it is, or why Discord does not accept it."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._client.login(token)
        except discord.LoginFailure:
            return Finding(
                Grade.FAILED,
                "Discord refused DISCORD_TOKEN",
                "Copy it again, or reset it in the developer portal (Bot > Reset Token) and paste the new one.",
            )
        except DISCORD_ERRORS as error:
            return explain(error, "Discord can't be reached")
        return Finding(Grade.OK, f"Discord knows the bot as {plain(str(self._client.user), 100)}")

    async def fetch_servers(self) -> dict[int, str]:
        """Return the names of the servers that the bot is in, by id; `log_in` comes before.

        Raises:
            discord.DiscordException, OSError, TimeoutError: Discord does not answer, or refuses.
        """
        async with asyncio.timeout(self._seconds):
            servers = await self._client.http.get_guilds(_MOST_SERVERS)
        return {int(server["id"]): plain(server["name"], 100) for server in servers}

    async def find(self, token: str, guild_ids: Collection[int]) -> AsyncIterator[Finding]:
        """Yield the findings, the token's first; nothing more if Discord does not accept it."""
        logged_in = await self.log_in(token)
        yield logged_in
        if logged_in.grade is Grade.FAILED:
            return
        for finding in self._check_application():
            yield finding
        for guild_id in guild_ids:
            yield await self._check_guild(guild_id)

    def _check_application(self) -> list[Finding]:
        application = self._client.application
        findings = []
        if application is not None and application.bot_public:
            advice = "Switch Public Bot off in the developer portal (Bot), so that only you can invite it."
            findings.append(Finding(Grade.NOTE, "Anybody may invite this bot", advice))
        if application is not None and application.interactions_endpoint_url:
            advice = "Clear Interactions Endpoint URL in the developer portal (General Information)."
            findings.append(Finding(Grade.FAILED, "Commands go to another address instead of the bot", advice))
        return findings

    async def _check_guild(self, guild_id: int) -> Finding:
        application_id = self._client.application_id
        assert application_id is not None
        try:
            async with asyncio.timeout(self._seconds):
                guild, bot = await fetch_bot_member(self._client, guild_id)
                await self._client.http.get_guild_commands(application_id, guild_id)
        except (discord.Forbidden, discord.NotFound):
            what = f"The bot is not in server {guild_id}, or may not add commands there"
            return Finding(Grade.FAILED, what, "Invite it with the link below.", uninvited=guild_id)
        except DISCORD_ERRORS as error:
            return explain(error, f"Server {guild_id} can't be read")
        if bot.timed_out_until is not None and bot.is_timed_out():
            until = f"{bot.timed_out_until:%Y-%m-%d %H:%M} UTC"
            what = f"The bot is timed out in server {plain(guild.name, 100)} ({guild_id}) until {until}"
            return Finding(Grade.FAILED, what, "Remove the timeout in the bot's menu in the member list.")
        # By its roles, without what single channels change.
        if missing := find_missing(bot.guild_permissions):
            what = f"The bot lacks permissions in server {plain(guild.name, 100)} ({guild_id})"
            advice = f"Grant its role: {missing}. Or invite it again with the link below."
            return Finding(Grade.FAILED, what, advice, uninvited=guild_id)
        return Finding(
            Grade.OK, f"Server {plain(guild.name, 100)} ({guild_id}): the bot is in, with all permissions it needs"
        )
