"""An hour without Discord, in a few seconds: the bot comes back by itself, and nothing is lost or doubled."""

import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from tests.support.process.deployment import Deployment

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
    deployment, port = Deployment(f"sqlite+aiosqlite:///{tmp_path}/bot.db", tmp_path), _free_port()
    deployment.discord_url = f"http://127.0.0.1:{port}"
    gateway = deployment.discord.gateway
    async with deployment.api.serve() as deployment.api_url, AsyncExitStack() as stack:
        async with deployment.discord.serve(port):
            account, channel = deployment.add_account(days=14), await deployment.add_subscription()
            bot = await stack.enter_async_context(deployment.run(**_FAST))
            await deployment.channels.message_in(channel)
        deployment.set_expiry(account, days=7)
        second = deployment.add_account()
        deployment.set_clock(_HOUR)
        await bot.says("takes no reminder (Discord can't be reached)", nth=2)
        tries = len(bot.lines.matching(lambda line: "Attempting a reconnect" in line))
        async with deployment.discord.serve(port):
            await deployment.channels.message_in(channel, nth=2)
            assert (await (await deployment.discord.slash(second)).answer())["embeds"]
            await deployment.polls()
        # Discord goes away once more, just as the bot is told to stop.
    told = [deployment.count_mentions(channel, one) for one in (account, second)]
    assert told == [2, 1]
    assert tries < _MOST_TRIES
    assert gateway.identifies <= 2
