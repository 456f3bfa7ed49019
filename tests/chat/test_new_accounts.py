"""Tests of the offer of a reminder for a new account that none covers."""

import discord
import pytest
import simcord

from tests.support.accounts import build_account
from tests.support.chat.answers import text_of
from tests.support.chat.reminders import add, posts_in
from tests.support.world import World

NEW = "990001"
OFFER = f"🆕 New MiniMax account: **Jane Doe** `{NEW}`. No reminder covers it yet."


def offers_in(channel: simcord.ChannelHandle) -> list[discord.Message]:
    """Return the offers in a channel, oldest first."""
    return [one for one in posts_in(channel) if one.content.startswith("🆕")]


@pytest.fixture
async def single(world: World) -> World:
    """A server with a reminder for one account alone, which the bot has polled."""
    await world.poll_once()
    await add(world, "123456")
    await world.poll_twice()
    return world


async def test_is_offered_once(single: World) -> None:
    """The channel with reminders is offered one for the new account, once, and not for those that were there before."""
    assert not offers_in(single.channel)
    single.api.accounts[NEW] = build_account(NEW, days=30)
    await single.poll_twice()
    await single.restart()
    for _ in range(3):
        await single.env.advance_time(20 * 3600)
        await single.poll_once()
    (offer,) = offers_in(single.channel)
    assert offer.content == OFFER


async def test_the_button_sets_a_reminder_up(single: World) -> None:
    """A manager presses the button; the message then says that reminders come, and has no button any more."""
    single.api.accounts[NEW] = build_account(NEW, days=30)
    await single.poll_once()
    (offer,) = offers_in(single.channel)
    result = await single.manager.click(offer, label="Remind this channel")
    assert "Reminder added" in text_of(result)
    await single.env.advance_time(60)
    await single.poll_once()
    (after,) = [one for one in posts_in(single.channel) if NEW in one.content]
    assert after.content == f"✅ Reminders come here now for **Jane Doe** `{NEW}`."
    assert not after.components


async def test_a_channel_for_all_accounts_is_offered_nothing(world: World) -> None:
    """A reminder for all accounts covers new ones, in whatever channel of the server it is."""
    await world.poll_once()
    other = world.env.guild.create_text_channel("ops")
    await add(world, "123456")
    await add(world, channel=other)
    world.api.accounts[NEW] = build_account(NEW, days=30)
    await world.poll_twice()
    assert not offers_in(world.channel)
    assert not offers_in(other)


async def test_many_are_one_message(single: World) -> None:
    """Fifty accounts that appear together are one silent message with a count; its button is for all accounts."""
    for number in range(50):
        single.api.accounts[f"99{number:04}"] = build_account(f"99{number:04}", f"User {number}", days=30)
    await single.poll_twice()
    (offer,) = offers_in(single.channel)
    assert offer.content.startswith("🆕 **50 new MiniMax accounts**: **User 0** `990000`, ")
    assert offer.content.endswith(" and 45 more. No reminder covers them yet.")
    result = await single.manager.click(offer, label="Remind this channel of all accounts")
    assert "Reminder added" in text_of(result)


async def test_members_may_not_accept_it(single: World) -> None:
    """Only those who manage the server set up a reminder by the button."""
    single.api.accounts[NEW] = build_account(NEW, days=30)
    await single.poll_once()
    (offer,) = offers_in(single.channel)
    assert "Reminder added" not in text_of(await single.member.click(offer, label="Remind this channel"))
