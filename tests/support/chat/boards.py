"""What the tests of the boards share: using the command, and reading what channels show."""

import discord
import simcord
from aiohttp import web
from simcord.types import HttpLogEntry

from bot.store.boards import Board, get_boards
from tests.support.chat.reminders import posts_in, text_of
from tests.support.world import GUILD_ID, World


async def toggle(world: World, channel: simcord.ChannelHandle | None = None) -> str:
    """Let the manager use the command; returns the answer's text, its title first."""
    target = channel or world.channel
    return text_of(await world.manager.slash(world.channel, "minimax-reminders board", channel=target))


async def stored(world: World) -> list[Board]:
    """Return the boards that the database knows."""
    async with world.database.begin() as tx:
        return await get_boards(tx, [GUILD_ID])


def board_in(channel: simcord.ChannelHandle) -> discord.Message:
    """Return the one message that the bot has in a channel."""
    (post,) = posts_in(channel)
    return post


def delete_board(world: World) -> None:
    """Delete the board's message, as somebody who may."""
    world.env.backend.delete_message(world.channel.id, board_in(world.channel).id)


def shown_in(channel: simcord.ChannelHandle) -> list[str]:
    """Return the lines of the channel's board."""
    return (board_in(channel).embeds[0].description or "").splitlines()


def requests_to(world: World, method: str) -> list[HttpLogEntry]:
    """Return the requests of this method to messages of channels, oldest first."""
    return [
        one
        for one in world.env.http_requests
        if one.method == method and "/messages" in one.path and one.path.startswith("/channels/")
    ]


async def fail(_request: web.Request) -> web.StreamResponse:
    """Answer as the API does when it is down."""
    return web.Response(status=500)
