"""An hour without Discord, in a few seconds: the bot comes back by itself, and nothing is lost or doubled."""

import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from tests.support.process.scene import Reminding

# An hour's waits between tries take a few seconds.
_FAST = {"REMINDER_TEST_SCALE": "0.002", "BACKOFF_TEST_SCALE": "0.01"}
_HOUR = timedelta(hours=1)
_MOST_TRIES = 60


def _free_port() -> int:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port: int = reserved.getsockname()[1]
        return port


async def test_outage_of_an_hour(tmp_path: Path) -> None:
    """What comes due while Discord is away for an hour is said once when it is back, where commands work again."""
    scene, port = Reminding(f"sqlite+aiosqlite:///{tmp_path}/bot.db", tmp_path), _free_port()
    scene.discord_url = f"http://127.0.0.1:{port}"
    gateway = scene.discord.gateway
    async with scene.api.serve() as scene.api_url, AsyncExitStack() as stack:
        async with scene.discord.serve(port):
            account, channel = scene.add_account(days=14), await scene.add_subscription()
            bot = await stack.enter_async_context(scene.run(**_FAST))
            await scene.channels.message_in(channel)
        scene.set_expiry(account, days=7)
        second = scene.add_account()
        scene.set_clock(_HOUR)
        await bot.says("takes no reminder (Discord can't be reached)", nth=2)
        tries = len(bot.lines.matching(lambda line: "Attempting a reconnect" in line))
        async with scene.discord.serve(port):
            await scene.channels.message_in(channel, nth=2)
            assert (await (await scene.discord.slash(second)).answer())["embeds"]
            await scene.polls()
        # Discord goes away once more, just as the bot is told to stop.
    told = [scene.times_told(channel, one) for one in (account, second)]
    assert told == [2, 1]
    assert tries < _MOST_TRIES
    assert gateway.identifies <= 2
