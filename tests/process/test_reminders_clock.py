"""When the bot's clock jumps, each reminder arrives, and only once."""

from datetime import timedelta
from http import HTTPStatus

from tests.support.process.deployment import Deployment, shortened
from tests.support.wire.channels import FORBIDDEN, Moment

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_NONE = timedelta(0)
# Two seconds between attempts become 20 ms, the two minutes of a nonce 1.2 s.
_FAST = shortened(0.01)


async def test_between_polls(sqlite_deployment: Deployment) -> None:
    """A clock that jumps ahead brings the stages that it crosses, once; a jump back repeats none."""
    account = sqlite_deployment.add_account(days=20)
    channel = await sqlite_deployment.add_subscription()
    async with sqlite_deployment.run():
        await sqlite_deployment.polls(1)
        for number, days in enumerate((6, 17, 20), start=1):
            sqlite_deployment.set_clock(days * _DAY)
            await sqlite_deployment.channels.message_in(channel, nth=number)
            sqlite_deployment.set_clock(-days * _HOUR)
            await sqlite_deployment.polls(1)
        added = sqlite_deployment.add_account()
        await sqlite_deployment.channels.message_in(channel, nth=4)
    await sqlite_deployment.run_through()
    assert [sqlite_deployment.count_mentions(channel, one) for one in (account, added)] == [3, 1]


async def test_during_a_post(sqlite_deployment: Deployment) -> None:
    """A jump before a post is stored, or before it is answered, neither loses, doubles nor delays the reminder."""
    channel, accounts = await sqlite_deployment.add_subscription(), []
    async with sqlite_deployment.run(_FAST):
        for ahead in (3 * _DAY, -5 * _HOUR, 9 * _DAY, _NONE):
            for moment in (Moment.ARRIVED, Moment.STORED):
                _jump_at(sqlite_deployment, moment, ahead)
                accounts.append(sqlite_deployment.add_account(days=-1))
                await sqlite_deployment.channels.message_in(channel, nth=len(accounts))
        await sqlite_deployment.polls()
    assert [sqlite_deployment.count_mentions(channel, account) for account in accounts] == [1] * len(accounts)


def _jump_at(deployment: Deployment, moment: Moment, ahead: timedelta) -> None:
    """Let the clock jump at this moment of the next post, and lose the answer to the post."""

    def jump(_channel_id: int) -> bool:
        deployment.channels.hooks.clear()
        deployment.set_clock(ahead)
        return False

    deployment.channels.hooks[moment] = jump


async def test_across_crashes(sqlite_deployment: Deployment) -> None:
    """A bot that is killed during posts, and restarted with another time after the nonces, sends each reminder once."""
    channel, accounts = await sqlite_deployment.add_subscription(), []
    moments = (Moment.STORED, Moment.STORED, Moment.ARRIVED, Moment.ARRIVED)
    for moment, ahead in zip(moments, (5 * _HOUR, _NONE, -5 * _HOUR, 9 * _DAY), strict=True):
        accounts.append(sqlite_deployment.add_account(days=-1))
        await sqlite_deployment.killed_at(moment)
        sqlite_deployment.channels.forget_nonces()
        sqlite_deployment.set_clock(ahead)
    await sqlite_deployment.run_through()
    assert [sqlite_deployment.count_mentions(channel, account) for account in accounts] == [1] * len(accounts)


async def test_set_back_while_a_channel_refuses(sqlite_deployment: Deployment) -> None:
    """A channel that refused is tried again after its wait, not after the hours by which the clock was set back."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_deployment.run(_FAST) as bot:
        await bot.says("refuses messages")
        sqlite_deployment.set_clock(-5 * _HOUR)
        rest.faults.clear()
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1
