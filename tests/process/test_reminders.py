"""While Discord, the API or a channel fails, each reminder arrives, and only once."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import pytest
from aiohttp import web

from bot.core.timing import DEFAULT_TIMING
from tests.support.process.deployment import Deployment, shortened
from tests.support.wire.channels import FORBIDDEN, Moment
from tests.support.wire.payloads import CHANNEL_ID

# Two seconds between attempts become 20 ms, the two minutes of a nonce 1.2 s.
_FAST = shortened(0.01)


async def test_reminder_added_by_command(sqlite_deployment: Deployment) -> None:
    """A reminder that a command adds is sent once for an account, over many polls and restarts."""
    account = sqlite_deployment.add_account()
    channel = int(CHANNEL_ID)
    async with sqlite_deployment.run(replace(DEFAULT_TIMING, poll_interval=timedelta(seconds=1))):
        await sqlite_deployment.discord.gateway.ready()
        added = await (await sqlite_deployment.discord.manage("add", account=account)).answer()
        assert added["embeds"][0]["title"] == "Reminder added"
        message = await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls(1)
    await sqlite_deployment.run_through()
    await sqlite_deployment.run_through()
    assert sqlite_deployment.count_mentions(channel, account) == 1
    assert "expires within 2 days" in message["content"]
    assert "How to renew" in str(message["components"])


async def test_renewal_is_announced_once(deployment: Deployment) -> None:
    """A renewal after a reminder is announced once, over several polls and a restart."""
    account = deployment.add_account()
    channel = await deployment.add_subscription()
    async with deployment.run():
        await deployment.channels.message_in(channel)
        deployment.set_expiry(account, days=30)
        renewed = await deployment.channels.message_in(channel, nth=2)
        await deployment.polls()
    await deployment.run_through()
    assert deployment.count_mentions(channel, account) == 2
    assert "login renewed" in renewed["content"]


async def test_outage_of_discord(sqlite_deployment: Deployment) -> None:
    """An outage of Discord that is longer than all attempts neither loses nor doubles a reminder."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    rest.fail("POST", "/channels/", HTTPStatus.SERVICE_UNAVAILABLE)
    rest.fail("GET", "/channels/", HTTPStatus.SERVICE_UNAVAILABLE)
    async with sqlite_deployment.run(_FAST):
        await rest.request("GET", "/channels/", nth=2)
        assert not sqlite_deployment.channels.messages.items
        rest.faults.clear()
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1


@pytest.mark.parametrize("status", [None, HTTPStatus.INTERNAL_SERVER_ERROR])
async def test_answer_lost(sqlite_deployment: Deployment, status: int | None) -> None:
    """A message that Discord stored, but whose answer was lost, is not posted again."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    sqlite_deployment.channels.lose_answer(channel, status)
    async with sqlite_deployment.run():
        await sqlite_deployment.channels.posts.nth(2)
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1
    assert len(sqlite_deployment.channels.posts) == 2


@pytest.mark.parametrize("status", [None, HTTPStatus.INTERNAL_SERVER_ERROR])
async def test_answer_lost_then_refused(sqlite_deployment: Deployment, status: int | None) -> None:
    """A refusal of the second attempt does not undo the first, which was stored but whose answer was lost."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    sqlite_deployment.channels.lose_answer(channel, status)
    rest = sqlite_deployment.discord.rest

    def refuse_from_now_on(_channel_id: int) -> bool:
        rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN, times=1)
        return True

    sqlite_deployment.channels.hooks[Moment.STORED] = refuse_from_now_on
    async with sqlite_deployment.run(_FAST):
        await rest.request("POST", "/channels/", nth=2)
        sqlite_deployment.channels.hooks.clear()
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1


