"""A thousand people at once; the load is bounded, and stays on this machine."""

import asyncio
import resource
from collections.abc import Iterator
from typing import Any

import pytest

from bot.chat.gateway.responder import ANSWER_WITHIN
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.process.stage import Stage
from tests.support.wire.interactions import DEADLINE, DEFERRED, Exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = 1000
MOST_CALLS = 64
MOST_CONNECTIONS = 256
_OPEN_FILES = 4 * PEOPLE


@pytest.fixture(autouse=True)
def _room_for_connections() -> Iterator[None]:
    """Let this process, which plays Discord and the API, hold a connection for each person."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _answers(exchanges: list[Exchange], *, within: float) -> list[dict[str, Any]]:
    return await asyncio.gather(*(exchange.answer(within=within) for exchange in exchanges))


async def test_one_account(stage: Stage) -> None:
    """A thousand look-ups of one account at once share one API call, and all are answered within 3 seconds.

    They share connections to Discord too.
    """
    stage.discord.rest.connections.clear()
    account, calls_before = stage.add_account(), len(stage.api.calls)
    exchanges = await stage.discord.slash_all([account] * PEOPLE)
    await _answers(exchanges, within=20)
    calls = stage.api.calls[calls_before:]
    assert [call for call in calls if call != ACCOUNTS_PATH] == [f"{ACCOUNTS_PATH}/{account}"]
    # The first pass of the reminders reads the list soon after the start, and may do so just now.
    assert calls.count(ACCOUNTS_PATH) <= 1
    assert max(exchange.seconds_to_acknowledge() for exchange in exchanges) < DEADLINE
    assert len(stage.discord.rest.connections) <= MOST_CONNECTIONS


async def test_many_accounts(stage: Stage) -> None:
    """A thousand look-ups of different accounts, with an API that takes a second, are all acknowledged in time.

    All are answered in the end, each with its own account, and the API gets no more than 64 calls at a time. Nor are
    they all deferred at the last moment.
    """
    accounts = stage.add_accounts(PEOPLE)
    stage.api.delay = 1.0
    exchanges = await stage.discord.slash_all(accounts)
    shown = await _answers(exchanges, within=40)
    assert max(exchange.seconds_to_acknowledge() for exchange in exchanges) < DEADLINE
    assert [message["embeds"][0]["title"] for message in shown] == [f"Owner of {account}" for account in accounts]
    deferred = [exchange for exchange in exchanges if exchange.calls.items[0].json["type"] == DEFERRED]
    assert len(deferred) >= PEOPLE - 2 * MOST_CALLS
    assert min(exchange.seconds_to_acknowledge() for exchange in deferred) < ANSWER_WITHIN.total_seconds()
    assert stage.api.most_at_once == MOST_CALLS
