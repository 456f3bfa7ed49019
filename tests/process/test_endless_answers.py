"""An API that answers byte by byte without end makes nobody wait longer than a silent one."""

from dataclasses import replace
from datetime import timedelta

from bot.core.timing import DEFAULT_TIMING
from tests.support.hostile import drip
from tests.support.process.deployment import Deployment


async def test_endless_answers(sqlite_deployment: Deployment) -> None:
    """Look-ups end with an error, completion offers the known accounts, and reminders go on once the API recovers."""
    discord, account = sqlite_deployment.discord, sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    async with sqlite_deployment.run(replace(DEFAULT_TIMING, api_budget=0.4)) as bot:
        await discord.gateway.ready()
        await sqlite_deployment.channels.message_in(channel)
        sqlite_deployment.api.behave = drip
        # The last answer is too old to be reused.
        sqlite_deployment.set_clock(timedelta(seconds=90))
        await bot.says("The accounts can't be read: AnswerCutOff", nth=2)
        typing = await discord.type_in(account)
        (choice,) = (await typing.acknowledgement()).json["data"]["choices"]
        assert choice["value"] == account
        exchange = await discord.slash(account)
        assert (await exchange.answer())["embeds"][0]["title"] == "useapi.net's answer can't be read"
        second = sqlite_deployment.add_account()
        sqlite_deployment.api.behave = None
        await sqlite_deployment.channels.message_in(channel, nth=2)
        await sqlite_deployment.polls()
    assert [sqlite_deployment.count_mentions(channel, one) for one in (account, second)] == [1, 1]
