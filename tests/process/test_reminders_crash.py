"""Reminders of a bot that is killed: each arrives, and arrives once."""

import random
import signal
from datetime import timedelta

import pytest

from tests.support.process.scene import Reminding
from tests.support.wire.channels import Moment

# A restart after the lease of a killed process has run out, well within the memory of nonces.
_SOON = timedelta(seconds=20)
# Longer than Discord remembers a nonce.
_LATE = timedelta(minutes=10)
_SEED = 20_260


@pytest.mark.parametrize("moment", list(Moment))
async def test_killed_around_a_post(reminding: Reminding, moment: Moment) -> None:
    """Killed before a post is stored, before it is answered or right after, and started again: one reminder."""
    account = reminding.add_account()
    channel = await reminding.add_subscription(account)
    await reminding.killed_at(moment)
    await reminding.elapse(_SOON)
    await reminding.run_through()
    assert reminding.times_told(channel, account) == 1
    assert len(reminding.channels.messages) == 1


@pytest.mark.parametrize("moment", [Moment.ARRIVED, Moment.STORED])
async def test_down_longer_than_nonces_are_remembered(reminding: Reminding, moment: Moment) -> None:
    """After a crash longer than the memory of nonces, the message is found in the history, or sent if it is not."""
    account = reminding.add_account()
    channel = await reminding.add_subscription(account)
    await reminding.killed_at(moment)
    await reminding.elapse(_LATE)
    reminding.channels.forget_nonces()
    await reminding.run_through()
    assert reminding.times_told(channel, account) == 1
    # Once since its post, and if it is not there, once among the newest.
    assert reminding.channels.searches.items == [channel] * (1 if moment is Moment.STORED else 2)


async def test_killed_before_each_commit(reminding: Reminding) -> None:
    """Killed before the first, second, third ... commit since its start, on and on: one reminder a channel."""
    account = reminding.add_account()
    channels = []
    for number in range(1, 11):
        channels.append(await reminding.add_subscription(account))
        async with reminding.run(REMINDER_TEST_DIE_BEFORE_COMMIT=str(number)) as bot:
            assert await bot.ended(within=20) == -signal.SIGKILL
        await reminding.elapse(_SOON)
    await reminding.run_through()
    assert [reminding.times_told(channel, account) for channel in channels] == [1] * len(channels)


async def test_killed_at_random_moments(reminding: Reminding) -> None:
    """Killed at ten random moments of its posts to several channels: one reminder a channel and account."""
    chance = random.Random(_SEED)
    channels = [await reminding.add_subscription() for _ in range(6)]
    accounts = []
    for _ in range(7):
        accounts.append(reminding.add_account())
        _kill_at_random(reminding, chance)
        async with reminding.run() as bot:
            assert await bot.ended(within=20) == -signal.SIGKILL
        await reminding.elapse(_SOON)
    await reminding.run_through()
    told = {(channel, one): reminding.times_told(channel, one) for channel in channels for one in accounts}
    assert set(told.values()) == {1}, told


def _kill_at_random(reminding: Reminding, chance: random.Random) -> None:
    moment, left = chance.choice(list(Moment)), chance.randint(1, 6)

    def kill(_channel_id: int) -> bool:
        nonlocal left
        left -= 1
        if left:
            return True
        reminding.channels.hooks.clear()
        reminding.bots[-1].signal(signal.SIGKILL)
        return moment is not Moment.ARRIVED

    reminding.channels.hooks[moment] = kill
