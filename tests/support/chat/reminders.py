"""What the tests of the reminders share: using the commands, and reading what they say."""

from typing import Any

import discord
import simcord
from aiohttp import web
from simcord.results import InteractionResult

from tests.chat.test_lookup import card_of
from tests.support.world import World

DAY = 86_400.0


async def add(world: World, account: str = "all", **options: Any) -> str:
    """Let the manager add a watch; returns the answer's text, its title first."""
    return text_of(await world.manager.slash(world.channel, "minimax-reminders add", account=account, **options))


async def show(world: World) -> InteractionResult:
    """Let the manager list the watches."""
    return await world.manager.slash(world.channel, "minimax-reminders list")


async def remove(world: World, subscription: str) -> str:
    """Let the manager remove a watch."""
    return text_of(await world.manager.slash(world.channel, "minimax-reminders remove", subscription=subscription))


def text_of(result: InteractionResult) -> str:
    """Return the title and the text of a private answer."""
    assert result.ephemeral
    card = card_of(result)
    return f"{card.title}\n{card.description}"


def posts_in(channel: simcord.ChannelHandle) -> list[discord.Message]:
    """Return the reminders in a channel, oldest first."""
    return [message for message in channel.history() if message.author.bot and not message.flags.ephemeral]


def said_in(channel: simcord.ChannelHandle) -> list[str]:
    """Return the sentences of the reminders in a channel, oldest first."""
    return [message.content for message in posts_in(channel)]


def posted_in(world: World) -> list[str]:
    """Return the sentences of the reminders in the world's channel as they were when they came, oldest first."""
    path = f"/channels/{world.channel.id}/messages"
    return [
        one.json["content"] for one in world.env.http_requests if (one.method, one.path) == ("POST", path) and one.json
    ]


async def be_busy(_request: web.Request) -> web.StreamResponse:
    """Answer as the API does when it is asked too often, which is not tried again at once."""
    return web.Response(status=429)
