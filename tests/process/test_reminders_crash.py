"""When the bot is killed and restarted, each reminder arrives, and only once."""

import random
import signal
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import pytest

from bot.core.timing import DEFAULT_TIMING
from tests.support.process.deployment import Deployment
from tests.support.wire.channels import Moment
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import APPLICATION_ID
from tests.support.wire.rest import MISSING_ACCESS

# The lease of a killed process has run out; Discord still remembers nonces.
_SOON = timedelta(seconds=20)
# Longer than Discord remembers a nonce.
_LATE = timedelta(minutes=10)
# The one member that the stand-in knows.
_PERSON = int(APPLICATION_ID)
_SEED = 20_260
# Half an hour between polls; the 30 and 10 seconds of somebody who renews are shortened.
_CLOSE = replace(
    DEFAULT_TIMING,
    poll_interval=timedelta(minutes=30),
    close_polls_apart=timedelta(seconds=0.3),
    confirm_closely_after=timedelta(seconds=0.1),
)
# From the start of a bot to two after the one that follows the mark of its first message.
_COMMITS = 10


@pytest.mark.parametrize("moment", list(Moment))
async def test_killed_around_a_post(deployment: Deployment, moment: Moment) -> None:
    """A bot that is killed before a post is stored, before its answer, or after it, sends one reminder."""
    account = deployment.add_account()
    channel = await deployment.add_subscription(account)
    await deployment.killed_at(moment)
    await deployment.elapse(_SOON)
    await deployment.run_through()
    assert deployment.count_mentions(channel, account) == 1
    assert len(deployment.channels.messages) == 1


@pytest.mark.parametrize("moment", [Moment.ARRIVED, Moment.STORED])
async def test_off_longer_than_nonces_are_remembered(deployment: Deployment, moment: Moment) -> None:
    """After an absence longer than nonces live, the message is found in the channel's history, or else sent."""
    account = deployment.add_account()
    channel = await deployment.add_subscription(account)
    await deployment.killed_at(moment)
    await deployment.elapse(_LATE)
    deployment.channels.forget_nonces()
    await deployment.run_through()
    assert deployment.count_mentions(channel, account) == 1
    # First since the time of the post, then among the newest messages.
    assert deployment.channels.searches.items == [channel] * (1 if moment is Moment.STORED else 2)


async def test_killed_and_removed_from_the_server(deployment: Deployment) -> None:
    """While the channel can't be seen, a message that may have arrived is neither given up nor sent again."""
    account, rest = deployment.add_account(), deployment.discord.rest
    channel = await deployment.add_subscription(account)
    await deployment.killed_at(Moment.STORED)
    await deployment.elapse(_LATE)
    deployment.channels.forget_nonces()
    for method in ("GET", "POST"):
        rest.fail(method, "/channels/", HTTPStatus.FORBIDDEN, code=MISSING_ACCESS)
    await deployment.run_through()
    rest.faults.clear()
    await deployment.elapse(_LATE)
    await deployment.run_through()
    assert deployment.count_mentions(channel, account) == 1


@pytest.mark.parametrize("moment", [Moment.ARRIVED, Moment.STORED])
async def test_news_without_a_card_is_found_by_its_words(deployment: Deployment, moment: Moment) -> None:
    """The news of a renewal has no card and no footer: it is found in the history by its words, or else sent."""
    account = deployment.add_account()
    channel = await deployment.add_subscription(account)
    await deployment.run_through()
    deployment.set_expiry(account, days=30)
    await deployment.killed_at(moment)
    await deployment.elapse(_LATE)
    deployment.channels.forget_nonces()
    await deployment.run_through()
    _, news = deployment.channels.seen_in(channel)
    assert "MiniMax login renewed" in news["content"]
    assert news["embeds"] == []


async def test_killed_while_somebody_renews(deployment: Deployment) -> None:
    """A bot that is killed after it has read the renewal once goes on reading often, and thanks the person once."""
    account = deployment.add_account()
    channel = await deployment.add_subscription(account)
    await deployment.run_through()
    await deployment.assign(channel, account, _PERSON)
    async with deployment.run(_CLOSE) as bot:
        await deployment.polls()
        deployment.set_expiry(account, days=30)
        await deployment.api.lists.nth(len(deployment.api.lists) + 1)
        bot.signal(signal.SIGKILL)
        assert await bot.ended() == -signal.SIGKILL
    await deployment.elapse(_SOON)
    async with deployment.run(_CLOSE):
        await deployment.channels.message_in(channel, nth=2)
    await deployment.run_through()
    _, news = deployment.channels.seen_in(channel)
    assert f"Thanks, <@{_PERSON}>!" in news["content"]


async def test_killed_before_each_commit(deployment: Deployment) -> None:
    """A bot that is killed before its first, second, third ... commit sends one reminder a channel."""
    account = deployment.add_account()
    channels = []
    for number in range(1, _COMMITS + 1):
        channels.append(await deployment.add_subscription(account))
        async with deployment.run(launch=Launch(die_before_commit=number)) as bot:
            assert await bot.ended() == -signal.SIGKILL
        await deployment.elapse(_SOON)
    await deployment.run_through()
    assert [deployment.count_mentions(channel, account) for channel in channels] == [1] * len(channels)


async def test_killed_at_random_moments(deployment: Deployment) -> None:
    """A bot that is killed at random moments of its posts sends one reminder a channel and account."""
    chance = random.Random(_SEED)
    channels = [await deployment.add_subscription() for _ in range(6)]
    accounts = []
    for _ in range(7):
        accounts.append(deployment.add_account())
        _kill_at_random(deployment, chance)
        async with deployment.run() as bot:
            assert await bot.ended() == -signal.SIGKILL
        await deployment.elapse(_SOON)
    await deployment.run_through()
    sent = {(channel, one): deployment.count_mentions(channel, one) for channel in channels for one in accounts}
    assert set(sent.values()) == {1}, sent


def _kill_at_random(deployment: Deployment, chance: random.Random) -> None:
    moment, left = chance.choice(list(Moment)), chance.randint(1, 6)

    def kill(_channel_id: int) -> bool:
        nonlocal left
        left -= 1
        if left:
            return True
        deployment.channels.hooks.clear()
        deployment.bots[-1].signal(signal.SIGKILL)
        return moment is not Moment.ARRIVED

    deployment.channels.hooks[moment] = kill
