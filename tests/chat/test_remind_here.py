"""Tests of *Remind this channel*, the button under a look-up's answer."""

import discord
import pytest
from simcord.results import ResponseMessage

from bot.chat.views.components import account_view
from tests.support.chat.answers import message_of, text_of
from tests.support.chat.places import channel_with
from tests.support.chat.reminders import DAY, add, contents_in, listed, say_expiring, steer
from tests.support.world import GUILD_ID, OTHER_GUILD_ID, World

UNCHANGED = "Nothing changed. To edit it, run `/minimax-reminders add` again."


async def press(world: World, message: ResponseMessage | discord.Message, *, by_member: bool = False) -> str:
    """Let the manager or the member press the button; return the answer's text, its title first."""
    user = world.member if by_member else world.manager
    return text_of(await user.click(message, label="Remind this channel"))


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("share", ["yes", "no"])
async def test_adds_a_reminder_with_the_defaults_here(world: World, share: str, *, restarted: bool) -> None:
    """One press adds a reminder for the account in this channel with the defaults, also after a restart."""
    message = message_of(await world.look_up("123456", share=share))
    if restarted:
        await world.restart()
    assert await press(world, message) == (
        f"Reminder added\n**Jane Doe** → {world.channel.mention} · 14, 7, 3 and 1 day before, and on expiry · "
        "pings nobody\nFirst reminder: known after the next check, in a minute"
    )
    await world.poll_once()
    assert contents_in(world.channel)[-1] == say_expiring("Jane Doe", "12 days")


@pytest.mark.parametrize("present", ["123456", "all"])
async def test_leaves_a_present_reminder(world: World, present: str) -> None:
    """A reminder for the account or for all that the channel has already stays, and the answer shows it."""
    await world.poll_once()
    await add(world, present, days="5")
    for _ in range(2):
        answer = await press(world, message_of(await world.look_up("123456", share="yes")))
        assert answer == (
            f"Already set up\n{world.channel.mention} already gets reminders for **Jane Doe**: "
            f"5 days before and on expiry · pings nobody.\n{UNCHANGED}"
        )
    assert (await listed(world)).count("Next: ") == 1


async def test_a_second_press_changes_nothing(world: World) -> None:
    """Pressing twice adds one reminder and says so the second time."""
    message = message_of(await world.look_up("123456", share="yes"))
    assert (await press(world, message)).startswith("Reminder added")
    assert (await press(world, message)).startswith("Already set up\n")


async def test_says_that_the_present_reminder_is_paused(world: World) -> None:
    """A paused reminder stays paused, and the answer says how to resume it; an account's own comes first."""
    await add(world)
    await add(world, "123456")
    await steer(world, "pause", "2")
    answer = await press(world, message_of(await world.look_up("123456", share="yes")))
    assert answer.endswith("It is paused. Resume it with `/minimax-reminders resume`.")
    assert "⏸️ Paused <t:" in await listed(world)


async def test_other_channels_and_accounts_do_not_count(world: World) -> None:
    """A reminder in another channel or for another account does not prevent this one."""
    await add(world, "123456", channel=world.env.guild.create_text_channel("other"))
    await add(world, "234567")
    assert (await press(world, message_of(await world.look_up("123456", share="yes")))).startswith("Reminder added")


@pytest.mark.parametrize("restarted", [False, True])
async def test_is_for_managers_of_the_server(world: World, *, restarted: bool) -> None:
    """A member who sees a shared answer is refused in words, however old it is; nothing is saved."""
    message = message_of(await world.look_up("123456", share="yes"))
    if restarted:
        await world.restart()
        await world.env.advance_time(40 * DAY)
    assert (await press(world, message, by_member=True)).startswith("You need the Manage Server permission")
    assert "No reminders yet" in await listed(world)


@pytest.mark.parametrize("permission", ["view_channel", "send_messages", "embed_links"])
async def test_refuses_a_channel_where_the_bot_lacks_a_permission(world: World, permission: str) -> None:
    """A reminder that would not arrive is not added; the answer names the missing permission."""
    world.channel = channel_with(world, bot={permission: False})
    answer = await press(world, message_of(await world.look_up("123456", share="yes")))
    name = permission.replace("_", " ").title()
    assert answer.startswith("The bot can't post in #target\nGive its role *")
    assert f"*{name}*" in answer
    assert "No reminders yet" in await listed(world)


async def test_says_when_the_account_was_deleted(world: World) -> None:
    """An old answer adds no reminder for an account that is not set up any more."""
    message = message_of(await world.look_up("123456", share="yes"))
    del world.api.accounts["123456"]
    await world.env.advance_time(DAY)
    assert (await press(world, message)).startswith('No account called "123456"')
    assert "No reminders yet" in await listed(world)


@pytest.mark.parametrize("by_member", [False, True])
async def test_refuses_a_server_that_is_not_listed_any_more(world: World, *, by_member: bool) -> None:
    """A press in a server that is not listed any more adds nothing and is refused in words."""
    message = message_of(await world.look_up("123456", share="yes"))
    await world.restart(OTHER_GUILD_ID)
    assert (await press(world, message, by_member=by_member)).startswith("This server isn't set up for the bot")
    await world.restart(GUILD_ID)
    assert "No reminders yet" in await listed(world)


async def test_refuses_direct_messages(world: World) -> None:
    """A press in a direct message is refused in words."""
    lou = world.env.create_user("lou")
    message = await _sent_to(world, lou.dm_channel.id)
    result = await lou.click(message, label="Remind this channel")
    assert text_of(result).startswith("This server isn't set up for the bot")


async def _sent_to(world: World, channel_id: int) -> discord.Message:
    channel = world.application.bot.get_partial_messageable(channel_id)
    return await channel.send("An account", view=account_view("123456"))
