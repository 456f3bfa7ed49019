"""An API that answers byte by byte and never to the end: nobody waits longer than for one that is silent."""

from datetime import timedelta

from tests.support.hostile import drip
from tests.support.process.scene import Reminding
from tests.support.wire.interactions import DEADLINE


async def test_answers_that_drip(sqlite_reminding: Reminding) -> None:
    """Look-ups end in words, completion offers what was known, and reminders come once the API is well again."""
    discord, account = sqlite_reminding.discord, sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    async with sqlite_reminding.run(API_TEST_BUDGET="0.4") as bot:
        await discord.gateway.ready()
        await sqlite_reminding.channels.message_in(channel)
        sqlite_reminding.api.behave = drip
        # From now on what was read is too old to be taken for the answer.
        sqlite_reminding.set_clock(timedelta(seconds=90))
        await bot.says("The accounts can't be read: UnreadableAnswer", nth=2)
        typing = await discord.type_in(account)
        (choice,) = (await typing.acknowledgement()).json["data"]["choices"]
        assert choice["value"] == account
        exchange = await discord.slash(account)
        assert (await exchange.answer())["embeds"][0]["title"] == "useapi.net's answer can't be read"
        assert max(typing.seconds_to_acknowledge(), exchange.seconds_to_answer()) < DEADLINE
        second = sqlite_reminding.add_account()
        sqlite_reminding.api.behave = None
        await sqlite_reminding.channels.message_in(channel, nth=2)
        await sqlite_reminding.polls()
    assert [sqlite_reminding.times_told(channel, one) for one in (account, second)] == [1, 1]
