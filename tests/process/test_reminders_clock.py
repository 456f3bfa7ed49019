"""Reminders of a bot whose clock jumps: each arrives, and arrives once."""

from datetime import timedelta
from http import HTTPStatus

from tests.support.process.scene import Reminding
from tests.support.wire.channels import FORBIDDEN, Moment

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_NONE = timedelta(0)
# Two seconds between tries become 20 ms; the two minutes in which a nonce is safe 1.2 s.
_FAST = {"REMINDER_TEST_SCALE": "0.01"}


async def test_between_passes(sqlite_reminding: Reminding) -> None:
    """A clock that jumps ahead lets the bot say what it crosses, once; one that jumps back repeats nothing."""
    account = sqlite_reminding.add_account(days=20)
    channel = await sqlite_reminding.add_subscription()
    async with sqlite_reminding.run():
        await sqlite_reminding.polls(1)
        for number, days in enumerate((6, 17, 20), start=1):
            sqlite_reminding.set_clock(days * _DAY)
            await sqlite_reminding.channels.message_in(channel, nth=number)
            sqlite_reminding.set_clock(-days * _HOUR)
            await sqlite_reminding.polls(1)
        added = sqlite_reminding.add_account()
        await sqlite_reminding.channels.message_in(channel, nth=4)
    await sqlite_reminding.run_through()
    assert [sqlite_reminding.times_told(channel, one) for one in (account, added)] == [3, 1]


async def test_during_a_post(sqlite_reminding: Reminding) -> None:
    """A clock that jumps before a post is stored, or before it is answered, loses and doubles nothing, nor waits."""
    channel, accounts = await sqlite_reminding.add_subscription(), []
    async with sqlite_reminding.run(**_FAST):
        for ahead in (3 * _DAY, -5 * _HOUR, 9 * _DAY, _NONE):
            for moment in (Moment.ARRIVED, Moment.STORED):
                _jump_at(sqlite_reminding, moment, ahead)
                accounts.append(sqlite_reminding.add_account(days=-1))
                await sqlite_reminding.channels.message_in(channel, nth=len(accounts))
        await sqlite_reminding.polls()
    assert [sqlite_reminding.times_told(channel, account) for account in accounts] == [1] * len(accounts)


def _jump_at(scene: Reminding, moment: Moment, ahead: timedelta) -> None:
    """Let the clock jump at this moment of the next post, and the post's answer get lost."""

    def jump(_channel_id: int) -> bool:
        scene.channels.hooks.clear()
        scene.set_clock(ahead)
        return False

    scene.channels.hooks[moment] = jump


async def test_across_crashes(sqlite_reminding: Reminding) -> None:
    """Killed amid a post, and started so much later that nonces are forgotten, with another time: one reminder each."""
    channel, accounts = await sqlite_reminding.add_subscription(), []
    moments = (Moment.STORED, Moment.STORED, Moment.ARRIVED, Moment.ARRIVED)
    for moment, ahead in zip(moments, (5 * _HOUR, _NONE, -5 * _HOUR, 9 * _DAY), strict=True):
        accounts.append(sqlite_reminding.add_account(days=-1))
        await sqlite_reminding.killed_at(moment)
        sqlite_reminding.channels.forget_nonces()
        sqlite_reminding.set_clock(ahead)
    await sqlite_reminding.run_through()
    assert [sqlite_reminding.times_told(channel, account) for account in accounts] == [1] * len(accounts)


async def test_set_back_while_a_channel_refuses(sqlite_reminding: Reminding) -> None:
    """A channel that refused is tried again after its own wait, not after the hours by which a clock was set back."""
    account = sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    rest = sqlite_reminding.discord.rest
    rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_reminding.run(**_FAST) as bot:
        await bot.says("takes no reminder")
        sqlite_reminding.set_clock(-5 * _HOUR)
        rest.faults.clear()
        await sqlite_reminding.channels.message_in(channel)
        await sqlite_reminding.polls()
    assert sqlite_reminding.times_told(channel, account) == 1
