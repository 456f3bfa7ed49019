"""No command runs twice, although Discord delivers each to every session of the bot."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest_asyncio

from tests.support.process.deployment import LOST, STANDBY, Deployment, find_active, open_deployment, shortened
from tests.support.wire.interactions import Exchange
from tests.support.wire.payloads import CHANNEL_ID, Json, new_id

# Test messages wait for each other: Discord allows no more than 50 a second.
_TIMING = replace(shortened(0.1), discord_request=15.0)
_BOARD_TITLES = {"add": "Board posted", "remove": "Board removed"}


@pytest_asyncio.fixture
async def deployment(new_database: Callable[[], str]) -> AsyncIterator[Deployment]:
    """Stand-ins and an empty PostgreSQL database."""
    async with open_deployment(new_database()) as opened:
        yield opened


class Member:
    """Uses commands of which a second execution would show: a test message, *I'm on it*, and a board."""

    def __init__(self, deployment: Deployment, channels: Sequence[int], reminder: Json) -> None:
        self._deployment = deployment
        self._reminder = reminder
        self._untested = list(enumerate(channels, 1))
        self._boards = 0
        self.exchanges: list[Exchange] = []

    async def use(self, rounds: int) -> None:
        """Use each of the three commands so many times, one after the other."""
        for _ in range(rounds):
            await self._test()
            await self._take()
            await self._use_board()

    async def _test(self) -> None:
        number, _ = self._untested.pop(0)
        answer = await self._answer(await self._deployment.discord.manage("test", reminder=str(number)))
        assert answer["embeds"][0]["title"] == "Test sent"

    async def _take(self) -> None:
        # A second press of the same user would end the assignment.
        user_id = new_id()
        pressed = await self._deployment.discord.press(self._reminder, "minimax:take", user_id=user_id)
        assert f"<@{user_id}> is on it" in str(await self._answer(pressed))

    async def _use_board(self) -> None:
        command = ("add", "remove")[self._boards % 2]
        answer = await self._answer(await self._deployment.discord.use_board(command, int(CHANNEL_ID)))
        assert answer["embeds"][0]["title"] == _BOARD_TITLES[command]
        self._boards += 1

    async def _answer(self, exchange: Exchange) -> Json:
        self.exchanges.append(exchange)
        return await exchange.answer()


def count_tests(deployment: Deployment, channel_id: int) -> int:
    """Return how many test messages a channel has."""
    return sum(message["content"].startswith("🧪 Test") for message in deployment.channels.seen_in(channel_id))


def acknowledgements(exchange: Exchange) -> int:
    """Return how often a process has acknowledged an interaction, or tried to."""
    return sum(call.path.endswith("/callback") for call in exchange.calls)


async def test_every_command_runs_once(deployment: Deployment) -> None:
    """A hundred commands run once each: beside a standby, after a stop, beside a suspended process, after it wakes."""
    deployment.add_account()
    channels = [await deployment.add_subscription() for _ in range(34)]
    gateway = deployment.discord.gateway
    timing = replace(_TIMING, lease_seconds=6.0)
    async with deployment.run(timing) as first, deployment.run(timing) as second, deployment.run(timing) as third:
        await gateway.ready()
        for channel in channels:
            await deployment.channels.message_in(channel)
        member = Member(deployment, channels, deployment.channels.seen_in(channels[0])[0])
        await member.use(10)

        active, *standbys = await find_active(first, second, third)
        assert await active.stop() == 0
        await gateway.ready(nth=2)
        await member.use(8)

        suspended, heir = await find_active(*standbys)
        suspended.signal(signal.SIGSTOP)
        await gateway.ready(nth=3)
        assert gateway.open_sessions == 2
        await member.use(8)
        suspended.signal(signal.SIGCONT)
        await suspended.says(LOST)
        await member.use(8)
        await suspended.says(STANDBY, nth=2)
        await gateway.closes.nth(2)
        assert gateway.open_sessions == 1
        assert "is left to the active process" in suspended.output
        assert "is left to the active process" not in heir.output
    assert len(member.exchanges) == 102
    assert {acknowledgements(exchange) for exchange in member.exchanges} == {1}
    assert [count_tests(deployment, channel) for channel in channels] == [1] * 34
    boards = [message for message in deployment.channels.seen_in(int(CHANNEL_ID)) if message["embeds"]]
    assert len(boards) == 17


async def test_commands_during_a_handover(deployment: Deployment) -> None:
    """Commands that come while one process hands over to another are executed at most once, and answered once."""
    deployment.add_account()
    channels = [await deployment.add_subscription() for _ in range(60)]
    gateway = deployment.discord.gateway
    async with deployment.run(_TIMING) as active:
        await gateway.ready()
        for channel in channels:
            await deployment.channels.message_in(channel)
        async with deployment.run(_TIMING) as other:
            await other.says(STANDBY)
            taking_over = asyncio.create_task(gateway.ready(nth=2))
            exchanges: list[Exchange] = []
            for number in range(1, 61):
                exchanges.append(await deployment.discord.manage("test", reminder=str(number)))
                if number == 20:
                    active.signal(signal.SIGTERM)
                if number == 40:
                    await taking_over
            for exchange in exchanges[40:]:
                assert (await exchange.answer())["embeds"][0]["title"] == "Test sent"
            assert await active.ended() == 0
    tests = [count_tests(deployment, channel) for channel in channels]
    titles = [exchange.shown.items[0]["embeds"][0]["title"] if len(exchange.shown) else None for exchange in exchanges]
    assert max(acknowledgements(exchange) for exchange in exchanges) == 1
    assert tests == [int(title == "Test sent") for title in titles]
    assert set(titles) <= {"Test sent", "The bot is restarting", None}
