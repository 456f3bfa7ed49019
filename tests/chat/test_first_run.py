"""Tests of the first steps that a server sees before it has a reminder."""

from collections.abc import AsyncIterator

import discord
import pytest
from simcord.results import InteractionResult

from bot.store.subscriptions import delete_subscription, get_subscriptions
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import buttons_of, message_of, text_of
from tests.support.chat.links import command_link
from tests.support.chat.reminders import add
from tests.support.world import GUILD_ID, OTHER_GUILD_ID, World, open_world

OTHERS = "Let others use them in Server Settings → Integrations → TestBot."
BUTTON = "Remind this channel of all accounts"


@pytest.fixture
async def new_world() -> AsyncIterator[World]:
    """Run the bot in a server that has just invited it."""
    accounts = by_id(build_account("123456"), build_account("234567", "Sam Reed", days=3))
    async with open_world(accounts, is_new=True) as opened:
        yield opened


def shows_steps(result: InteractionResult) -> bool:
    """Whether an answer has the first steps below it."""
    titles = [embed.title or "" for embed in message_of(result).embeds]
    assert not any(title.startswith("👋") for title in titles[:-1])
    return titles[-1].startswith("👋") and BUTTON in buttons_of(message_of(result))


async def test_the_first_answer_carries_the_first_steps(new_world: World) -> None:
    """The first answer to a manager shows what comes next, with links; later ones do not."""
    world = new_world
    await world.poll_once()
    first = await world.look_up("123456")
    assert shows_steps(first)
    card, steps = message_of(first).embeds
    assert card.title == "Jane Doe"
    assert steps.title == "👋 TestBot is ready"
    assert (steps.description or "").splitlines() == [
        "I watch your 2 MiniMax accounts and warn you before a login expires.",
        "",
        f"**1.** {command_link(world, 'minimax-reminders add')}: choose a channel and whom to ping",
        f"**2.** {command_link(world, 'minimax-board add')}: keep a live overview in a channel",
        f"**3.** {command_link(world, 'minimax-account')}: look up one account",
        "",
        f"Only members with **Manage Server** see these commands. {OTHERS}",
    ]
    assert buttons_of(message_of(first))[BUTTON]["style"] == discord.ButtonStyle.primary.value
    assert not shows_steps(await world.look_up("123456"))


async def test_the_button_reminds_the_channel_of_all_accounts(new_world: World) -> None:
    """One press adds a reminder on all accounts with the defaults; a second one changes nothing."""
    world = new_world
    message = message_of(await world.manager.slash(world.channel, "minimax-status"))
    for title in ("Reminder added\n", "Already set up\n"):
        assert text_of(await world.manager.click(message, label=BUTTON)).startswith(title)
    async with world.database.begin() as tx:
        (saved,) = await get_subscriptions(tx, GUILD_ID)
    assert (saved.account_id, saved.channel_id, saved.lead_times) == (None, world.channel.id, (14, 7, 3, 1))
    assert (saved.ping, saved.follow_ups) == (None, True)


async def test_shared_answers_errors_and_the_first_step_carry_no_steps(new_world: World) -> None:
    """Neither an answer for everyone, nor an error, nor adding a reminder shows the steps, or uses them up."""
    world = new_world
    assert not shows_steps(await world.look_up("123456", share="yes"))
    assert not shows_steps(await world.look_up("nobody"))
    assert not shows_steps(await world.manager.slash(world.channel, "minimax-reminders add", account="all"))
    async with world.database.begin() as tx:
        (saved,) = await get_subscriptions(tx, GUILD_ID)
        await delete_subscription(tx, saved)
    assert shows_steps(await world.manager.slash(world.channel, "minimax-reminders list"))


async def test_a_server_with_a_reminder_needs_no_steps(new_world: World) -> None:
    """Once a server has a reminder, no answer shows the steps, also after the reminder is gone."""
    world = new_world
    await add(world)
    assert not shows_steps(await world.look_up("123456"))
    await world.manager.slash(world.channel, "minimax-reminders remove", reminder="1")
    assert not shows_steps(await world.look_up("123456"))


async def test_members_see_no_steps(new_world: World) -> None:
    """A member who may use the command but can't manage the server sees the answer alone."""
    world = new_world
    command = world.env.backend.find_command("minimax-account", GUILD_ID)
    assert command is not None
    allow = {"id": str(world.member.id), "type": 2, "permission": True}
    world.env.backend.set_command_permissions(GUILD_ID, int(command["id"]), [allow])
    assert not shows_steps(await world.member.slash(world.channel, "minimax-account", account="123456"))
    assert shows_steps(await world.look_up("123456"))


async def test_only_managers_press_the_button(new_world: World) -> None:
    """The button of a message that a member sees, and one in a server that is not listed, add nothing."""
    world = new_world
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label=BUTTON, custom_id="minimax:remind-all"))
    message = await world.application.bot.get_partial_messageable(world.channel.id).send("shared", view=view)
    assert text_of(await world.member.click(message, label=BUTTON)).startswith("You need the Manage Server permission")
    await world.restart(OTHER_GUILD_ID)
    answer = text_of(await world.manager.click(message, label=BUTTON))
    assert answer.startswith("This server isn't set up for the bot")
    async with world.database.begin() as tx:
        assert await get_subscriptions(tx, GUILD_ID) == []
