"""A bot that can't start ends with status 2 and a message for the operator, without a traceback or a secret."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

import pytest

from bot.useapi.fake import FakeApi
from tests.support.network import NOWHERE
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.gateway import AUTHENTICATION_FAILED
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


@pytest.mark.parametrize(
    ("name", "value"),
    [("DISCORD_TOKEN", "MTEwMDAw.other.discord-token"), ("USEAPI_TOKEN", "user:77-otheruseapitoken")],
)
async def test_token_refused_at_start(name: str, value: str) -> None:
    """A token that is refused at the start ends the bot with a message that names the setting."""
    output = await _run_until_refused(DiscordStandIn(), **{name: value})
    assert name in output
    assert "refused" in output
    assert value not in output
    assert "Traceback" not in output


async def test_token_refused_by_gateway() -> None:
    """A token that only the gateway refuses ends the bot as well, after one attempt."""
    discord = DiscordStandIn()
    discord.gateway.refuse_identify = True
    output = await _run_until_refused(discord)
    assert "DISCORD_TOKEN" in output
    assert "Traceback" not in output
    assert discord.gateway.identifies == 1


@pytest.mark.parametrize(("code", "word"), [(AUTHENTICATION_FAILED, "DISCORD_TOKEN"), (4012, "Update the bot")])
async def test_connection_closed_for_good(code: int, word: str) -> None:
    """A token that is reset while the bot runs, or a version too old for Discord, ends the bot as well."""
    discord = DiscordStandIn()
    async with discord.serve() as url, FakeApi({}).serve() as api_url, run_bot(url, build_settings(api_url)) as bot:
        await discord.gateway.ready()
        await discord.gateway.close(code)
        assert await bot.ended() == REFUSED
        assert word in bot.output
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
