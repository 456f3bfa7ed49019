"""A bot that can't start ends with status 2 and a message for the operator, without a traceback or a secret."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus

import pytest
from aiohttp import web

from bot.useapi.fake import FakeApi
from tests.support.network import NOWHERE
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.process import run_bot
from tests.support.wire.standins import build_settings

REFUSED = 2


async def _run_until_refused(discord: DiscordStandIn, **changes: str) -> str:
    """Run a bot that must end with status 2, and return its output."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(discord.serve())
        api_url = await stack.enter_async_context(FakeApi({}).serve())
        bot = await stack.enter_async_context(run_bot(url, build_settings(api_url, **changes)))
        assert await bot.ended() == REFUSED
        return bot.output


async def test_token_refused_at_start() -> None:
    """A token that Discord refuses at the start ends the bot with a message that names the setting."""
    value = "MTEwMDAw.other.discord-token"
    output = await _run_until_refused(DiscordStandIn(), DISCORD_TOKEN=value)
    assert "Discord refused DISCORD_TOKEN" in output
    assert value not in output
    assert "Traceback" not in output


async def test_version_refused() -> None:
    """A version that is too old for Discord ends the bot as well."""
    discord = DiscordStandIn()
    async with discord.serve() as url, FakeApi({}).serve() as api_url, run_bot(url, build_settings(api_url)) as bot:
        await discord.gateway.ready()
        await discord.gateway.close(4012)
        assert await bot.ended() == REFUSED
        assert "Update the bot" in bot.output
        assert "Traceback" not in bot.output


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED])
async def test_useapi_refuses_at_start(status: HTTPStatus) -> None:
    """A token that useapi.net refuses, or a lapsed subscription, may be renewed meanwhile: the bot runs and says so."""
    discord, api = DiscordStandIn(), FakeApi({})

    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"error": "refused"}, status=status)

    api.behave = refuse
    async with discord.serve() as url, api.serve() as api_url, run_bot(url, build_settings(api_url)) as bot:
        await discord.gateway.ready()
        await bot.says("USEAPI_TOKEN" if status is HTTPStatus.UNAUTHORIZED else "subscription has ended")
        exchange = await discord.slash("123456")
        assert "title" in (await exchange.answer())["embeds"][0]
        assert await bot.stop() == 0
        assert "Traceback" not in bot.output


_WRONG = {
    "DISCORD_TOKEN": "Bot wrong-value-one",
    "USEAPI_TOKEN": "Bearer wrong-value-two",
    "GUILD_IDS": "wrong-value-three",
    "USEAPI_BASE_URL": "http://wrong-value-four.example",
    "LOG_LEVEL": "wrong-value-five",
    "LOG_FORMAT": "wrong-value-six",
}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, {"DISCORD_TOKEN", "USEAPI_TOKEN", "GUILD_IDS"}),
        ({"DISCORD_TOKEN": "", "USEAPI_TOKEN": "user:1-a"}, {"DISCORD_TOKEN", "GUILD_IDS"}),
        (_WRONG, set(_WRONG)),
    ],
    ids=["none", "some", "wrong"],
)
async def test_settings(settings: Mapping[str, str], names: set[str]) -> None:
    """All missing and wrong settings are listed by name, without their values."""
    async with run_bot(NOWHERE, settings) as bot:
        assert await bot.ended() == REFUSED
        listed = [line.split()[0] for line in bot.lines if line.startswith("  ")]
        assert sorted(listed) == sorted(names)
        assert not [value for value in settings.values() if value and value in bot.output]
        assert "wrong-value" not in bot.output
        assert "Traceback" not in bot.output
