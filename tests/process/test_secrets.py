"""What never leaves the process, at the most talkative log level."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.useapi.standin import TOKEN as USEAPI_TOKEN
from tests.process.stage import DEVICE_ID, JWT, SEARCH_PARAMS, Stage, build_account, open_stage
from tests.wire.gateway import Op
from tests.wire.payloads import build_button_message
from tests.wire.rest import TOKEN as DISCORD_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NOT_DISCORDS = [USEAPI_TOKEN, JWT, *JWT.split("."), DEVICE_ID, SEARCH_PARAMS, "fingerprint"]


def _telltale(account_id: str) -> dict[str, Any]:
    """Return an account that repeats its secrets wherever a text is shown."""
    account = build_account(account_id)
    account["error"] = f"refresh failed for {JWT} with {USEAPI_TOKEN}"
    account["jwt"]["user"]["name"] = f"{JWT} {DISCORD_TOKEN}"
    return account


async def _repeat_in_error(request: web.Request) -> web.Response:
    return web.Response(status=500, text=f"{JWT} {request.headers['Authorization']} {SEARCH_PARAMS}")


async def _repeat_in_no_json(request: web.Request) -> web.Response:
    return web.Response(text=f"<html>{JWT} {request.headers['Authorization']} {DEVICE_ID}</html>")


async def _use_everything(stage: Stage) -> None:
    """Go through every way in which an account, or trouble with one, gets to Discord and into the log."""
    healthy, telltale, trouble = stage.add_accounts(3)
    stage.api.accounts[telltale] = _telltale(telltale)
    for account in (healthy, telltale, "no-such-account"):
        await (await stage.discord.slash(account)).answer()
        await (await stage.discord.slash(account, share="yes")).answer()
        await (await stage.discord.type_in(account)).acknowledgement()
        custom_id = f"minimax:check:{account}"
        await (await stage.discord.press(build_button_message(custom_id), custom_id)).answer()
    for pasted in (DISCORD_TOKEN, USEAPI_TOKEN, JWT):
        await (await stage.discord.slash(pasted)).answer()
    for stage.api.behave in (_repeat_in_error, _repeat_in_no_json):
        await (await stage.discord.slash(trouble)).answer()
    stage.api.behave = None
    await stage.discord.gateway.send(Op.RECONNECT)
    await stage.discord.gateway.ready(nth=2)
    await stage.discord.gateway.dispatch("INTERACTION_CREATE", {"unreadable": True})
    await stage.discord.gateway.ready(nth=3)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def used_stage() -> AsyncIterator[Stage]:
    """A bot at log level DEBUG that has been through everything, and has ended."""
    async with open_stage(LOG_LEVEL="DEBUG") as stage:
        await _use_everything(stage)
        assert await stage.bot.stop() == 0
    yield stage


async def test_log(used_stage: Stage) -> None:
    """The log holds none of the secrets, whatever the level, and whatever the API repeats."""
    assert "DEBUG" in used_stage.bot.output
    assert "Traceback" in used_stage.bot.output
    for secret in (DISCORD_TOKEN, *_NOT_DISCORDS):
        assert secret not in used_stage.bot.output


async def test_requests_to_discord(used_stage: Stage) -> None:
    """Discord gets its own token in one header and in identify and resume, and no other secret at all."""
    sent = [f"{call.method} {call.path} {json.dumps(call.json)}" for call in used_stage.discord.rest.calls]
    headers = [pair for call in used_stage.discord.rest.calls for pair in call.headers.items()]
    everything = "\n".join([*sent, *map(str, headers), json.dumps(used_stage.discord.gateway.received.items)])
    assert f"Owner of {next(iter(used_stage.api.accounts))}" in everything
    for secret in _NOT_DISCORDS:
        assert secret not in everything
    assert DISCORD_TOKEN not in "\n".join(sent)
    assert {name for name, value in headers if DISCORD_TOKEN in value} == {"Authorization"}
    telling = [message["op"] for message in used_stage.discord.gateway.received if DISCORD_TOKEN in json.dumps(message)]
    assert telling == [Op.IDENTIFY, Op.RESUME, Op.IDENTIFY]
