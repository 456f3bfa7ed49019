"""Tests of *I'm on it*: who is assigned, and whom later reminders mention."""

import discord
import pytest
import simcord
from simcord.results import ResponseMessage

from tests.support.accounts import build_account
from tests.support.chat.answers import message_of, text_of
from tests.support.chat.reminders import DAY, add, posts_in, sent_contents
from tests.support.world import World


@pytest.fixture
async def reminder(world: World) -> discord.Message:
    """Return a reminder of one account, which mentions a role."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "123456", mention=role)
    await world.poll_once()
    return posts_in(world.channel)[0]


def assigned_in(message: discord.Message | ResponseMessage) -> list[str]:
    """Return the lines of a message that name who is assigned."""
    return [line for card in message.embeds for line in (card.description or "").splitlines() if "is on it" in line]


async def press(member: simcord.MemberActor, message: discord.Message) -> ResponseMessage:
    """Press the button; return the message as it is then."""
    return message_of(await member.click(message, label="I'm on it"))


async def test_shows_who_is_on_it(world: World, reminder: discord.Message) -> None:
    """Everybody who sees a reminder can press it; the message says who is assigned since when, and stays otherwise."""
    after = await press(world.member, reminder)
    assert assigned_in(after) == [f"🙋 {world.member.mention} is on it, since <t:1767225600:R>."]
    assert after.content == "⏰ MiniMax login Jane Doe (123456) expires in 12 days."
    assert len(posts_in(world.channel)) == 1


async def test_a_second_press_ends_the_assignment(world: World, reminder: discord.Message) -> None:
    """A second press of the same user ends the assignment, one of another user takes it over; also after a restart."""
    await press(world.member, reminder)
    await world.restart()
    assert assigned_in(await press(world.manager, reminder))[0].startswith(f"🙋 {world.manager.mention}")
    assert assigned_in(await press(world.manager, reminder)) == []


async def test_a_press_is_for_all_open_accounts_of_the_message(world: World) -> None:
    """One press assigns the user to every account of the message that is still open."""
    await add(world)
    await world.poll_once()
    (message,) = posts_in(world.channel)
    world.api.accounts["345678"] = build_account("345678", "Sam Reed", days=60)
    await world.poll_twice()
    assert len(assigned_in(await press(world.member, message))) == 2


async def test_later_reminders_mention_the_assigned_user(world: World, reminder: discord.Message) -> None:
    """A later stage mentions the assigned user instead of the role, the last day's both, a follow-up only the user."""
    assert assigned_in(reminder) == []
    role = world.env.guild.roles["Ops"]
    for days in (5, 4, 2, 1, 1):
        await world.env.advance_time(days * DAY)
        await world.poll_once()
        # An assignment ends after seven days.
        if len(posts_in(world.channel)) in (2, 5):
            await press(world.member, posts_in(world.channel)[-1])
            await world.restart()
    mentions = [content.partition(". ")[2] for content in sent_contents(world)]
    user, both = world.member.mention, f"{role.mention} {world.member.mention}"
    assert mentions == [role.mention, role.mention, user, both, role.mention, user]
    posts = [one.json for one in world.env.http_requests if one.path == f"/channels/{world.channel.id}/messages"]
    allowed = [post["allowed_mentions"] for post in posts if post]
    assert allowed[2] == {"parse": [], "users": [world.member.id], "roles": []}
    assert allowed[3] == {"parse": [], "users": [world.member.id], "roles": [role.id]}


async def test_an_assignment_ends_when_its_user_leaves(world: World, reminder: discord.Message) -> None:
    """Once the assigned user has left the server, reminders mention the role again."""
    assert assigned_in(reminder) == []
    await world.env.advance_time(5 * DAY)
    await world.poll_once()
    await press(world.member, posts_in(world.channel)[-1])
    world.env.guild.remove_member(world.member)
    for days in (4, 2):
        await world.env.advance_time(days * DAY)
        await world.poll_once()
    role = world.env.guild.roles["Ops"].mention
    mentions = [content.partition(". ")[2] for content in sent_contents(world)]
    assert mentions == [role] * 4
    assert not any(assigned_in(post) for post in posts_in(world.channel))


async def test_the_preview_shows_whom_later_reminders_mention(world: World, reminder: discord.Message) -> None:
    """The preview names the assigned user, and from the last day on the role too."""
    await press(world.member, reminder)
    role, member = world.env.guild.roles["Ops"].mention, world.member.mention
    shown = text_of(await world.manager.slash(world.channel, "minimax-reminders preview"))
    mentions = [line for line in shown.splitlines() if line.startswith("mentions")]
    assert mentions == [f"mentions {member}"] * 2 + [f"mentions {role}, {member}"] * 2


async def test_a_new_login_starts_unassigned(world: World, reminder: discord.Message) -> None:
    """After a renewal nobody is assigned, and the next reminder mentions the role."""
    await press(world.member, reminder)
    world.api.accounts["123456"] = build_account("123456", days=40)
    await world.poll_twice()
    (green, _) = posts_in(world.channel)
    assert assigned_in(green) == []
    await world.env.advance_time(27 * DAY)
    await world.poll_once()
    assert sent_contents(world)[-1].endswith(world.env.guild.roles["Ops"].mention)


async def test_says_that_nothing_is_left_to_do(world: World, reminder: discord.Message) -> None:
    """A press of a button that was shown before the renewal is refused in words."""
    world.api.accounts["123456"] = build_account("123456", days=40)
    await world.poll_twice()
    world.env.backend.edit_message(world.channel.id, reminder.id, {"components": COMPONENTS})
    assert "Nothing is left to do" in text_of(await world.member.click(posts_in(world.channel)[0], label="I'm on it"))


COMPONENTS = [{"type": 1, "components": [{"type": 2, "style": 2, "label": "I'm on it", "custom_id": "minimax:take"}]}]
