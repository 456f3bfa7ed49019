"""`healthcheck`, the health report and warnings about settings, with a real process."""

from contextlib import AsyncExitStack

from bot.useapi.fake import FakeApi
from tests.support.process.world import ProcessWorld
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.process import run_bot
from tests.support.wire.standins import build_settings


async def test_a_running_bot_is_healthy_and_a_stopped_one_is_not(own_world: ProcessWorld) -> None:
    """The check beside a running bot ends with status 0, and with 1 once that has stopped."""
    await own_world.bot.says("Connected to Discord")
    assert await own_world.bot.run_beside("healthcheck") == (0, "The bot is healthy.")
    await own_world.bot.stop()
    status, output = await own_world.bot.run_beside("healthcheck")
    assert status == 1
    assert "isn't running" in output


async def test_a_bot_that_has_not_connected_is_not_healthy() -> None:
    """A process that runs but has never reached Discord is not healthy."""
    discord = DiscordStandIn()
    discord.gateway.upgrades_to_refuse = 1000
    async with discord.serve() as url, FakeApi({}).serve() as api_url, run_bot(url, build_settings(api_url)) as bot:
        await bot.says("Connecting again")
        assert await bot.run_beside("healthcheck") == (1, "The bot has not connected to Discord yet.")


async def test_a_report_that_cannot_be_written_changes_no_exit_status() -> None:
    """A bot that can't write its report warns, works, and stops with status 0."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(DiscordStandIn().serve())
        api_url = await stack.enter_async_context(FakeApi({}).serve())
        bot = await stack.enter_async_context(run_bot(url, build_settings(api_url), blocked="data/health.json.new"))
        await bot.says("health.json can't be written")
        await bot.says("useapi.net answers")
        assert await bot.stop() == 0


async def test_a_database_that_cannot_be_opened() -> None:
    """A bot that can't create the file of its database ends with status 2 and the reason."""
    async with DiscordStandIn().serve() as url, FakeApi({}).serve() as api_url:
        settings = build_settings(api_url, DATABASE_URL="sqlite+aiosqlite:////proc/nowhere/bot.db")
        async with run_bot(url, settings) as bot:
            assert await bot.ended() == 2
            assert "The database can't be used" in bot.output
            assert "Traceback" not in bot.output


async def test_warnings_about_settings() -> None:
    """At its start the bot warns of a `.env` that others can read and of a name that is nearly a setting."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(DiscordStandIn().serve())
        api_url = await stack.enter_async_context(FakeApi({}).serve())
        settings = build_settings(api_url)
        bot = await stack.enter_async_context(run_bot(url, settings, dotenv="LOG_LEVELS=DEBUG\n"))
        assert "chmod 600 .env" in await bot.says(".env can be read by others")
        assert await bot.says("Unknown setting LOG_LEVELS. Did you mean LOG_LEVEL?")
