"""When the PostgreSQL server crashes and restarts, each reminder arrives, and only once."""

import asyncio
from dataclasses import replace

from tests.support.network import NOWHERE
from tests.support.postgres import Postgres
from tests.support.process.deployment import open_deployment, shortened
from tests.support.wire.channels import Moment
from tests.support.wire.process import run_bot
from tests.support.wire.standins import build_settings

_FAST = replace(shortened(0.1), lease_seconds=2.0)


async def test_server_crashes_during_a_post(postgres: Postgres) -> None:
    """A post during the crash arrives once; the bot recovers by itself, without a traceback."""
    async with open_deployment(postgres.create()) as deployment:
        channel = await deployment.add_subscription()

        def crash(_channel_id: int) -> bool:
            deployment.channels.hooks.clear()
            postgres.crash()
            return True

        async with deployment.run(_FAST) as bot:
            await deployment.polls(1)
            deployment.channels.hooks[Moment.STORED] = crash
            first = deployment.add_account()
            try:
                await bot.says("The lease can't be taken")
            finally:
                await asyncio.to_thread(postgres.start)
            second = deployment.add_account()
            await deployment.channels.message_in(channel, nth=2)
            await deployment.polls()
        assert [deployment.count_mentions(channel, one) for one in (first, second)] == [1, 1]
        assert "Traceback" not in bot.output
        assert "another process" not in bot.output


async def test_server_is_away_at_the_start(postgres: Postgres) -> None:
    """Without the server the bot ends with a message, and with status 1, so that its service manager restarts it."""
    url = postgres.create()
    postgres.crash()
    try:
        async with run_bot(NOWHERE, build_settings(NOWHERE, DATABASE_URL=url)) as bot:
            assert await bot.ended() == 1
    finally:
        postgres.start()
    assert bot.output.startswith("The database can't be used: it can't be opened")
    assert "Traceback" not in bot.output
