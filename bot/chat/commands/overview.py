"""`/minimax-overview`: all accounts, most urgent first; the same as a board that a channel keeps."""

from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.gateway.responder import Interaction, Responder, responds
from bot.chat.gateway.router import component, page_of
from bot.chat.views.components import Reply
from bot.chat.views.overview import overview_reply
from bot.core.jobs import has_failing_jobs
from bot.core.messages import footer_id_of
from bot.core.overview import Overview, build_overview
from bot.errors import StaleBoard
from bot.reminders.concurrency import aside
from bot.reminders.context import Context
from bot.store.boards import get_board, set_digest
from bot.store.incidents import get_failing
from bot.store.messages import get_message
from bot.store.subscriptions import get_subscriptions


class OverviewCommands(commands.Cog):
    """The command, its buttons, and those of boards. Everybody who sees the message may press them."""

    def __init__(self, context: Context, responder: Responder) -> None:
        self.context, self.responder = context, responder

    @app_commands.command(name="minimax-overview", description="Show all MiniMax accounts, most urgent first")
    @app_commands.describe(share="Post the answer for everyone in this channel (default: no)")
    @app_commands.default_permissions(manage_guild=True)
    @responds
    async def minimax_overview(
        self,
        interaction: discord.Interaction[Any],
        share: Literal["yes", "no"] = "no",  # noqa: ARG002  (read by the decorator)
    ) -> Reply:
        """Show the first page."""
        return overview_reply(await read_overview(self.context, interaction), 0, self.context.now())

    @component("page:accounts", in_place=True)
    async def turn(self, interaction: Interaction, page: str) -> Reply:
        """Show another page."""
        return overview_reply(await read_overview(self.context, interaction), page_of(page), self.context.now())

    @component("accounts", in_place=True)
    async def refresh(self, interaction: Interaction, page: str) -> Reply:
        """Read the accounts without the cache and refresh the page."""
        return overview_reply(
            await read_overview(self.context, interaction, fresh=True), page_of(page), self.context.now()
        )

    @component("board", in_place=True, is_bare=True)
    async def refresh_board(self, interaction: Interaction, _rest: str) -> Reply:
        """Read the accounts without the cache and refresh the board."""
        guild_id = self.context.access.guild_of(interaction.guild_id)
        assert interaction.message is not None
        async with self.context.database.begin() as tx:
            board = await get_board(tx, guild_id, interaction.channel_id or 0)
            message = await get_message(tx, guild_id, interaction.message.id)
        if board is None or message is None or board.message_id != message.id:
            raise StaleBoard("no such board")
        overview = await read_overview(self.context, interaction, fresh=True)
        outgoing, digest = self.context.rendering.render_board(
            overview, footer_id_of(message.nonce), self.context.now()
        )
        if digest != board.digest:
            # Discord may not take this edit, so the next poll makes it again.
            async with self.context.database.begin() as tx:
                await set_digest(tx, message.id, None)
        return Reply.of(outgoing)


async def read_overview(context: Context, interaction: Interaction, *, fresh: bool = False) -> Overview:
    """Read all accounts, without the cache if `fresh`, and return the overview of the interaction's server."""
    guild_id = context.access.guild_of(interaction.guild_id)
    directory = context.access.directory_for(guild_id)
    snapshots = (await directory.read_all(fresh=fresh)).values()
    async with context.database.begin() as tx:
        subscriptions = await get_subscriptions(tx, guild_id)
        failed = await get_failing(tx)
    read_at = min((one.read_at for one in snapshots), default=context.now())
    accounts, now = [one.account for one in snapshots], context.now()

    def build() -> Overview:
        failing = {
            one.id
            for one in accounts
            if has_failing_jobs(directory.usage.jobs_of(one.id), one.issued_at, now, has_incident=one.id in failed)
        }
        return build_overview(accounts, subscriptions, read_at, now, failing=failing)

    return await aside(len(accounts), build)
