"""How the bot ends when it is told to."""

import asyncio
import signal

import pytest
from aiohttp import WSCloseCode, web

from bot.useapi.fake import FakeApi
from tests.support.process.stage import Stage, build_settings
from tests.support.wire.discord_standin import DiscordStandIn
from tests.support.wire.payloads import PRIVATE
from tests.support.wire.process import run_bot

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
    async with FakeApi({}).serve() as api_url, run_bot(NOWHERE, build_settings(api_url)) as bot:
        await bot.says("Discord can't be reached")
        bot.signal(signal.SIGTERM)
        assert await bot.ended(within=5) == 0


async def test_crash() -> None:
    """An end that nobody foresaw is status 1, with its traceback in the log, line by line redacted and indented."""
    async with (
        FakeApi({}).serve() as api_url,
        run_bot(NOWHERE, build_settings(api_url, CRASH_TEST="unforeseen")) as bot,
    ):
        assert await bot.ended() == 1
        assert "CRITICAL bot: Crashed" in bot.output
        assert "  Traceback" in bot.output


async def test_refused_token_with_command_in_flight() -> None:
    """A useapi.net token that is refused at the start ends the bot only after the command it is at was answered."""
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
async def test_questions_about_the_command(option: str, text: str) -> None:
    """Help and version need no setting and end with status 0."""
    async with run_bot(NOWHERE, {}, option) as bot:
        assert await bot.ended() == 0
        assert text in bot.output


async def test_demo_without_its_packages() -> None:
    """Without the demo's packages the demo says which to install, and ends with status 2."""
    async with run_bot(NOWHERE, {"WITHOUT_PACKAGES": "simcord"}, "demo") as bot:
        assert await bot.ended() == 2
        assert "pip install -r requirements/demo.txt" in bot.output
