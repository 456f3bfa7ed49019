"""`/minimax-board`: a live overview of all accounts in a channel."""

from typing import Any

import discord
from discord import app_commands

from bot.chat.commands.overview import read_overview
from bot.chat.gateway.responder import Responder, responds
from bot.chat.rest.permissions import Channel, Destinations, PostableChannel
from bot.chat.views.board_answers import (
    coming_reply,
    missing_reply,
    posted_reply,
    present_reply,
    removed_reply,
    stopped_reply,
)
from bot.chat.views.components import Reply
from bot.core.boards import Board
from bot.errors import BoardRefused
from bot.reminders.boards import Boards
from bot.reminders.context import Context, Refused, Uncertain
from bot.store.boards import get_board, get_boards

_PostableChannel = app_commands.Transform[Channel, PostableChannel]


class BoardCommands(
    app_commands.Group,
    name="minimax-board",
    description="A live overview of all MiniMax accounts in a channel",
    default_permissions=discord.Permissions(manage_guild=True),
):
    """The command group."""

    def __init__(self, context: Context, responder: Responder, *, destinations: Destinations, boards: Boards) -> None:
        super().__init__()
        self.context, self.responder = context, responder
        self._destinations, self._boards = destinations, boards

    @app_commands.command(name="add", description="Post a live overview in a channel")
    @app_commands.describe(channel="Channel for the board (default: this one)")
    @responds
    async def add(self, interaction: discord.Interaction[Any], channel: _PostableChannel | None = None) -> Reply:
        """Post a board in a channel; one that is there already stays."""
        guild_id = self.context.access.guild_of(interaction.guild_id)
        destination = await self._destinations.choose(interaction, channel)
        async with self.context.database.begin() as tx:
            present = await get_board(tx, guild_id, destination.channel_id)
        if present is not None:
            return present_reply(present)
        overview = await read_overview(self.context, interaction)
        board = Board(guild_id, destination.channel_id, interaction.user.id)
        try:
            is_new = await self._boards.add(board, overview)
        except Refused as refusal:
            raise BoardRefused(str(refusal)) from None
        except Uncertain:
            self.context.poll_requested.set()
            return coming_reply(board)
        async with self.context.database.begin() as tx:
            present = await get_board(tx, guild_id, destination.channel_id) or board
        return posted_reply(present) if is_new else present_reply(present)

    @app_commands.command(name="remove", description="Delete the live overview of a channel")
    @app_commands.describe(channel="Channel of the board (default: this one)")
    @responds
    async def remove(self, interaction: discord.Interaction[Any], channel: _PostableChannel | None = None) -> Reply:
        """Delete a channel's board and its message."""
        guild_id = self.context.access.guild_of(interaction.guild_id)
        channel_id = channel.id if channel is not None else interaction.channel_id or 0
        try:
            if await self._boards.remove(guild_id, channel_id):
                return removed_reply(channel_id)
        except (Refused, Uncertain) as error:
            return stopped_reply(channel_id, str(error))
        async with self.context.database.begin() as tx:
            return missing_reply(channel_id, await get_boards(tx, [guild_id]))
