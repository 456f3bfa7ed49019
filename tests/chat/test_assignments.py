"""Tests of *I'm on it*: who is assigned, and whom later reminders mention."""

import discord
import pytest
import simcord
from simcord.results import ResponseMessage

from bot.core.links import SETUP_GUIDE
from bot.core.wording import HOW_TO_RENEW
from bot.store.tables import messages
from tests.support.accounts import build_account
from tests.support.chat.answers import buttons_of, entries_of, message_of, options_of, text_of
from tests.support.chat.reminders import DAY, add, posts_in, say_expiring, say_renewed, sent_bodies, sent_contents
from tests.support.world import OTHER_GUILD_ID, World

HOW = f"\n-# {HOW_TO_RENEW}, or [by hand](<{SETUP_GUIDE}>)."
CHECKS = "I check every 30 seconds for the next 20 minutes; the message turns green by itself."
FAIL = "Jobs on this account fail until it is renewed."


@pytest.fixture
async def reminder(world: World) -> discord.Message:
    """Return a reminder of one account that expires within seven days, which pings a role."""
    world.api.accounts["123456"] = build_account("123456", days=7)
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "123456", ping=role)
    await world.poll_once()
    return posts_in(world.channel)[0]


def assigned_in(message: discord.Message | ResponseMessage) -> list[str]:
    """Return the lines of a message that name who is assigned."""
    texts = [message.content, *(card.description or "" for card in message.embeds)]
    return [line for text in texts for line in text.splitlines() if "🙋" in line]


async def press(member: simcord.MemberActor, message: discord.Message) -> tuple[ResponseMessage, str]:
    """Press the button; return the message as it is then, and what only the member reads."""
    result = await member.click(message, label="I'm on it")
    (aside,) = result.followups
    assert aside.ephemeral
    return message_of(result), aside.content


async def choose(member: simcord.MemberActor, message: discord.Message, *labels: str) -> str:
    """Press the button, and choose these in the private menu; return what the member reads then."""
    result = await member.click(message, label="I'm on it")
    (aside,) = result.followups
    assert aside.content == "Which ones are you on?"
    offered = {one["label"]: one["value"] for one in options_of(aside)}
    assert next(iter(offered)) == "All of them"
    return message_of(await member.select(aside, [offered[label] for label in labels])).content


def on_it(member: simcord.MemberActor) -> str:
    """Return the line that says who is on it."""
    return f"-# 🙋 {member.mention} is on it (<t:1767225600:R>)"


async def test_shows_who_is_on_it(world: World, reminder: discord.Message) -> None:
    """Everybody who sees a reminder can press it; the message says who is assigned since when, and stays otherwise."""
    after, aside = await press(world.member, reminder)
    role = world.env.guild.roles["Ops"].mention
    assert assigned_in(after) == [on_it(world.member)]
    assert after.content == say_expiring("Jane Doe", "7 days")
    assert aside == (
        f"You're on it. {CHECKS} The next reminders ping you instead of {role}. Press again to hand it back.{HOW}"
    )
    assert buttons_of(after)["I'm on it"]["style"] == discord.ButtonStyle.secondary.value
    assert len(posts_in(world.channel)) == 1


async def test_promises_no_checks_that_can_show_nothing(world: World, reminder: discord.Message) -> None:
    """Whoever is on an account that needs something other than a renewal is not said to see the message turn green."""
    world.api.accounts["654321"] = build_account("654321", days=40)
    del world.api.accounts["123456"]
    for _ in range(3):
        await world.env.advance_time(1860)
        await world.poll_once()
    removed = posts_in(world.channel)[-1]
    assert removed.id != reminder.id
    assert "was removed from useapi.net" in removed.content
    _, aside = await press(world.member, removed)
    assert aside.startswith("You're on it. The next reminders ping you")


async def test_a_second_press_ends_the_assignment(world: World, reminder: discord.Message) -> None:
    """A second press of the same user ends the assignment, one of another user takes it over; both are said."""
    role = world.env.guild.roles["Ops"].mention
    await press(world.member, reminder)
    await world.restart()
    after, aside = await press(world.manager, reminder)
    assert assigned_in(after) == [on_it(world.manager)]
    assert aside == (
        f"You took over from {world.member.mention}. {CHECKS} The next reminders ping you instead of {role}. "
        f"Press again to hand it back.{HOW}"
    )
    after, aside = await press(world.manager, reminder)
    assert assigned_in(after) == []
    assert aside == f"You handed it back. The next reminders ping {role} again."


