"""A reminder whose content a channel refuses arrives in plainer words, and only once; a board's thread is opened."""

from datetime import timedelta
from http import HTTPStatus

import pytest

from tests.support.process.deployment import Deployment, shortened
from tests.support.wire.channels import Moment, Part
from tests.support.wire.payloads import CHANNEL_ID, Json

_FAST = shortened(0.01)
# Longer than Discord remembers a nonce.
_LATE = timedelta(minutes=10)
_THREAD = int(CHANNEL_ID)


async def add_refusing_channel(deployment: Deployment) -> tuple[str, int]:
    """Set up an account and a subscribed channel that refuses embeds."""
    account, channel = deployment.add_account(), await deployment.add_subscription()
    deployment.channels.refused_parts[channel] = {Part.EMBEDS}
    return account, channel


def only_message_in(deployment: Deployment, channel: int) -> Json:
    """Return the only message of a channel."""
    (message,) = deployment.channels.seen_in(channel)
    return message


async def test_embeds_are_refused(deployment: Deployment) -> None:
    """A reminder arrives as text with its buttons, once, over several polls and a restart; so does its last edit."""
    account, channel = await add_refusing_channel(deployment)
    async with deployment.run() as bot:
        await deployment.channels.message_in(channel)
        await bot.says(f"Channel {channel} refuses a message (Discord refuses the message (code 50035))")
        await deployment.polls()
    await deployment.run_through()
    message = only_message_in(deployment, channel)
    assert account in message["content"]
    assert "expires within 2 days" in message["content"]
    assert message["embeds"] == []
    assert "How to renew" in str(message["components"])
    async with deployment.run():
        deployment.set_expiry(account, days=30)
        await deployment.channels.message_in(channel, nth=2)
        edited = await deployment.channels.edits.nth(1)
    assert "renewed" in edited["content"]


@pytest.mark.parametrize("is_remembered", [True, False])
async def test_killed_after_a_plainer_post(deployment: Deployment, *, is_remembered: bool) -> None:
    """A bot that is killed after the text was stored posts nothing more: its nonce is known, or the search finds it."""
    account, channel = await add_refusing_channel(deployment)
    await deployment.killed_at(Moment.STORED)
    assert account in only_message_in(deployment, channel)["content"]
    if not is_remembered:
        deployment.channels.forget_nonces()
    await deployment.elapse(timedelta(seconds=20) if is_remembered else _LATE)
    await deployment.run_through()
    assert account in only_message_in(deployment, channel)["content"]
    assert len(deployment.channels.searches) == (0 if is_remembered else 1)


@pytest.mark.parametrize("status", [None, HTTPStatus.INTERNAL_SERVER_ERROR])
async def test_answer_to_a_plainer_post_lost(sqlite_deployment: Deployment, status: int | None) -> None:
    """A text that was stored, but whose answer was lost, is repeated as that text, and not doubled."""
    _, channel = await add_refusing_channel(sqlite_deployment)
    sqlite_deployment.channels.lose_answer(channel, status)
    async with sqlite_deployment.run(_FAST):
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
    assert only_message_in(sqlite_deployment, channel)["embeds"] == []


async def test_embeds_are_refused_after_a_post_in_doubt(sqlite_deployment: Deployment) -> None:
    """If the post with embeds may have arrived before the channel refused embeds, there is one message all the same."""
    account, channel = sqlite_deployment.add_account(), await sqlite_deployment.add_subscription()
    sqlite_deployment.channels.lose_answer(channel, HTTPStatus.INTERNAL_SERVER_ERROR)

    def refuse_from_now_on(_channel_id: int) -> bool:
        sqlite_deployment.channels.refused_parts[channel] = {Part.EMBEDS}
        return True

    sqlite_deployment.channels.hooks[Moment.STORED] = refuse_from_now_on
    await sqlite_deployment.run_through(_FAST)
    assert sqlite_deployment.count_mentions(channel, account) == 1


async def test_a_board_without_embeds(sqlite_deployment: Deployment) -> None:
    """A board that its channel refuses as an embed is posted and kept current as text."""
    first = sqlite_deployment.add_account(days=30)
    sqlite_deployment.channels.refused_parts[_THREAD] = {Part.EMBEDS}
    async with sqlite_deployment.run(_FAST):
        posted = await add_board(sqlite_deployment)
        assert first in posted["content"]
        second = sqlite_deployment.add_account(days=30)
        edited = await sqlite_deployment.channels.edits.nth(1)
        assert second in edited["content"]
    assert len(sqlite_deployment.channels.seen_in(_THREAD)) == 1


async def add_board(deployment: Deployment) -> Json:
    """Add a board, after a first poll; return its message."""
    await deployment.discord.gateway.ready()
    await deployment.polls()
    await (await deployment.discord.use_board("add", _THREAD)).answer()
    return await deployment.channels.message_in(_THREAD)


async def test_a_board_in_a_thread_that_archived_itself(sqlite_deployment: Deployment) -> None:
    """The thread is opened and the board edited; one that was locked is left alone, and the reason is named."""
    sqlite_deployment.add_account(days=30)
    channels = sqlite_deployment.channels
    channels.threads.add(_THREAD)
    async with sqlite_deployment.run(_FAST) as bot:
        await add_board(sqlite_deployment)
        channels.archived.add(_THREAD)
        account = sqlite_deployment.add_account(days=30)
        edited = await channels.edits.nth(1)
        assert account in str(edited["embeds"])
        assert channels.archived == set()
        channels.archived.add(_THREAD)
        channels.locked.add(_THREAD)
        sqlite_deployment.add_account(days=30)
        await bot.says(f"Channel {_THREAD} refuses messages (the thread is locked)")
    assert channels.archived == {_THREAD}
    assert len(channels.seen_in(_THREAD)) == 1
