"""Tests of *I'm on it*: who takes a reminder on, and whom the later ones mention."""

import discord
import pytest
import simcord
from simcord.results import ResponseMessage

from tests.support.chat.reminders import DAY, add, sent_contents, posts_in, text_of
from tests.support.world import World, account


@pytest.fixture
async def reminder(world: World) -> discord.Message:
    """Return a reminder of one account, which mentions a role."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "123456", mention=role)
    await world.poll_once()
    return posts_in(world.channel)[0]


def taken_by(message: discord.Message | ResponseMessage) -> list[str]:
    """Return the lines in a message that say who is on it."""
    return [line for card in message.embeds for line in (card.description or "").splitlines() if "is on it" in line]


async def take(member: simcord.MemberActor, message: discord.Message) -> ResponseMessage:
    """Press the button; returns the message as it is then."""
    result = await member.click(message, label="I'm on it")
    assert result.response is not None
    return result.response


async def test_shows_who_is_on_it(world: World, reminder: discord.Message) -> None:
    """Whoever sees a reminder can take it on; the message says who and since when, and keeps its words and buttons."""
    after = await take(world.member, reminder)
    assert taken_by(after) == [f"🙋 {world.member.mention} is on it, since <t:1767225600:R>."]
    assert after.content == "⏰ MiniMax login Jane Doe (123456) expires in 12 days."
    assert len(posts_in(world.channel)) == 1


async def test_the_same_person_gives_it_back(world: World, reminder: discord.Message) -> None:
    """A second press of the same person leaves it free, one of another person's takes it over; also after a restart."""
    await take(world.member, reminder)
    await world.restart()
    assert taken_by(await take(world.manager, reminder))[0].startswith(f"🙋 {world.manager.mention}")
    assert taken_by(await take(world.manager, reminder)) == []


async def test_it_is_for_all_open_accounts_of_the_message(world: World) -> None:
    """One press takes on every account of the message that is still open."""
    await add(world)
    await world.poll_once()
    (message,) = posts_in(world.channel)
    world.standin.accounts["345678"] = account("345678", "Sam Reed", days=60)
    await world.poll_once()
    assert len(taken_by(await take(world.member, message))) == 2


async def test_later_reminders_mention_that_person(world: World, reminder: discord.Message) -> None:
    """A later step mentions who is on it instead of the role; from the last day on it mentions both."""
    await take(world.member, reminder)
    await world.restart()
    role = world.env.guild.roles["Ops"]
    for days in (5, 4, 2, 1):
        await world.env.advance_time(days * DAY)
        await world.poll_once()
    mentions = [content.partition(". ")[2] for content in sent_contents(world)]
    both = f"{role.mention} {world.member.mention}"
    assert mentions == [role.mention, world.member.mention, world.member.mention, both, both]
    posts = [one.json for one in world.env.http_requests if one.path == f"/channels/{world.channel.id}/messages"]
    allowed = [post["allowed_mentions"] for post in posts if post]
    assert allowed[1] == {"parse": [], "users": [world.member.id], "roles": []}
    assert allowed[-1] == {"parse": [], "users": [world.member.id], "roles": [role.id]}
    assert taken_by(posts_in(world.channel)[-1])


async def test_somebody_who_has_left_holds_nothing_up(world: World, reminder: discord.Message) -> None:
    """Reminders go on when who is on it has left the server; from the last day on the role is told again."""
    await take(world.member, reminder)
    world.env.guild.remove_member(world.member)
    for days in (5, 6):
        await world.env.advance_time(days * DAY)
        await world.poll_once()
    role = world.env.guild.roles["Ops"].mention
    mentions = [content.partition(". ")[2] for content in sent_contents(world)]
    assert mentions == [role, world.member.mention, f"{role} {world.member.mention}"]
    assert f"🙋 {world.member.mention} is on it" in taken_by(posts_in(world.channel)[-1])[0]


async def test_the_preview_tells_whom_later_reminders_mention(world: World, reminder: discord.Message) -> None:
    """What is to come names who is on it, and from the last day on the role beside them."""
    await take(world.member, reminder)
    role, member = world.env.guild.roles["Ops"].mention, world.member.mention
    shown = text_of(await world.manager.slash(world.channel, "minimax-reminders preview"))
    mentions = [line for line in shown.splitlines() if line.startswith("mentions")]
    assert mentions == [f"mentions {member}"] * 2 + [f"mentions {role}, {member}"] * 2


async def test_a_new_token_starts_free(world: World, reminder: discord.Message) -> None:
    """Once the login is renewed, nobody is on it any more, and the next reminder mentions the role."""
    await take(world.member, reminder)
    world.standin.accounts["123456"] = account("123456", days=40)
    await world.poll_once()
    (green, _) = posts_in(world.channel)
    assert taken_by(green) == []
    await world.env.advance_time(27 * DAY)
    await world.poll_once()
    assert sent_contents(world)[-1].endswith(world.env.guild.roles["Ops"].mention)


async def test_says_when_nothing_is_left(world: World, reminder: discord.Message) -> None:
    """Who presses a button of before the renewal is told that nothing is left to do."""
    world.standin.accounts["123456"] = account("123456", days=40)
    await world.poll_once()
    world.env.backend.edit_message(world.channel.id, reminder.id, {"components": COMPONENTS})
    assert "Nothing is left to do" in text_of(await world.member.click(posts_in(world.channel)[0], label="I'm on it"))


COMPONENTS = [{"type": 1, "components": [{"type": 2, "style": 2, "label": "I'm on it", "custom_id": "minimax:take"}]}]
