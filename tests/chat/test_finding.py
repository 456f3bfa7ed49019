"""Tests of how a message that may have arrived is found in its channel's history."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat.rest.sender import DiscordSender
from bot.core.messages import Message, MessageKind, OutgoingMessage
from tests.support.chat.reminders import contents_in
from tests.support.world import GUILD_ID, World

NONCE = "0123456789abcdef01234567"
NEWS = OutgoingMessage("✅ **Jane Doe**: MiniMax login renewed.\nThanks, <@1>! ")
MANY = OutgoingMessage("✅ **Jane Doe**: MiniMax login renewed.\nand 2 more: `/minimax-overview`")
CARD = OutgoingMessage("⏰ A reminder", ({"description": "x", "footer": {"text": f"1 · {NONCE[:8]}"}},))


def in_flight(world: World, outgoing: OutgoingMessage) -> Message:
    """Return a message that is about to be sent to the world's channel."""
    return Message(
        id=1,
        guild_id=GUILD_ID,
        channel_id=world.channel.id,
        kind=MessageKind.NOTIFICATIONS,
        nonce=NONCE,
        payload=outgoing.to_json(),
        first_attempt_at=world.env.now(),
        discord_id=None,
        edit_at=None,
    )


@pytest.mark.parametrize("ahead", [0, 70, 290])
@pytest.mark.parametrize("outgoing", [NEWS, MANY, CARD], ids=["text", "with a command", "card"])
async def test_a_message_that_arrived_is_found(world: World, outgoing: OutgoingMessage, ahead: int) -> None:
    """A card is found by its footer, a message without one by its words, though Discord trims white space.

    Commands in it became links, and the clock of the machine may be ahead by as much as is tolerated.
    """
    sender, message = world.application.context.sender, in_flight(world, outgoing)
    message = replace(message, first_attempt_at=message.first_attempt_at + timedelta(seconds=ahead))
    assert await sender.find(message) is None
    await sender.post(world.channel.id, OutgoingMessage("✅ **Sam Reed**: MiniMax login renewed."), "another")
    discord_id = await sender.post(world.channel.id, outgoing, NONCE, guild_id=GUILD_ID)
    assert ("</minimax-overview:" in contents_in(world.channel)[-1]) is (outgoing is MANY)
    assert await sender.find(message) == discord_id
    assert message.is_shown_as(outgoing.content.strip(), []) == (outgoing is not CARD)


async def test_the_same_words_are_not_always_the_message(world: World) -> None:
    """A member's message, an older one, and one that got its words by an edit are other messages."""
    sender = DiscordSender(world.application.bot)
    await sender.post(world.channel.id, NEWS, "older")
    await world.env.advance_time(timedelta(minutes=7).total_seconds())
    await world.member.send(world.channel, NEWS.content)
    edited = await sender.post(world.channel.id, OutgoingMessage("⏰ A reminder"), "edited")
    assert edited is not None
    await sender.edit(world.channel.id, edited, NEWS)
    assert await sender.find(in_flight(world, NEWS)) is None


async def test_a_footer_of_somebody_else_is_not_the_message(world: World) -> None:
    """A member who copies the short id does not keep a reminder from being sent."""
    await world.member.send(world.channel, f"1 · {NONCE[:8]}")
    assert await DiscordSender(world.application.bot).find(in_flight(world, CARD)) is None
