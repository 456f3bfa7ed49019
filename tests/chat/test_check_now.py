"""Tests of the buttons under a card."""

from typing import Any

import pytest
from aiohttp import web
from simcord.results import ResponseMessage

from bot.core.links import SETUP_GUIDE
from tests.chat.test_lookup import card_of
from tests.support.world import World, account


def buttons_of(message: ResponseMessage) -> dict[str, dict[str, Any]]:
    """Return the buttons of a message by label."""
    return {button["label"]: button for row in message.components for button in row["components"]}


async def shown(world: World, *, share: str = "yes") -> ResponseMessage:
    """Look an account up and return the answer's message."""
    response = (await world.look_up("123456", share=share)).response
    assert response is not None
    return response


async def test_links_to_the_guide(world: World) -> None:
    """One button leads to useapi.net's page on setting up a login."""
    assert buttons_of(await shown(world))["How to renew"]["url"] == SETUP_GUIDE


@pytest.mark.parametrize("restarted", [False, True])
async def test_reads_again_and_edits_the_message(world: World, *, restarted: bool) -> None:
    """Whoever sees the message can renew it, past every cache, also after a restart of the bot."""
    message = await shown(world)
    if restarted:
        await world.restart()
    world.standin.accounts["123456"] = account("123456", "Jane Renewed", days=30)
    result = await world.member.click(message, label="Check now")
    assert card_of(result).title == "Jane Renewed"
    assert result.response is not None
    assert result.response.id == message.id
    assert set(buttons_of(result.response)) == {"Check now", "Remind here", "How to renew"}


async def test_works_on_private_answers(world: World) -> None:
    """The asker can renew a private card too."""
    message = await shown(world, share="no")
    world.standin.accounts["123456"] = account("123456", "Jane Renewed")
    assert card_of(await world.manager.click(message, label="Check now")).title == "Jane Renewed"


async def test_keeps_the_good_card_when_the_read_fails(world: World) -> None:
    """A failed read is told to the presser alone, and the card stays."""
    message = await shown(world)

    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    world.standin.behave = fail
    result = await world.member.click(message, label="Check now")
    assert result.ephemeral
    assert card_of(result).title == "The bot's useapi.net token was refused"
    assert message.embeds[0].title == "Jane Doe"


async def test_says_when_the_account_is_gone(world: World) -> None:
    """A deleted account leaves the old card and a private word."""
    message = await shown(world)
    del world.standin.accounts["123456"]
    card = card_of(await world.member.click(message, label="Check now"))
    assert card.title == "No such account"
    assert "`345678`, `234567`" in (card.description or "")
    assert message.embeds[0].title == "Jane Doe"


async def test_is_left_out_where_the_id_is_too_long(world: World) -> None:
    """An id that does not fit into a button's id costs the button, not the answer."""
    long_id = "9" * 90
    world.standin.accounts = {long_id: account(long_id, "Long Id")}
    response = (await world.look_up("Long Id")).response
    assert response is not None
    assert set(buttons_of(response)) == {"How to renew"}


async def test_gives_odd_ids_back_unchanged(world: World) -> None:
    """An id with slashes, line breaks aside, spaces and colours survives the way through the button."""
    odd_id = "a/b:c %2f ü 🦊"
    world.standin.accounts = {odd_id: account(odd_id, "Odd")}
    response = (await world.look_up(odd_id)).response
    assert response is not None
    world.standin.accounts = {odd_id: account(odd_id, "Odd again")}
    assert card_of(await world.manager.click(response, label="Check now")).title == "Odd again"