async def test_killed_then_refused(sqlite_deployment: Deployment) -> None:
    """A refusal after a restart does not undo the post before the crash."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    await sqlite_deployment.killed_at(Moment.STORED)
    sqlite_deployment.discord.rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN, times=1)
    await sqlite_deployment.run_through(_FAST)
    assert sqlite_deployment.count_mentions(channel, account) == 1


async def test_deleted_before_the_second_attempt(sqlite_deployment: Deployment) -> None:
    """A message that was sent, and deleted before the restarted bot tried again, is not posted again."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    await sqlite_deployment.killed_at(Moment.STORED)
    sqlite_deployment.channels.delete(sqlite_deployment.channels.messages.items[0])
    await sqlite_deployment.run_through()
    assert sqlite_deployment.count_mentions(channel, account) == 1


async def test_outage_of_the_api(sqlite_deployment: Deployment) -> None:
    """While the API fails no reminder is sent; one that falls due meanwhile is sent once when it recovers."""
    account = sqlite_deployment.add_account(days=14.5)
    channel = await sqlite_deployment.add_subscription()

    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=HTTPStatus.BAD_GATEWAY)

    async with sqlite_deployment.run():
        await sqlite_deployment.polls(1)
        sqlite_deployment.api.behave = fail
        await sqlite_deployment.polls(1)
        sqlite_deployment.set_expiry(account, days=14)
        assert not sqlite_deployment.channels.messages.items
        sqlite_deployment.api.behave = None
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert sqlite_deployment.count_mentions(channel, account) == 1


async def test_channel_that_refuses(sqlite_deployment: Deployment) -> None:
    """A channel that refuses messages holds up no other, is named in the log, and is tried again later."""
    account = sqlite_deployment.add_account()
    refusing, open_one = await sqlite_deployment.add_subscription(), await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    rest.fail("POST", f"/channels/{refusing}/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_deployment.run(_FAST) as bot:
        await bot.says(f"Channel {refusing} refuses messages (the bot lacks a permission in the channel)")
        await sqlite_deployment.channels.message_in(open_one)
        await rest.request("POST", f"/channels/{refusing}/", nth=2)
        rest.faults.clear()
        await sqlite_deployment.channels.message_in(refusing)
        await sqlite_deployment.polls()
    assert [sqlite_deployment.count_mentions(one, account) for one in (refusing, open_one)] == [1, 1]


async def test_channel_that_refuses_once(sqlite_deployment: Deployment) -> None:
    """A channel is tried again when its wait is over, although the next regular poll is far away."""
    sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    rest = sqlite_deployment.discord.rest
    rest.fail("POST", f"/channels/{channel}/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_deployment.run(replace(_FAST, poll_interval=timedelta(minutes=30))):
        await rest.request("POST", f"/channels/{channel}/")
        rest.faults.clear()
        await sqlite_deployment.channels.message_in(channel)


async def test_channel_that_hangs(sqlite_deployment: Deployment) -> None:
    """A channel that never answers holds up no other, in this poll or a later one."""
    first = sqlite_deployment.add_account()
    silent, open_one = await sqlite_deployment.add_subscription(), await sqlite_deployment.add_subscription()
    sqlite_deployment.channels.hanging.add(silent)
    async with sqlite_deployment.run(_FAST):
        await sqlite_deployment.channels.message_in(open_one)
        second = sqlite_deployment.add_account()
        await sqlite_deployment.channels.message_in(open_one, nth=2)
        sqlite_deployment.channels.hanging.clear()
        await sqlite_deployment.channels.message_in(silent)
        await sqlite_deployment.polls()
    sent = [sqlite_deployment.count_mentions(channel, one) for channel in (silent, open_one) for one in (first, second)]
    assert sent == [1, 1, 1, 1]


async def test_second_process_on_one_file(sqlite_deployment: Deployment) -> None:
    """A second bot on the same SQLite file ends with the reason; the first goes on."""
    channel = await sqlite_deployment.add_subscription()
    async with sqlite_deployment.run() as bot:
        await bot.says("useapi.net answers")
        status, output = await bot.run_beside()
        assert status == 2
        assert "Another bot already works with" in output
        sqlite_deployment.add_account()
        await sqlite_deployment.channels.message_in(channel)
