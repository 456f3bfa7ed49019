"""Reminders of a bot that lives on while others have trouble: each arrives, and arrives once."""

from http import HTTPStatus

import pytest
from aiohttp import web

from tests.support.process.scene import Reminding
from tests.support.wire.channels import FORBIDDEN, Moment
from tests.support.wire.payloads import CHANNEL_ID

# Two seconds between tries become 20 ms; the two minutes in which a nonce is safe 1.2 s.
_FAST = {"REMINDER_TEST_SCALE": "0.01"}


async def test_one_reminder_for_a_command(sqlite_reminding: Reminding) -> None:
    """An account that expires in two days, watched by command, is told of once, over many passes and restarts."""
    account = sqlite_reminding.add_account()
    channel = int(CHANNEL_ID)
    async with sqlite_reminding.run(REMINDER_TEST_INTERVAL="1"):
        await sqlite_reminding.discord.gateway.ready()
        added = await (await sqlite_reminding.discord.manage("add", account=account)).answer()
        assert added["embeds"][0]["title"] == "Reminder added"
        message = await sqlite_reminding.channels.message_in(channel)
        await sqlite_reminding.polls(1)
    await sqlite_reminding.run_through()
    await sqlite_reminding.run_through()
    assert sqlite_reminding.times_told(channel, account) == 1
    assert "expires in 2 days" in message["content"]
    assert "How to renew" in str(message["components"])


async def test_renewal_is_said_once(reminding: Reminding) -> None:
    """An account that was renewed after its reminder is told of once more, as renewed, over passes and a restart."""
    account = reminding.add_account()
    channel = await reminding.add_subscription()
    async with reminding.run():
        await reminding.channels.message_in(channel)
        reminding.set_expiry(account, days=30)
        renewed = await reminding.channels.message_in(channel, nth=2)
        await reminding.polls()
    await reminding.run_through()
    assert reminding.times_told(channel, account) == 2
    assert "is renewed" in renewed["content"]


async def test_outage_of_discord(sqlite_reminding: Reminding) -> None:
    """While Discord fails, longer than all tries take, nothing is lost; when it is well again, nothing is doubled."""
    account = sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    rest = sqlite_reminding.discord.rest
    rest.fail("POST", "/channels/", HTTPStatus.SERVICE_UNAVAILABLE)
    rest.fail("GET", "/channels/", HTTPStatus.SERVICE_UNAVAILABLE)
    async with sqlite_reminding.run(**_FAST):
        await rest.request("GET", "/channels/", nth=2)
        assert not sqlite_reminding.channels.messages.items
        rest.faults.clear()
        await sqlite_reminding.channels.message_in(channel)
        await sqlite_reminding.polls()
    assert sqlite_reminding.times_told(channel, account) == 1


@pytest.mark.parametrize("status", [None, HTTPStatus.INTERNAL_SERVER_ERROR])
async def test_answer_lost(sqlite_reminding: Reminding, status: int | None) -> None:
    """A message that was stored while its answer got lost is not posted again."""
    account = sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    sqlite_reminding.channels.lose_answer(channel, status)
    async with sqlite_reminding.run():
        await sqlite_reminding.channels.posts.nth(2)
        await sqlite_reminding.polls()
    assert sqlite_reminding.times_told(channel, account) == 1
    assert len(sqlite_reminding.channels.posts) == 2


@pytest.mark.parametrize("status", [None, HTTPStatus.INTERNAL_SERVER_ERROR])
async def test_answer_lost_then_refused(sqlite_reminding: Reminding, status: int | None) -> None:
    """A refusal of the second try does not mean that the first, whose answer got lost, did not arrive."""
    account = sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    sqlite_reminding.channels.lose_answer(channel, status)
    rest = sqlite_reminding.discord.rest

    def refuse_from_now_on(_channel_id: int) -> bool:
        rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN, times=1)
        return True

    sqlite_reminding.channels.hooks[Moment.STORED] = refuse_from_now_on
    async with sqlite_reminding.run(**_FAST):
        await rest.request("POST", "/channels/", nth=2)
        sqlite_reminding.channels.hooks.clear()
        await sqlite_reminding.polls()
    assert sqlite_reminding.times_told(channel, account) == 1


async def test_killed_then_refused(sqlite_reminding: Reminding) -> None:
    """A refusal after a restart does not mean that what was posted before the crash did not arrive."""
    account = sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    await sqlite_reminding.killed_at(Moment.STORED)
    sqlite_reminding.discord.rest.fail("POST", "/channels/", HTTPStatus.FORBIDDEN, code=FORBIDDEN, times=1)
    await sqlite_reminding.run_through(**_FAST)
    assert sqlite_reminding.times_told(channel, account) == 1


