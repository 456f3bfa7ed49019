"""Discord's trouble with answers to commands: an answer may be lost, the bot and its next answer are not."""

from http import HTTPStatus

import pytest

from tests.process.stage import Stage
from tests.wire.channels import reset
from tests.wire.faults import limited, page
from tests.wire.payloads import (
    GUILD_ID,
    SLASH,
    build_command_data,
    build_interaction,
)
from tests.wire.rest import Respond, refuse

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LOST: dict[str, Respond] = {
    "unknown interaction": lambda _request: refuse(404, 10062),
    "already acknowledged": lambda _request: refuse(400, 40060),
    "missing access": lambda _request: refuse(403, 50001),
    "unknown channel": lambda _request: refuse(404, 10003),
    "unauthorized": lambda _request: refuse(401),
    "invalid body": lambda _request: refuse(400, 50035),
    "429 of Cloudflare": lambda _request: page(HTTPStatus.TOO_MANY_REQUESTS),
    "reset": reset,
}
_LATE: dict[str, Respond] = {
    "429": lambda _request: limited(0.1),
    "429 of everything": lambda _request: limited(0.1, is_global=True),
    "500": lambda _request: refuse(500),
    "502 of Cloudflare": lambda _request: page(HTTPStatus.BAD_GATEWAY),
}


@pytest.mark.parametrize("respond", _LOST.values(), ids=_LOST)
async def test_answer_refused(stage: Stage, respond: Respond) -> None:
    """An answer that Discord refuses for good is logged and not repeated; the next command is answered."""
    account = stage.add_account()
    logged = len(stage.bot.lines.matching(_is_loss))
    stage.discord.rest.meet("POST", "/callback$", respond)
    exchange = await stage.discord.slash(account)
    await stage.bot.lines.find(_is_loss, nth=logged + 1)
    assert (await (await stage.discord.slash(account)).answer())["embeds"]
    assert not exchange.shown.items


@pytest.mark.parametrize("respond", _LATE.values(), ids=_LATE)
async def test_answer_put_off(stage: Stage, respond: Respond) -> None:
    """An answer that Discord puts off for a moment is given all the same, once."""
    stage.discord.rest.meet("POST", "/callback$", respond)
    exchange = await stage.discord.slash(stage.add_account())
    assert (await exchange.answer())["embeds"]
    await stage.settle()
    assert len(exchange.shown) == 1


def _is_loss(line: str) -> bool:
    return "may not have been shown" in line


async def test_command_that_comes_twice(stage: Stage) -> None:
    """A command that Discord delivers twice is answered once, and the API is asked once."""
    account, calls_before = stage.add_account(), len(stage.api.calls)
    data = build_command_data({"account": account}, guild_id=GUILD_ID)
    payload = build_interaction(SLASH, data, guild_id=GUILD_ID, user_id=None)
    exchange = stage.discord.interactions.open(payload)
    for _ in range(2):
        await stage.discord.gateway.dispatch("INTERACTION_CREATE", payload)
    assert (await exchange.answer())["embeds"]
    await stage.bot.says(f"Interaction {payload['id']} came twice")
    await stage.settle()
    assert len(exchange.calls) == 1
    assert len([call for call in stage.api.calls[calls_before:] if account in call]) == 1
