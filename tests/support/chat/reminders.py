"""Uses the commands of the reminders, polls, and reads what channels show."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import discord
import simcord
import sqlalchemy as sa
from simcord.interactions import base_payload, nest_options
from simcord.results import InteractionResult

from bot.core.links import message_link
from bot.store.tables import notifications
from tests.support.accounts import START
from tests.support.chat.answers import embed_of, text_of
from tests.support.world import GUILD_ID, World

WITHOUT_FOLLOW_UPS = {"follow-ups": "no"}
DAY = 86_400.0
HOUR = 3_600.0
# How a line about what somebody has changed begins.
_CHANGE = "-# <@"


async def add(world: World, account: str = "all", **options: Any) -> str:
    """Let the manager add a reminder; return the answer's text, its title first."""
    return text_of(await world.manager.slash(world.channel, "minimax-reminders add", account=account, **options))


async def use_raw(
    world: World, command: str, options: Mapping[str, tuple[int, str]], resolved: Mapping[str, Any], *, times: int = 1
) -> list[str]:
    """Let the manager use a subcommand as an app of Discord sends it, several times at once; return the answers' texts.

    `options` holds types and values, `resolved` what Discord adds about the channels, roles and people among them.
    """
    env, (group, name) = world.env, command.split()
    (root,) = (dict(one) for one in env.backend.commands[GUILD_ID].values() if one["name"] == group)
    parts = [{"name": key, "type": kind, "value": value} for key, (kind, value) in options.items()]
    data = {"id": root["id"], "name": group, "type": 1, "guild_id": str(GUILD_ID), "resolved": resolved}
    data["options"] = nest_options(root, [name], parts)
    before = len(env.http_requests)
    for _ in range(times):
        _, payload = base_payload(
            env.backend, type=2, channel_id=world.channel.id, guild_id=GUILD_ID, user_id=world.manager.id, data=data
        )
        env.backend.emit("INTERACTION_CREATE", payload)
    await env.settle()
    bodies = [one.json for one in env.http_requests[before:] if one.path.endswith("/callback") and one.json]
    embeds = [embed for body in bodies for embed in body["data"]["embeds"][:1]]
    return [f"{embed['title']}\n{embed['description']}" for embed in embeds]


async def add_raw(world: World, resolved: Mapping[str, Any], **options: tuple[int, str]) -> str:
    """Let the manager add a reminder as an app of Discord sends it; return the answer's text, its title first."""
    (answer,) = await use_raw(world, "minimax-reminders add", {"account": (3, "all"), **options}, resolved)
    return answer


async def steer(world: World, command: str, reminder: str = "1") -> str:
    """Let the manager pause, resume, test or remove a reminder; return the answer's text, its title first."""
    return text_of(await world.manager.slash(world.channel, f"minimax-reminders {command}", reminder=reminder))


async def show_list(world: World) -> InteractionResult:
    """Let the manager list the reminders."""
    return await world.manager.slash(world.channel, "minimax-reminders list")


async def listed(world: World) -> str:
    """Return the text of the list of reminders."""
    return embed_of(await show_list(world)).description or ""


async def poll_for(world: World, days: float, *, every: float = DAY) -> None:
    """Let days pass, with a poll after each step of so many seconds."""
    for _ in range(round(days * DAY / every)):
        await world.env.advance_time(every)
        await world.poll_once()


async def poll_hourly(world: World, hours: int) -> None:
    """Poll now and then once an hour."""
    for _ in range(hours):
        await world.poll_once()
        await world.env.advance_time(HOUR)


def posts_in(channel: simcord.ChannelHandle) -> list[discord.Message]:
    """Return the bot's messages in a channel that everybody sees, oldest first, without those about changes."""
    return [message for message in _public_in(channel) if not message.content.startswith(_CHANGE)]


def changes_in(channel: simcord.ChannelHandle) -> list[discord.Message]:
    """Return the bot's messages in a channel about what people have changed, oldest first."""
    return [message for message in _public_in(channel) if message.content.startswith(_CHANGE)]


def _public_in(channel: simcord.ChannelHandle) -> list[discord.Message]:
    return [message for message in channel.history() if message.author.bot and not message.flags.ephemeral]


def contents_in(channel: simcord.ChannelHandle) -> list[str]:
    """Return the sentences of the reminders in a channel as they are now, oldest first."""
    return [message.content for message in posts_in(channel)]


def sent_contents(world: World, channel: simcord.ChannelHandle | None = None) -> list[str]:
    """Return the sentences of the reminders in a channel (default: the world's) as they were sent, oldest first."""
    return [body["content"] for body in sent_bodies(world, channel)]


def sent_bodies(world: World, channel: simcord.ChannelHandle | None = None) -> Sequence[dict[str, Any]]:
    """Return what the bot asked Discord to post in a channel (default: the world's), oldest first, without changes."""
    path = f"/channels/{(channel or world.channel).id}/messages"
    posted = [one.json for one in world.env.http_requests if (one.method, one.path) == ("POST", path) and one.json]
    return [body for body in posted if not body["content"].startswith(_CHANGE)]


async def count_notifications(world: World) -> int:
    """Return how many notifications the database has, in whatever state."""
    async with world.database.begin() as tx:
        return int((await tx.execute(sa.select(sa.func.count()).select_from(notifications))).scalar_one())


def _bold(name: str) -> str:
    """Return a name in bold, also one that its id follows: "Sam Reed `234567`"."""
    name, mark, shown_id = name.partition(" `")
    return f"**{name}**{mark}{shown_id}"


def say_expiring(name: str, left: str) -> str:
    """Return the sentence of a reminder about a login with so much time left."""
    return f"⏰ {_bold(name)}: MiniMax login expires within {left}."


def say_expired(name: str, *, still: bool = False) -> str:
    """Return the sentence of a reminder about a login that has expired, or of its follow-up."""
    state = "is still expired" if still else "has expired"
    return f"🔴 {_bold(name)}: MiniMax login {state}. Jobs on this account fail until it is renewed."


def say_renewed(name: str, days: float) -> str:
    """Return the news that a login is renewed, and expires so many days after the start."""
    expires_at = round((START + timedelta(days=days)).timestamp())
    return f"✅ {_bold(name)}: MiniMax login renewed, valid until <t:{expires_at}:D>."


def fold(name: str, newer: discord.Message, outcome: str = "", *, guild_id: int = GUILD_ID) -> str:
    """Return the line to which a reminder folds once there is a newer message: replaced by it, or an outcome."""
    link = message_link(guild_id, newer.channel.id, newer.id)
    return (
        f"-# ✅ {_bold(name)}: [{outcome}]({link})"
        if outcome
        else f"-# ↪️ {name}: replaced by a [newer reminder]({link})"
    )
