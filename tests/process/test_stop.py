"""How the bot ends when it is told to."""

import asyncio
import signal

import pytest
from aiohttp import WSCloseCode

from bot.useapi.standin import StandIn
from tests.process.stage import Stage, build_settings
from tests.wire.payloads import PRIVATE
from tests.wire.process import run_bot

# A port at which nothing listens.
NOWHERE = "http://127.0.0.1:9"
STOP_SIGNALS = [signal.SIGTERM, signal.SIGINT]


def _title(message: dict[str, list[dict[str, str]]]) -> str:
    return message["embeds"][0]["title"]


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_stop_with_command_in_flight(own_stage: Stage, number: signal.Signals) -> None:
    """Told to stop, the bot answers the command it is at, then ends with status 0 within ten seconds."""
    account, held = own_stage.add_account(), own_stage.hold_api()
    exchange = await own_stage.discord.slash(account)
    await held.called.wait()
    own_stage.bot.signal(number)
    await own_stage.bot.says("Stopping")
    held.release()
    assert await own_stage.bot.ended() == 0
    assert _title(await exchange.answer()) == f"Owner of {account}"


async def test_stop_with_api_silent(own_stage: Stage) -> None:
    """Told to stop while the API is silent, the bot tells everyone that it restarts, and ends within ten seconds."""
    account, held = own_stage.add_account(), own_stage.hold_api()
    early = await own_stage.discord.slash(account)
    await held.called.wait()
    own_stage.bot.signal(signal.SIGTERM)
    ending = asyncio.create_task(own_stage.bot.ended())
    await own_stage.bot.says("Stopping")
    late = await own_stage.discord.slash(own_stage.add_account())
    assert _title(await late.answer(within=1)) == "The bot is restarting"
    assert await ending == 0
    shown = await early.answer()
    assert _title(shown) == "The bot is restarting"
    assert shown["flags"] & PRIVATE


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_stop_while_idle(own_stage: Stage, number: signal.Signals) -> None:
    """Told to stop with nothing to do, the bot ends at once, and closes its session properly."""
    own_stage.bot.signal(number)
    assert await own_stage.bot.ended(within=5) == 0
    assert await own_stage.discord.gateway.closes.nth(1) == WSCloseCode.OK


async def test_stop_without_network() -> None:
    """Told to stop while Discord can't be reached, the bot ends with status 0."""
    async with StandIn({}).serve() as api_url, run_bot(NOWHERE, build_settings(api_url)) as bot:
        await bot.says("Discord can't be reached")
        bot.signal(signal.SIGTERM)
        assert await bot.ended(within=5) == 0
