"""Many reminders at once, and a takeover while they are sent."""

import asyncio
import itertools
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.contenders import without_extras
from benchmarks.rows.latency import API_DELAY, ROUND_TRIP, seconds_from_arrival
from benchmarks.rows.polls import open_postgres, put_subscriptions
from benchmarks.table import Row, Scale, ratio
from bot.core.timing import DEFAULT_TIMING
from bot.store.database import open_database
from tests.support.process.deployment import STANDBY, Deployment, open_deployment
from tests.support.wire.channels import Moment
from tests.support.wire.payloads import GUILD_ID, OTHER_GUILD_ID

_IDLE_LOOK_UPS = 20
_MOST_A_SECOND = 50
_PATIENCE = 180.0
# Until the poll that sends; one or two more fall into the sending.
_INTERVAL = timedelta(seconds=20)


async def _add_subscriptions(
    deployment: Deployment, number: int, account_id: str | None, guild_id: int = GUILD_ID
) -> list[int]:
    async with open_database(deployment.database_url) as database:
        return await put_subscriptions(database, number, [account_id], [guild_id])


async def _seconds_to_look_up(deployment: Deployment) -> float:
    # It was not read before, and expires too late for a reminder.
    account = deployment.add_account(days=20)
    exchange = await deployment.discord.slash(account)
    await exchange.answer()
    return seconds_from_arrival(exchange)


def most_in_a_second(moments: Sequence[float]) -> int:
    """Return the largest number of moments, in order, that lie within any one second."""
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


async def measure_sending(scale: Scale) -> list[Row]:
    """Move the expiry of an account near, to which all channels subscribe, and look other accounts up meanwhile."""
    timing = replace(DEFAULT_TIMING, poll_interval=_INTERVAL)
    with tempfile.TemporaryDirectory() as folder:
        async with open_deployment(f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}") as deployment:
            account = deployment.add_account(days=60)
            # Not in the server of the look-ups, whose cards name its reminders: it could have 50 at most.
            channels = await _add_subscriptions(deployment, scale.reminders, account, OTHER_GUILD_ID)
            # Otherwise a server is offered a reminder for each account that is looked up.
            for guild_id in (GUILD_ID, OTHER_GUILD_ID):
                await _add_subscriptions(deployment, 1, None, guild_id)
            deployment.discord.rest.guild_ids.add(OTHER_GUILD_ID)
            servers = {"GUILD_IDS": f"{GUILD_ID},{OTHER_GUILD_ID}"}
            async with deployment.run(timing, settings=servers, launch=without_extras()) as bot:
                await bot.says("useapi.net answers")
                await deployment.discord.gateway.ready()
                # The check at the start, and a poll that has ended when the next one begins.
                await deployment.api.lists.nth(3, within=_PATIENCE)
                deployment.discord.rest.round_trip, deployment.api.delay = ROUND_TRIP, API_DELAY
                idle = [await _seconds_to_look_up(deployment) for _ in range(_IDLE_LOOK_UPS)]
                deployment.set_expiry(account, days=2)
                await deployment.channels.posts.nth(1, within=_PATIENCE)
                busy = []
                while len(deployment.channels.messages) < len(channels):
                    busy.append(await _seconds_to_look_up(deployment))
            counts = {deployment.count_mentions(channel, account) for channel in channels}
            moments = [call.at for call in deployment.discord.rest.requests("POST", "^/channels/")]
    return _sending_rows(moments, counts, idle, busy)


def _sending_rows(moments: list[float], counts: set[int], idle: list[float], busy: list[float]) -> list[Row]:
    rate, most = (len(moments) - 1) / (moments[-1] - moments[0]), most_in_a_second(moments)
    slower = ratio(median(busy), median(idle))
    once = "each once" if counts == {1} else f"**{sorted(counts)} times each**"
    return [
        Row(
            f"{len(moments)} reminders to as many channels, round trip 100 ms",
            f"{rate:.1f} a second, at most {most} in any, {once}",
            "at least 42 a second, never over 50, no 429",
            rate >= 42 and most <= _MOST_A_SECOND and counts == {1},
        ),
        Row(
            "look-ups meanwhile, median",
            f"{median(busy) * 1000:.1f} ms, idle {median(idle) * 1000:.1f} ms: {slower:.2f}",
            "at most 1.2 of idle",
            slower <= 1.2,
        ),
    ]


async def measure_takeover(scale: Scale) -> list[Row]:
    """Kill the process that sends, halfway through its messages; another process must send the rest."""
    async with open_postgres() as postgres, open_deployment(postgres.create()) as deployment:
        return await _take_over(deployment, scale.takeover)


async def _take_over(deployment: Deployment, number: int) -> list[Row]:
    channels, clock = await _add_subscriptions(deployment, number, None), asyncio.get_running_loop().time
    stored: list[float] = []

    def record(_channel_id: int) -> bool:
        stored.append(clock())
        if len(stored) == number // 2:
            sending.signal(signal.SIGKILL)
        return len(stored) != number // 2

    async with deployment.run(launch=without_extras()) as sending:
        await deployment.polls(1)
        async with deployment.run(launch=without_extras()) as other:
            await other.says(STANDBY)
            deployment.channels.hooks[Moment.STORED] = record
            account = deployment.add_account()
            for channel in channels:
                await deployment.channels.message_in(channel, within=_PATIENCE)
            await deployment.polls()
    # Requests on their way still arrive after the kill. The first message of the other process ends the longest pause.
    pause = max(after - before for before, after in itertools.pairwise(stored))
    times = [deployment.count_mentions(channel, account) for channel in channels]
    return [
        Row(
            f"sending process killed after half of {number} messages (PostgreSQL)",
            f"{times.count(1)} arrived once, {sum(one > 1 for one in times)} twice; resumed after {pause:.1f} s",
            f"all {number} once; within 20 s",
            set(times) == {1} and pause <= 20,
        )
    ]
