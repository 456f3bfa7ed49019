"""Tests of options about which Discord says little: it may describe a channel, a role or a person only in part."""

from typing import Any

import discord
import pytest
from simcord.backend import serializers

from bot.core.subscriptions import Ping, PingKind
from bot.errors import OptionIncomplete, WrongChannelKind
from bot.store.subscriptions import get_subscriptions
from tests.support.chat.places import thread_in
from tests.support.chat.reminders import add_raw
from tests.support.world import GUILD_ID, World

ROLE, CHANNEL, MENTIONABLE = 8, 7, 9
TEXT, THREAD, LATER_KIND = 0, 11, 99
EVERYTHING = str(2**53 - 1)


async def add_to(world: World, channel_id: int, **fields: Any) -> str:
    """Let the manager add a reminder to a channel of which Discord sends these fields; return the answer's text."""
    resolved = {"channels": {str(channel_id): {"id": str(channel_id), **fields}}}
    return await add_raw(world, resolved, channel=(CHANNEL, str(channel_id)))


async def destinations(world: World) -> list[tuple[int, Ping | None]]:
    """Return the channels and pings of the saved reminders."""
    async with world.database.begin() as tx:
        return [(one.channel_id, one.ping) for one in await get_subscriptions(tx, GUILD_ID)]


@pytest.mark.parametrize("metadata", [{}, {"thread_metadata": {"archived": False}}])
async def test_a_thread_with_few_fields_gets_reminders(world: World, metadata: dict[str, Any]) -> None:
    """A thread needs neither a name nor its parent, its owner and its numbers of members and messages."""
    thread = thread_in(world, world.env.guild.create_text_channel("above"), discord.ChannelType.public_thread)
    answer = await add_to(world, thread.id, type=THREAD, permissions=EVERYTHING, **metadata)
    assert answer.startswith("Reminder added\n")
    assert await destinations(world) == [(thread.id, None)]


@pytest.mark.parametrize("more", [{}, {"parent_id": None, "thread_metadata": None}])
async def test_a_channel_without_a_name_gets_reminders(world: World, more: dict[str, Any]) -> None:
    """A channel of which Discord sends the type and the user's permissions alone, or else null, gets reminders."""
    target = world.env.guild.create_text_channel("target")
    answer = await add_to(world, target.id, type=TEXT, permissions=EVERYTHING, **more)
    assert answer.startswith("Reminder added\n")
    assert await destinations(world) == [(target.id, None)]


@pytest.mark.parametrize("fields", [{}, {"type": TEXT}, {"permissions": EVERYTHING}, {"type": THREAD}])
async def test_a_channel_without_what_matters_is_refused_in_words(world: World, fields: dict[str, Any]) -> None:
    """Without its type, or the permissions of the user, nobody can say whether a channel may get reminders."""
    target = world.env.guild.create_text_channel("target")
    assert (await add_to(world, target.id, **fields)).startswith(f"{OptionIncomplete.title}\n")
    assert await destinations(world) == []


async def test_a_channel_that_is_not_described_is_refused_in_words(world: World) -> None:
    """A channel of which Discord sends the id alone is refused as one with too few fields."""
    assert (await add_raw(world, {}, channel=(CHANNEL, str(world.channel.id)))).startswith(OptionIncomplete.title)
    assert await destinations(world) == []


async def test_a_channel_of_a_later_kind_is_refused_in_words(world: World) -> None:
    """A channel of a kind that the bot does not know yet can't get reminders."""
    answer = await add_to(world, world.channel.id, type=LATER_KIND, permissions=EVERYTHING)
    assert answer.startswith(f"{WrongChannelKind.title}\n")


@pytest.mark.parametrize("kind", [ROLE, MENTIONABLE])
async def test_a_role_with_few_fields_is_pinged(world: World, kind: int) -> None:
    """A role needs no name and no colour to be pinged."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    answer = await add_raw(world, {"roles": {str(role.id): {"mentionable": True}}}, ping=(kind, str(role.id)))
    assert answer.startswith("Reminder added\n")
    assert await destinations(world) == [(world.channel.id, Ping(PingKind.ROLE, role.id))]


async def test_a_person_with_few_fields_is_pinged(world: World) -> None:
    """A member of whom Discord sends the roles and the permissions alone is pinged."""
    person = str(world.member.id)
    member = {"roles": [], "permissions": EVERYTHING}
    answer = await add_raw(world, {"users": {person: {}}, "members": {person: member}}, ping=(MENTIONABLE, person))
    assert answer.startswith("Reminder added\n")
    assert await destinations(world) == [(world.channel.id, Ping(PingKind.MEMBER, world.member.id))]


async def test_a_person_without_roles_is_refused_in_words(world: World) -> None:
    """Without the roles of a member, nobody can say which channels the person sees."""
    person = world.member.id
    user = dict(serializers.user_payload(world.env.backend.get_user(person)))
    resolved = {"users": {str(person): user}, "members": {str(person): {"permissions": EVERYTHING}}}
    assert (await add_raw(world, resolved, ping=(MENTIONABLE, str(person)))).startswith(OptionIncomplete.title)
    assert await destinations(world) == []