async def test_deleted_before_the_second_try(sqlite_reminding: Reminding) -> None:
    """A message that arrived, and was deleted before a restarted bot could ask, is not posted again."""
    account = sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    await sqlite_reminding.killed_at(Moment.STORED)
    sqlite_reminding.channels.delete(sqlite_reminding.channels.messages.items[0])
    await sqlite_reminding.run_through()
    assert sqlite_reminding.times_told(channel, account) == 1


async def test_outage_of_the_api(sqlite_reminding: Reminding) -> None:
    """While the API fails nothing is said; what came due meanwhile is said once when it is well again."""
    account = sqlite_reminding.add_account(days=14.5)
    channel = await sqlite_reminding.add_subscription()

    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=HTTPStatus.BAD_GATEWAY)

    async with sqlite_reminding.run():
        await sqlite_reminding.polls(1)
        sqlite_reminding.api.behave = fail
        await sqlite_reminding.polls(1)
        sqlite_reminding.set_expiry(account, days=14)
        assert not sqlite_reminding.channels.messages.items
        sqlite_reminding.api.behave = None
        await sqlite_reminding.channels.message_in(channel)
        await sqlite_reminding.polls()
    assert sqlite_reminding.times_told(channel, account) == 1


async def test_channel_that_refuses(sqlite_reminding: Reminding) -> None:
    """A channel that takes no messages keeps none from another, is named in the log, and is tried again later."""
    account = sqlite_reminding.add_account()
    refusing, open_one = await sqlite_reminding.add_subscription(), await sqlite_reminding.add_subscription()
    rest = sqlite_reminding.discord.rest
    rest.fail("POST", f"/channels/{refusing}/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_reminding.run(**_FAST) as bot:
        await bot.says(f"Channel {refusing} takes no reminder (the bot lacks a right in the channel)")
        await sqlite_reminding.channels.message_in(open_one)
        await rest.request("POST", f"/channels/{refusing}/", nth=2)
        rest.faults.clear()
        await sqlite_reminding.channels.message_in(refusing)
        await sqlite_reminding.polls()
    assert [sqlite_reminding.times_told(one, account) for one in (refusing, open_one)] == [1, 1]


async def test_channel_that_refuses_once(sqlite_reminding: Reminding) -> None:
    """A channel is tried again when its wait is over, though the next regular look at the accounts is far away."""
    sqlite_reminding.add_account()
    channel = await sqlite_reminding.add_subscription()
    rest = sqlite_reminding.discord.rest
    rest.fail("POST", f"/channels/{channel}/", HTTPStatus.FORBIDDEN, code=FORBIDDEN)
    async with sqlite_reminding.run(**_FAST | {"REMINDER_TEST_INTERVAL": "1800"}):
        await rest.request("POST", f"/channels/{channel}/")
        rest.faults.clear()
        await sqlite_reminding.channels.message_in(channel)


async def test_channel_that_hangs(sqlite_reminding: Reminding) -> None:
    """A channel that never answers keeps nothing from another, neither in this pass nor in a later one."""
    first = sqlite_reminding.add_account()
    silent, open_one = await sqlite_reminding.add_subscription(), await sqlite_reminding.add_subscription()
    sqlite_reminding.channels.hanging.add(silent)
    async with sqlite_reminding.run(**_FAST):
        await sqlite_reminding.channels.message_in(open_one)
        second = sqlite_reminding.add_account()
        await sqlite_reminding.channels.message_in(open_one, nth=2)
        sqlite_reminding.channels.hanging.clear()
        await sqlite_reminding.channels.message_in(silent)
        await sqlite_reminding.polls()
    told = [sqlite_reminding.times_told(channel, one) for channel in (silent, open_one) for one in (first, second)]
    assert told == [1, 1, 1, 1]


async def test_second_process_on_one_file(sqlite_reminding: Reminding) -> None:
    """A second bot on the same SQLite file does not start, and says why; the first goes on."""
    channel = await sqlite_reminding.add_subscription()
    async with sqlite_reminding.run() as bot:
        await bot.says("useapi.net answers")
        status, output = await bot.run_beside()
        assert status == 2
        assert "Another bot already works with" in output
        sqlite_reminding.add_account()
        await sqlite_reminding.channels.message_in(channel)
