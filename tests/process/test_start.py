"""A bot that is started without a network."""

from aiohttp import web

from bot.useapi.fake import FakeApi
from tests.support.network import closed_port
from tests.support.process.world import ProcessWorld
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
