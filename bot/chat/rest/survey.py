"""`check`'s questions to Discord, over REST only: the token, each listed server, and the bot's rights there."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import discord

from bot.core.text import plain

NEEDED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    read_message_history=True,
)
SCOPES = ("bot", "applications.commands")
_TROUBLE = (discord.DiscordException, aiohttp.ClientError, OSError)
_OTHER_REASON = "See that this machine has a network and that Discord is up, then try again."


class Grade(StrEnum):
    """How a finding is to be taken."""

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
    """Return the link that invites the bot with the fewest rights it needs."""
    guild = discord.utils.MISSING if guild_id is None else discord.Object(guild_id)
    return discord.utils.oauth_url(application_id, permissions=NEEDED, guild=guild, scopes=SCOPES)


class Survey:
    """Logs in over REST and looks around."""

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
        except _TROUBLE as error:
            yield Finding(Grade.FAILED, f"Discord can't be reached ({type(error).__name__})", _OTHER_REASON)
            return
        yield Finding(Grade.OK, f"Discord knows the bot as {plain(str(self._client.user), 100)}")
        for finding in self._look_at_application():
            yield finding
        for guild_id in guild_ids:
            yield await self._look_at_guild(guild_id)

    def _look_at_application(self) -> list[Finding]:
        application = self._client.application
        findings = []
        if application is not None and application.bot_public:
            advice = "Switch Public Bot off in the developer portal (Bot), so that only you can invite it."
            findings.append(Finding(Grade.NOTE, "Anybody may invite this bot", advice))
        if application is not None and application.interactions_endpoint_url:
            advice = "Clear Interactions Endpoint URL in the developer portal (General Information)."
            findings.append(Finding(Grade.FAILED, "Commands go to another address instead of the bot", advice))
        return findings

    async def _look_at_guild(self, guild_id: int) -> Finding:
        application_id = self._client.application_id
        assert application_id is not None
        invite = f"Invite it: {build_invite(application_id, guild_id)}"
        try:
            guild = await self._client.fetch_guild(guild_id, with_counts=False)
            await self._client.http.get_guild_commands(application_id, guild_id)
            rights = await self._fetch_rights(guild)
        except (discord.Forbidden, discord.NotFound):
            return Finding(Grade.FAILED, f"The bot is not in server {guild_id}, or may not add commands there", invite)
        except _TROUBLE as error:
            return Finding(Grade.FAILED, f"Server {guild_id} can't be read ({type(error).__name__})", _OTHER_REASON)
        missing = [name.replace("_", " ") for name, needed in NEEDED if needed and not getattr(rights, name)]
        if missing:
            advice = (
                f"Grant its role: {', '.join(missing)}. Or invite it again: {build_invite(application_id, guild_id)}"
            )
            return Finding(
                Grade.FAILED, f"The bot lacks rights in server {plain(guild.name, 100)} ({guild_id})", advice
            )
        return Finding(
            Grade.OK, f"Server {plain(guild.name, 100)} ({guild_id}): the bot is in, with all rights it needs"
        )

    async def _fetch_rights(self, guild: discord.Guild) -> discord.Permissions:
        """Return the bot's rights by its roles; what single channels change is not looked at."""
        assert self._client.user is not None
        member = await guild.fetch_member(self._client.user.id)
        return member.guild_permissions