@pytest.fixture
async def of_several(world: World) -> discord.Message:
    """Return a reminder of three accounts."""
    world.api.accounts["345678"] = build_account("345678", "Lea Kurz", days=60)
    world.api.accounts["456789"] = build_account("456789", "Max Roe", days=2)
    await add(world)
    await world.poll_once()
    return posts_in(world.channel)[0]


async def test_asks_which_of_several_accounts(world: World, of_several: discord.Message) -> None:
    """A message about several accounts asks in private which ones; the reminder then shows it, also after a restart."""
    assert await choose(world.member, of_several, "Max Roe") == (
        f"You're on **Max Roe**. {CHECKS} The next reminders ping you. Press and choose again to hand it back.{HOW}"
    )
    (post,) = posts_in(world.channel)
    assert entries_of(post) == [
        f"🟡 **Max Roe** `456789`\n-# expires <t:1767398400:R> · 🙋 {world.member.mention}",
        "🟡 **Sam Reed** `234567`\n-# expires <t:1767484800:R>",
        "🟡 **Jane Doe** `123456`\n-# expires <t:1768262400:R>",
    ]
    await world.restart()
    assert await choose(world.manager, post, "Sam Reed", "Max Roe") == (
        f"You took over **Max Roe**, **Sam Reed** from {world.member.mention}. {CHECKS} The next reminders ping you. "
        f"Press and choose again to hand them back.{HOW}"
    )
    assert len(assigned_in(posts_in(world.channel)[0])) == 2


async def test_all_of_them_are_taken_and_handed_back(world: World, of_several: discord.Message) -> None:
    """The first choice is for every open account of the message; chosen again, it hands all back."""
    names = "**Max Roe**, **Sam Reed**, **Jane Doe**"
    assert (await choose(world.member, of_several, "All of them")).startswith(f"You're on {names}. ")
    (post,) = posts_in(world.channel)
    assert len(assigned_in(post)) == 3
    assert await choose(world.member, post, "All of them") == (
        f"You handed {names} back. The next reminders ping nobody."
    )
    assert assigned_in(posts_in(world.channel)[0]) == []


async def test_a_lost_edit_is_made_by_the_next_poll(world: World, of_several: discord.Message) -> None:
    """A choice counts although Discord does not take the edit; the next poll shows it."""
    world.env.inject_error("PATCH", f"/channels/{world.channel.id}/messages/{of_several.id}", status=503, code=0)
    assert (await choose(world.member, of_several, "Max Roe")).startswith("You're on **Max Roe**.")
    assert assigned_in(posts_in(world.channel)[0]) == []
    await world.env.advance_time(60)
    await world.poll_once()
    assert len(assigned_in(posts_in(world.channel)[0])) == 1


async def test_a_choice_comes_too_late(world: World, of_several: discord.Message) -> None:
    """An account that was renewed meanwhile, a message of another server and an unknown one are refused in words."""
    result = await world.member.click(of_several, label="I'm on it")
    (aside,) = result.followups
    value = next(one["value"] for one in options_of(aside) if one["label"] == "Max Roe")
    world.api.accounts["456789"] = build_account("456789", "Max Roe", days=60)
    await world.poll_twice()
    assert "Already taken care of" in text_of(await world.member.select(aside, [value]))
    async with world.database.begin() as tx:
        await tx.execute(messages.update().values(guild_id=OTHER_GUILD_ID))
    assert "too old for the bot" in text_of(await world.member.select(aside, [value]))


async def test_the_person_who_was_on_it_is_thanked(world: World, reminder: discord.Message) -> None:
    """The news of the renewal thanks the assigned user, and pings nobody."""
    await press(world.member, reminder)
    world.api.accounts["123456"] = build_account("123456", days=40)
    await world.poll_twice()
    news = say_renewed("Jane Doe", 40)
    assert sent_contents(world)[-1] == f"{news} Thanks, {world.member.mention}!"
    assert sent_bodies(world)[-1]["allowed_mentions"] == {"parse": [], "users": [], "roles": []}


