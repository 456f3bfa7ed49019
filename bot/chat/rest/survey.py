"""`check`'s questions to Discord, over REST only: the token, each listed server, and the bot's permissions there."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from enum import StrEnum

import discord

from bot.chat.rest.failures import DISCORD_ERRORS
from bot.chat.rest.permissions import INVITED, fetch_bot_member, find_missing
from bot.core.text import plain

SCOPES = ("bot", "applications.commands")
_OTHER_REASON = "Check that this machine has a network and that Discord is up, then try again."


class Grade(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    NOTE = "note"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, and what to do about it."""

    grade: Grade
    what: str
    advice: str = ""


def build_invite(application_id: int, guild_id: int | None = None) -> str:
    """Return the link that invites the bot with the fewest permissions it needs."""
    guild = discord.utils.MISSING if guild_id is None else discord.Object(guild_id)
    return discord.utils.oauth_url(application_id, permissions=INVITED, guild=guild, scopes=SCOPES)


class Survey:
    """Logs in over REST and looks at the application and its servers."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def find(self, token: str, guild_ids: Collection[int]) -> AsyncIterator[Finding]:
        """Yield the findings, the token's first; nothing more if Discord does not accept it."""
        try:
            await self._client.login(token)
        except discord.LoginFailure:
            yield Finding(
                Grade.FAILED,
                "Discord refused DISCORD_TOKEN",
                "Reset the token in the developer portal (Bot > Reset Token) and paste the new one.",
            )
            return
        except DISCORD_ERRORS as error:
            yield Finding(Grade.FAILED, f"Discord can't be reached ({type(error).__name__})", _OTHER_REASON)
            return
        yield Finding(Grade.OK, f"Discord knows the bot as {plain(str(self._client.user), 100)}")
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
        invite = f"Invite it: {build_invite(application_id, guild_id)}"
        try:
            guild, bot = await fetch_bot_member(self._client, guild_id)
            await self._client.http.get_guild_commands(application_id, guild_id)
        except (discord.Forbidden, discord.NotFound):
            return Finding(Grade.FAILED, f"The bot is not in server {guild_id}, or may not add commands there", invite)
        except DISCORD_ERRORS as error:
            return Finding(Grade.FAILED, f"Server {guild_id} can't be read ({type(error).__name__})", _OTHER_REASON)
        # By its roles, without what single channels change.
        if missing := find_missing(bot.guild_permissions):
            advice = f"Grant its role: {missing}. Or invite it again: {build_invite(application_id, guild_id)}"
            return Finding(
                Grade.FAILED, f"The bot lacks permissions in server {plain(guild.name, 100)} ({guild_id})", advice
            )
        return Finding(
            Grade.OK, f"Server {plain(guild.name, 100)} ({guild_id}): the bot is in, with all permissions it needs"
        )
