"""Tests of `healthcheck` and of the doubts about settings, with a real process."""

from contextlib import AsyncExitStack

from bot.useapi.standin import StandIn
from tests.process.stage import Stage, build_settings
from tests.wire.discord_standin import DiscordStandIn
from tests.wire.process import run_bot


async def test_a_running_bot_is_well_and_a_stopped_one_is_not(own_stage: Stage) -> None:
    """The check beside a running bot ends with status 0, and with 1 once that has stopped."""
    assert await own_stage.bot.run_beside("healthcheck") == (0, "The bot is well.")
    await own_stage.bot.stop()
    status, output = await own_stage.bot.run_beside("healthcheck")
    assert status == 1
    assert "not running" in output


async def test_doubtful_settings_are_warned_about() -> None:
    """A `.env` that others can read and a name that is nearly a setting are warned about at the start."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(DiscordStandIn().serve())
        api_url = await stack.enter_async_context(StandIn({}).serve())
        settings = build_settings(api_url)
        bot = await stack.enter_async_context(run_bot(url, settings, dotenv="LOG_LEVELS=DEBUG\n"))
        assert "chmod 600 .env" in await bot.says(".env can be read by others")
        assert "Was LOG_LEVEL meant?" in await bot.says("LOG_LEVELS is no setting")
