"""Accounts for lists and boards, the command of the boards, and what channels show of them."""

from typing import Any

import discord
import simcord
from simcord.types import HttpLogEntry

from bot.core.boards import Board
from bot.core.messages import Message
from bot.store.boards import get_boards
from bot.store.messages import get_board_message
from tests.support.accounts import build_account
from tests.support.chat.answers import text_of
from tests.support.chat.links import as_written
from tests.support.chat.reminders import posts_in
from tests.support.world import GUILD_ID, World


async def add_board(world: World, channel: simcord.ChannelHandle | None = None) -> str:
    """Let the manager add a board; return the answer's text, its title first."""
    target = channel or world.channel
    return text_of(await world.manager.slash(world.channel, "minimax-board add", channel=target))


async def remove_board(world: World, channel: simcord.ChannelHandle | None = None) -> str:
    """Let the manager remove a board; return the answer's text, its title first."""
    target = channel or world.channel
    return text_of(await world.manager.slash(world.channel, "minimax-board remove", channel=target))


async def stored_boards(world: World) -> list[Board]:
    """Return the boards in the database."""
    async with world.database.begin() as tx:
        return await get_boards(tx, [GUILD_ID])


async def stored_message(world: World, channel: simcord.ChannelHandle | None = None) -> Message | None:
    """Return the message of a channel's board in the database."""
    async with world.database.begin() as tx:
        return await get_board_message(tx, GUILD_ID, (channel or world.channel).id)


def board_in(channel: simcord.ChannelHandle) -> discord.Message:
    """Return the one message that the bot has in a channel."""
    (post,) = posts_in(channel)
    return post


def delete_board(world: World) -> None:
    """Delete the board's message, as a moderator does."""
    world.env.backend.delete_message(world.channel.id, board_in(world.channel).id)


def lines_in(channel: simcord.ChannelHandle) -> list[str]:
    """Return the lines of the channel's board."""
    return as_written(board_in(channel).embeds[0].description or "").splitlines()


def requests_to(world: World, method: str) -> list[HttpLogEntry]:
    """Return the requests of this method to messages of channels, oldest first."""
    return [
        one
        for one in world.env.http_requests
        if one.method == method and "/messages" in one.path and one.path.startswith("/channels/")
    ]


def many_accounts(count: int) -> dict[str, Any]:
    """Return so many accounts, a day between their expiries."""
    return {f"{n:03}": build_account(f"{n:03}", f"User {n}", days=n) for n in range(1, count + 1)}
