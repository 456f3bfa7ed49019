"""Tests of reminders that ping a person instead of a role."""

from typing import Any

import discord
import pytest
from simcord.backend import serializers
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType

from bot.core.links import SETUP_GUIDE
from bot.core.subscriptions import Ping, PingKind, Subscription
from bot.core.wording import HOW_TO_RENEW
from bot.errors import OptionIncomplete, PingsBot
from bot.store.subscriptions import get_subscriptions
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import embed_of, message_of
from tests.support.chat.places import dms_of
from tests.support.chat.reminders import add, add_raw, listed, poll_hourly, posts_in, sent_bodies, steer
from tests.support.world import GUILD_ID, World

PRESSED = "I'm on it"


async def stored(world: World) -> list[Subscription]:
    """Return the reminders in the database."""
    async with world.database.begin() as tx:
        return await get_subscriptions(tx, GUILD_ID)


async def test_a_reminder_pings_one_person(world: World) -> None:
    """A reminder pings its person and nobody else; answer, list, upcoming and test name the person."""
    mention = world.member.mention
    assert f"14 days before and on expiry · pings {mention}" in await add(world, "123456", days="14", ping=world.member)
    assert [one.ping for one in await stored(world)] == [Ping(PingKind.MEMBER, world.member.id)]
    assert f"pings {mention}" in await listed(world)
    await world.poll_once()
    (body,) = sent_bodies(world)
    assert body["content"].endswith(mention)
    assert body["allowed_mentions"] == {"parse": [], "users": [world.member.id], "roles": []}
    upcoming = embed_of(await world.manager.slash(world.channel, "minimax-reminders upcoming")).description or ""
    assert f"ping {mention}." in upcoming
    assert f"{mention} is shown but was not pinged." in await steer(world, "test")
    test = sent_bodies(world)[-1]
    assert test["allowed_mentions"] == {"parse": [], "users": [], "roles": []}


async def test_a_role_and_a_person_replace_each_other(world: World) -> None:
    """A change of the ping says what it was; what is left out stays; one press takes the person away."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, ping=role)
    answer = await add(world, ping=world.member)
    assert f"pings {world.member.mention} from 7 days before\nWas: pings {role.mention}\n" in answer
    kept = message_of(await world.manager.slash(world.channel, "minimax-reminders add", account="all"))
    assert f"It still pings {world.member.mention}." in str(kept.embeds[0].description)
    pressed = embed_of(await world.manager.click(kept, label="Ping nobody"))
    assert f"pings nobody\nWas: pings {world.member.mention}" in str(pressed.description)
    assert [one.ping for one in await stored(world)] == [None]


async def test_an_assigned_person_is_pinged_once(world: World) -> None:
    """Whoever is pinged anyway and says "I'm on it" is named once, and told nothing about "instead"."""
    world.api.accounts = by_id(build_account("123456", days=3))
    await add(world, "123456", days="3 1", ping=world.member)
    await world.poll_once()
    pressed = await world.member.click(posts_in(world.channel)[0], label=PRESSED)
    assert pressed.followups[0].content == (
        "You're on it. I check every 30 seconds for the next 20 minutes; the message turns green by itself. "
        "The next reminders ping you. Press again to hand it back.\n"
        f"-# {HOW_TO_RENEW}, or [by hand](<{SETUP_GUIDE}>)."
    )
    await world.env.advance_time(2.5 * 86_400)
    await world.poll_once()
    body = sent_bodies(world)[-1]
    assert body["content"].count(world.member.mention) == 1
    assert body["allowed_mentions"]["users"] == [world.member.id]
    back = await world.member.click(posts_in(world.channel)[-1], label=PRESSED)
    assert back.followups[0].content.endswith(f"The next reminders ping {world.member.mention} again.")


async def test_another_person_is_pinged_instead(world: World) -> None:
    """A person who is on it is pinged instead of the reminder's person, as instead of a role."""
    world.api.accounts = by_id(build_account("123456", days=6))
    await add(world, "123456", days="6 3", ping=world.member)
    await world.poll_once()
    pressed = await world.manager.click(posts_in(world.channel)[0], label=PRESSED)
    assert f"ping you instead of {world.member.mention}." in pressed.followups[0].content
    await world.env.advance_time(3.5 * 86_400)
    await world.poll_once()
    assert sent_bodies(world)[-1]["allowed_mentions"]["users"] == [world.manager.id]


async def test_refuses_a_bot(world: World) -> None:
    """No bot can be pinged, not even this one."""
    robot = world.env.guild.add_member(world.env.create_user("robot", bot=True))
    assert (await add(world, ping=robot)).startswith(PingsBot.title)
    assert await stored(world) == []


@pytest.mark.parametrize("named", [True, False])
async def test_refuses_a_person_who_cannot_see_the_channel(world: World, *, named: bool) -> None:
    """A person who may not see the channel is refused: the ping would reach nobody."""
    hidden = discord.PermissionOverwrite(view_channel=False)
    target = world.env.guild.create_text_channel("target", overwrites={world.member: hidden})
    place: dict[str, Any] = {"channel": target} if named else {}
    if not named:
        world.channel = target
    answer = await add(world, ping=world.member, **place)
    assert answer.startswith("noah can't see #target\nA ping there would reach nobody.")
    assert await stored(world) == []
    assert (await add(world, ping=world.manager, **place)).startswith("Reminder added")


async def test_refuses_somebody_who_is_not_in_the_server(world: World) -> None:
    """A user of Discord who is no member can't be pinged."""
    stranger = world.env.create_user("stranger")
    user = dict(serializers.user_payload(world.env.backend.get_user(stranger.id)))
    answer = await add_raw(world, {"users": {str(stranger.id): user}}, ping=(9, str(stranger.id)))
    assert answer.startswith("stranger isn't in this server\n")
    assert await stored(world) == []


@pytest.mark.parametrize("value", ["1", "0", "9" * 20])
async def test_somebody_unknown_is_answered(world: World, value: str) -> None:
    """An id that Discord names neither a role nor a person for is refused in words."""
    assert (await add_raw(world, {}, ping=(9, value))).startswith(OptionIncomplete.title)
    assert await stored(world) == []


async def test_a_command_of_the_version_before_still_works(world: World) -> None:
    """An app that still shows the option as one for roles alone adds a reminder that pings the role."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    payload = serializers.role_payload(world.env.backend.get_guild(GUILD_ID).roles[role.id])
    resolved = {"roles": {str(role.id): dict(payload)}}
    assert (await add_raw(world, resolved, ping=(8, str(role.id)))).startswith("Reminder added\n")
    assert [one.ping for one in await stored(world)] == [Ping(PingKind.ROLE, role.id)]


@pytest.mark.parametrize("why", ["left", "hidden"])
async def test_a_daily_check_finds_a_person_who_is_not_reached(world: World, why: str) -> None:
    """The adder is informed that a person has left or can't see the channel; the reminder itself is still sent."""
    world.api.accounts = by_id(build_account("9", days=16))
    await add(world, "9", ping=world.member)
    await world.poll_once()
    if why == "left":
        world.env.backend.remove_member(GUILD_ID, world.member.id)
        problem = "the person to ping has left the server"
    else:
        view = discord.Permissions(view_channel=True).value
        world.env.backend.set_overwrite(world.channel.id, Overwrite(world.member.id, OverwriteType.MEMBER, deny=view))
        problem = "the person to ping can't see the channel"
    await poll_hourly(world, 26)
    (message,) = dms_of(world)
    assert f"{problem}, so nobody would be pinged" in message
    await world.env.advance_time(86_400)
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1
