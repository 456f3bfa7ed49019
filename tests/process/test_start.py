"""What a bot does and says at its start."""

import pytest
from aiohttp import web

from bot.runtime import say_ready
from bot.useapi.fake import FakeApi
from tests.support.network import closed_port
from tests.support.process.world import ProcessWorld, open_process_world
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.process import run_bot
from tests.support.wire.rest import reset
from tests.support.wire.standins import build_settings


async def _hang_up(request: web.Request) -> web.StreamResponse:
    return reset(request)


async def test_no_network_at_start() -> None:
    """A bot that starts without a network says so, and works once there is one."""
    discord, api, port = DiscordStandIn(), FakeApi({}), closed_port()
    api.behave = _hang_up
    async with (
        api.serve() as api_url,
        run_bot(f"http://127.0.0.1:{port}", build_settings(api_url)) as bot,
    ):
        await bot.says("Discord can't be reached")
        await bot.says("The accounts can't be read yet")
        api.behave = None
        async with discord.serve(port):
            world = ProcessWorld(discord, api, bot)
            await discord.gateway.ready()
            assert (await (await discord.slash(world.add_account())).answer())["embeds"]
            assert await bot.stop() == 0


@pytest.mark.parametrize(
    ("servers", "accounts", "reminders", "text"),
    [
        (0, 3, 0, "0 servers, 3 accounts, 0 reminders. Next: invite the bot; the command `check` prints the link."),
        (1, 0, 0, "1 server, 0 accounts, 0 reminders. Next: add your MiniMax accounts at useapi.net."),
        (1, 10, 0, "1 server, 10 accounts, 0 reminders. Next: run /minimax-reminders add in Discord."),
        (1, None, 0, "1 server, no accounts read yet, 0 reminders. Next: run /minimax-reminders add in Discord."),
        (2, 1, 1, "2 servers, 1 account, 1 reminder."),
    ],
)
def test_the_log_names_the_next_step(servers: int, accounts: int | None, reminders: int, text: str) -> None:
    """The line counts what the start has found, and ends with what is left to do."""
    assert say_ready(servers, accounts, reminders) == f"Ready: {text}"


async def test_a_start_ends_with_the_next_step() -> None:
    """Once the accounts were read and the commands are registered, the log says once what to do next."""
    async with open_process_world() as world:
        await world.bot.says("Ready: 1 server, 0 accounts, 0 reminders. Next: add your MiniMax accounts")
        await world.discord.gateway.close(4000)
        await world.discord.gateway.ready(nth=2)
        await (await world.discord.slash(world.add_account())).answer()
        assert world.bot.output.count("Ready: ") == 1
        assert await world.bot.stop() == 0
    log = world.bot.output
    assert log.count("Created the database") == 1
    assert " alembic." not in log
    assert " discord." not in log
    assert log.splitlines()[-1].endswith(" bot: Stopped")
