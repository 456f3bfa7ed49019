"""An hour without Discord, in a few seconds: the bot recovers by itself, and no reminder is lost or doubled."""

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.support.network import closed_port
from tests.support.process.deployment import Deployment, shortened

# The waits of an hour take a few seconds.
_FAST = replace(shortened(0.002), reconnect_first=0.01, reconnect_most=3.0)
_HOUR = timedelta(hours=1)
_MOST_ATTEMPTS = 60


async def test_outage_of_an_hour(tmp_path: Path) -> None:
    """A reminder that falls due in an outage of an hour is sent once when Discord is back, and commands work again."""
    deployment, port = Deployment(f"sqlite+aiosqlite:///{tmp_path}/bot.db", tmp_path), closed_port()
    deployment.discord_url = f"http://127.0.0.1:{port}"
    gateway = deployment.discord.gateway
    async with deployment.api.serve() as deployment.api_url, AsyncExitStack() as stack:
        async with deployment.discord.serve(port):
            account, channel = deployment.add_account(days=14), await deployment.add_subscription()
            bot = await stack.enter_async_context(deployment.run(_FAST))
            await deployment.channels.message_in(channel)
        deployment.set_expiry(account, days=7)
        second = deployment.add_account()
        deployment.set_clock(_HOUR)
        await bot.says("refuses messages (Discord can't be reached)", nth=2)
        attempts = len(bot.lines.matching(lambda line: "Attempting a reconnect" in line))
        async with deployment.discord.serve(port):
            await deployment.channels.message_in(channel, nth=2)
            assert (await (await deployment.discord.slash(second)).answer())["embeds"]
            await deployment.polls()
        # Discord is away once more while the bot stops.
    sent = [deployment.count_mentions(channel, one) for one in (account, second)]
    assert sent == [2, 1]
    assert attempts < _MOST_ATTEMPTS
    assert gateway.identifies <= 2
