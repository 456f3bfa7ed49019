"""The bot stops on a signal within ten seconds, and gives the last answers."""

import asyncio
import signal
from pathlib import Path

import pytest
from aiohttp import WSCloseCode, web

from bot.useapi.fake import FakeApi
from tests.support.network import NOWHERE
from tests.support.process.world import ProcessWorld
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import PRIVATE
from tests.support.wire.process import STOP_SECONDS, run_bot
from tests.support.wire.standins import build_settings, owner_of

STOP_SIGNALS = [signal.SIGTERM, signal.SIGINT]


def _title(message: dict[str, list[dict[str, str]]]) -> str:
    return message["embeds"][0]["title"]


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_stop_during_a_command(own_world: ProcessWorld, number: signal.Signals) -> None:
    """On a signal the bot answers the current command, then ends with status 0 within ten seconds."""
    account, held = own_world.add_account(), own_world.hold_api()
    exchange = await own_world.discord.slash(account)
    await held.called.wait()
    own_world.bot.signal(number)
    await own_world.bot.says("Stopping")
    held.release()
    assert await own_world.bot.ended(within=STOP_SECONDS) == 0
    assert _title(await exchange.answer()) == owner_of(account)


async def test_stop_while_the_api_is_silent(own_world: ProcessWorld) -> None:
    """A bot that stops while the API is silent answers that it restarts, and ends within ten seconds."""
    account, held = own_world.add_account(), own_world.hold_api()
    early = await own_world.discord.slash(account)
    await held.called.wait()
    own_world.bot.signal(signal.SIGTERM)
    ending = asyncio.create_task(own_world.bot.ended(within=STOP_SECONDS))
    await own_world.bot.says("Stopping")
    late = await own_world.discord.slash(own_world.add_account())
    assert _title(await late.answer(within=1)) == "The bot is restarting"
    # Not only once the bot gives up on the first command.
    assert not early.shown.items
    assert await ending == 0
    shown = await early.answer()
    assert _title(shown) == "The bot is restarting"
    assert shown["flags"] & PRIVATE


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_stop_while_idle(own_world: ProcessWorld, number: signal.Signals) -> None:
    """A bot that stops while idle ends with status 0, and closes its session as Discord expects."""
    own_world.bot.signal(number)
    assert await own_world.bot.ended(within=5) == 0
    assert await own_world.discord.gateway.closes.nth(1) == WSCloseCode.OK


async def test_stop_without_network() -> None:
    """A bot that stops while Discord can't be reached ends with status 0."""
    async with FakeApi({}).serve() as api_url, run_bot(NOWHERE, build_settings(api_url)) as bot:
        await bot.says("Discord can't be reached")
        bot.signal(signal.SIGTERM)
        assert await bot.ended(within=5) == 0


async def test_crash(tmp_path: Path) -> None:
    """An unexpected error ends the bot with status 1 and an indented traceback in the log."""
    clock = tmp_path / "clock"
    clock.write_text("broken")
    async with (
        FakeApi({}).serve() as api_url,
        run_bot(NOWHERE, build_settings(api_url), launch=Launch(clock=clock)) as bot,
    ):
        assert await bot.ended() == 1
        assert "CRITICAL bot: Crashed" in bot.output
        assert "  Traceback" in bot.output


async def test_refused_token_during_a_command() -> None:
    """A useapi.net token that is refused at the start ends the bot after the current command was answered."""
    discord, api = DiscordStandIn(), FakeApi({})
    asked = asyncio.Event()
    released = asyncio.Event()

    async def refuse_late(_request: web.Request) -> web.StreamResponse:
        asked.set()
        await released.wait()
        return web.Response(status=401)

    api.behave = refuse_late
    async with discord.serve() as url, api.serve() as api_url, run_bot(url, build_settings(api_url)) as bot:
        await discord.gateway.ready()
        await asked.wait()
        exchange = await discord.slash("123456")
        await exchange.acknowledgement()
        released.set()
        assert await bot.ended() == 2
        assert _title(await exchange.answer()) == "The bot's useapi.net token was refused"


@pytest.mark.parametrize(("option", "text"), [("--help", "exit status:"), ("--version", "minimax-bot 0.")])
async def test_help_and_version(option: str, text: str) -> None:
    """Help and version need no settings and end with status 0."""
    async with run_bot(NOWHERE, {}, option) as bot:
        assert await bot.ended() == 0
        assert text in bot.output


async def test_demo_without_its_packages() -> None:
    """Without its packages the demo says how to install them, and ends with status 2."""
    async with run_bot(NOWHERE, {}, "demo", launch=Launch(missing=("simcord",))) as bot:
        assert await bot.ended() == 2
        assert "pip install -r requirements/demo.txt" in bot.output