async def test_later_reminders_mention_the_assigned_user(world: World, reminder: discord.Message) -> None:
    """A later stage pings the assigned user instead of the role, the last day's both, a follow-up only the user."""
    assert assigned_in(reminder) == []
    role = world.env.guild.roles["Ops"]
    await press(world.member, reminder)
    for days in (4, 2, 1, 1):
        await world.env.advance_time(days * DAY)
        await world.poll_once()
        # An assignment ends after seven days.
        if len(posts_in(world.channel)) == 4:
            await press(world.member, posts_in(world.channel)[-1])
            await world.restart()
    mentions = [content.partition(". ")[2].removeprefix(FAIL).strip() for content in sent_contents(world)]
    user, both = world.member.mention, f"{role.mention} {world.member.mention}"
    assert mentions == [role.mention, user, both, role.mention, user]
    posts = [one.json for one in world.env.http_requests if one.path == f"/channels/{world.channel.id}/messages"]
    allowed = [post["allowed_mentions"] for post in posts if post]
    assert allowed[1] == {"parse": [], "users": [world.member.id], "roles": []}
    assert allowed[2] == {"parse": [], "users": [world.member.id], "roles": [role.id]}


async def test_an_assignment_ends_when_its_user_leaves(world: World, reminder: discord.Message) -> None:
    """Once the assigned user has left the server, reminders mention the role again."""
    await press(world.member, reminder)
    world.env.guild.remove_member(world.member)
    for days in (4, 2):
        await world.env.advance_time(days * DAY)
        await world.poll_once()
    role = world.env.guild.roles["Ops"].mention
    mentions = [content.partition(". ")[2] for content in sent_contents(world)]
    assert mentions == [role] * 3
    assert not any(assigned_in(post) for post in posts_in(world.channel))


async def test_the_upcoming_reminders_show_whom_they_ping(world: World, reminder: discord.Message) -> None:
    """Most later reminders ping the assigned user, and from the last day on the role too."""
    await press(world.member, reminder)
    role, member = world.env.guild.roles["Ops"].mention, world.member.mention
    shown = text_of(await world.manager.slash(world.channel, "minimax-reminders upcoming"))
    heading, *lines = [line for line in shown.splitlines()[1:] if line]
    assert heading.endswith(f" and ping {role} and {member}, unless the line says otherwise.")
    assert [line.partition(" · pings ")[2] for line in lines] == [member, "", ""]


async def test_a_new_login_starts_unassigned(world: World, reminder: discord.Message) -> None:
    """After a renewal nobody is assigned, and the next reminder mentions the role."""
    await press(world.member, reminder)
    world.api.accounts["123456"] = build_account("123456", days=40)
    await world.poll_twice()
    (green, _) = posts_in(world.channel)
    assert assigned_in(green) == []
    await world.env.advance_time(33 * DAY)
    await world.poll_once()
    assert sent_contents(world)[-1].endswith(world.env.guild.roles["Ops"].mention)


async def test_says_that_nothing_is_left_to_do(world: World, reminder: discord.Message) -> None:
    """A press of a button that was shown before the renewal is refused in words."""
    world.api.accounts["123456"] = build_account("123456", days=40)
    await world.poll_twice()
    world.env.backend.edit_message(world.channel.id, reminder.id, {"components": COMPONENTS})
    assert "Already taken care of" in text_of(await world.member.click(posts_in(world.channel)[0], label="I'm on it"))


COMPONENTS = [{"type": 1, "components": [{"type": 2, "style": 2, "label": "I'm on it", "custom_id": "minimax:take"}]}]


async def test_a_wrong_account_is_said_once_in_a_list(world: World, of_several: discord.Message) -> None:
    """A message about several accounts names a new one in one line for all that the person is on."""
    await choose(world.member, of_several, "Max Roe", "Jane Doe")
    world.api.accounts["999999"] = build_account("999999", "Mia Private", days=30)
    for _ in range(2):
        await world.env.advance_time(60)
        await world.poll_once()
        await world.restart()
    (card,) = posts_in(world.channel)[0].embeds
    line = "⚠️ A new account **Mia Private** `999999` appeared, but **Max Roe**, **Jane Doe** are unchanged."
    assert (card.description or "").count(f"{line} Was that the right Google account?") == 1
    assert (card.description or "").count("999999") == 1
