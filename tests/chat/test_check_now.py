"""Tests of the buttons under an account's card."""

import pytest

from bot.core.links import GUIDED_SETUP, SETUP_GUIDE
from tests.support.accounts import build_account
from tests.support.chat.answers import buttons_of, embed_of, message_of, text_of
from tests.support.hostile import with_status
from tests.support.world import World


async def test_links_to_the_guide(world: World) -> None:
    """One button opens useapi.net's guided setup."""
    assert buttons_of(message_of(await world.look_up("123456", share="yes")))["How to renew"]["url"] == GUIDED_SETUP


@pytest.mark.parametrize("restarted", [False, True])
async def test_reads_again_and_edits_the_message(world: World, *, restarted: bool) -> None:
    """Everybody who sees the message can refresh it, without the cache, also after a restart of the bot."""
    message = message_of(await world.look_up("123456", share="yes"))
    if restarted:
        await world.restart()
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=30)
    result = await world.member.click(message, label="Check now")
    assert embed_of(result).title == "Jane Renewed"
    assert message_of(result).id == message.id
    buttons = {"Check now", "Remind this channel", "Credits & jobs", "How to renew", "Note"}
    assert set(buttons_of(message_of(result))) == buttons


async def test_works_on_private_answers(world: World) -> None:
    """The user can refresh a private card too."""
    message = message_of(await world.look_up("123456"))
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed")
    assert embed_of(await world.manager.click(message, label="Check now")).title == "Jane Renewed"


async def test_keeps_the_good_card_when_the_read_fails(world: World) -> None:
    """Only the user sees that a read failed, and the card stays."""
    message = message_of(await world.look_up("123456", share="yes"))
    world.api.behave = with_status(401)
    result = await world.member.click(message, label="Check now")
    assert result.ephemeral
    assert embed_of(result).title == "useapi.net rejected the bot's token"
    assert message.embeds[0].title == "Jane Doe"


async def test_says_when_the_account_was_deleted(world: World) -> None:
    """Only the user sees that the account was deleted, and the card stays; other accounts are for managers."""
    message = message_of(await world.look_up("123456", share="yes"))
    del world.api.accounts["123456"]
    card = embed_of(await world.manager.click(message, label="Check now"))
    assert card.title == 'No account called "123456"'
    assert "• **Sam Reed** `345678`\n• **Sam Reed** `234567`" in (card.description or "")
    pressed = await world.member.click(message, label="Check now")
    assert text_of(pressed) == f'No account called "123456"\nNot set up yet? [Add it at useapi.net]({SETUP_GUIDE}).'
    assert message.embeds[0].title == "Jane Doe"


async def test_is_left_out_where_the_id_is_too_long(world: World) -> None:
    """The card of an account whose id does not fit into a button's id has no such button."""
    long_id = "9" * 90
    world.api.accounts = {long_id: build_account(long_id, "Long Id")}
    assert set(buttons_of(message_of(await world.look_up("Long Id")))) == {"How to renew"}


async def test_keeps_odd_ids_unchanged(world: World) -> None:
    """A button finds an account whose id has slashes, spaces, colons and emoji."""
    odd_id = "a/b:c %2f ü 🦊"
    world.api.accounts = {odd_id: build_account(odd_id, "Odd")}
    message = message_of(await world.look_up(odd_id))
    world.api.accounts = {odd_id: build_account(odd_id, "Odd again")}
    assert embed_of(await world.manager.click(message, label="Check now")).title == "Odd again"
