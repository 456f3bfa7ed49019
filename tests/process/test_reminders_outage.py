"""Reminders of a bot whose PostgreSQL server goes away and comes back: each arrives, and arrives once."""

import asyncio

from tests.support.postgres import Postgres
from tests.support.process.scene import open_reminding
from tests.support.process.stage import build_settings
from tests.support.wire.channels import Moment
from tests.support.wire.process import run_bot

_FAST = {"REMINDER_TEST_LEASE": "2", "REMINDER_TEST_SCALE": "0.1"}


async def test_server_crashes_during_a_post(postgres: Postgres) -> None:
    """What was under way when the server crashed arrives once; the bot goes on by itself, in words, not tracebacks."""
    async with open_reminding(postgres.create()) as scene:
        channel = await scene.add_subscription()

        def crash(_channel_id: int) -> bool:
            scene.channels.hooks.clear()
            postgres.crash()
            return True

        async with scene.run(**_FAST) as bot:
            await scene.polls(1)
            scene.channels.hooks[Moment.STORED] = crash
            first = scene.add_account()
            try:
                await bot.says("The lease can't be taken")
            finally:
                await asyncio.to_thread(postgres.start)
            second = scene.add_account()
            await scene.channels.message_in(channel, nth=2)
            await scene.polls()
        assert [scene.times_told(channel, one) for one in (first, second)] == [1, 1]
        assert "Traceback" not in bot.output
        assert "another process" not in bot.output


async def test_server_is_away_at_the_start(postgres: Postgres) -> None:
    """Without its server the bot ends with words, and with the status of a crash, so that it is started again."""
    nobody, url = "http://127.0.0.1:9", postgres.create()
    postgres.crash()
    try:
        async with run_bot(nobody, build_settings(nobody, DATABASE_URL=url)) as bot:
            assert await bot.ended() == 1
    finally:
        postgres.start()
    assert bot.output.startswith("The database can't be used: it can't be opened")
    assert "Traceback" not in bot.output
