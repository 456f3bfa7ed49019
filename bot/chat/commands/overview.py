"""`/minimax-accounts`: all accounts of the server's token, soonest expiry first."""

from typing import Any, Literal

import discord
from discord import app_commands

from bot.chat.commands.account import LookUps
from bot.chat.commands.services import Services
from bot.chat.gateway.responder import Interaction, NewMessage, Reply, SameMessage, Surface
from bot.chat.views.overview import list_reply
from bot.errors import StaleButton
from bot.reminders.overview import Overview, build_overview
from bot.store.subscriptions import get_subscriptions


class OverviewCommands:
    """Shows all accounts at once, and opens the card of one."""

    def __init__(self, services: Services, look_ups: LookUps) -> None:
        self._services = services
        self._look_ups = look_ups

    async def show(self, interaction: Interaction, *, share: bool) -> None:
        """Answer with the first page."""
        await self._answer(interaction, 0, NewMessage(interaction, share=share))

    async def turn_to(self, interaction: Interaction, page: int, surface: Surface) -> None:
        """Show another page."""
        await self._answer(interaction, page, surface)

    async def refresh(self, interaction: Interaction, page: int) -> None:
        """Read the accounts past every cache and renew the page in place."""
        await self._answer(interaction, page, SameMessage(interaction), fresh=True)

    async def open_account(self, interaction: Interaction, account_id: str | None) -> None:
        """Show the card of an account to the asker alone; None stands for one that was not on offer."""
        if account_id is None:
            await self._services.responder.refuse(interaction, StaleButton("not on offer"))
            return
        await self._look_ups.look_up(interaction, account_id, share=False)

    async def _answer(self, interaction: Interaction, page: int, surface: Surface, *, fresh: bool = False) -> None:
        async def work() -> Reply:
            guild_id = self._services.server_of(interaction)
            overview = await read_overview(self._services, guild_id, fresh=fresh)
            return list_reply(overview, page, self._services.now())

        await self._services.responder.answer(interaction, surface, work)


async def read_overview(services: Services, guild_id: int, *, fresh: bool) -> Overview:
    """Read all accounts of a server; an answer up to 15 seconds old will do, unless it is to be `fresh`.

    Raises:
        BotError: they can't be read.
    """
    readings = (await services.guild_access.directory_for(guild_id).read_all(fresh=fresh)).values()
    async with services.database.begin() as tx:
        subscriptions = await get_subscriptions(tx, guild_id)
    read_at = min((reading.read_at for reading in readings), default=services.now())
    return build_overview((reading.account for reading in readings), subscriptions, read_at)


def build_overview_command(overview: OverviewCommands) -> app_commands.Command[Any, Any, None]:
    """Return the command; who may use it is up to Discord and the server's admins."""

    @app_commands.command(name="minimax-accounts", description="Show all MiniMax accounts, soonest expiry first")
    @app_commands.describe(share="Show the answer to everyone in this channel (default: no)")
    @app_commands.default_permissions(manage_guild=True)
    async def minimax_accounts(interaction: discord.Interaction[Any], share: Literal["yes", "no"] = "no") -> None:
        await overview.show(interaction, share=share == "yes")

    return minimax_accounts
