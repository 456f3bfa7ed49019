"""Many reminders at once, and a leader that dies amid them."""

import asyncio
import itertools
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.contenders import build_settings_without_extras
from benchmarks.rows.latency import API_DELAY, ROUND_TRIP, seconds_from_arrival
from benchmarks.rows.passes import LONG_AGO, open_postgres, put_subscriptions
from benchmarks.table import Row, Scale, ratio
from bot.store.database import open_database
from bot.store.tables import ALL_ACCOUNTS
from tests.support.process.scene import Reminding, open_reminding
from tests.support.wire.channels import Moment

_IDLE_LOOK_UPS = 20
_MOST_A_SECOND = 50
_PATIENCE = 180.0


async def _subscription(scene: Reminding, number: int, account_id: str) -> list[int]:
    async with open_database(scene.database_url) as database:
        return await put_subscriptions(database, number, LONG_AGO, [account_id])


async def _seconds_to_look_up(scene: Reminding) -> float:
    # Nobody has read it before, and it is no news for the reminders: it expires in 20 days.
    account = scene.add_account(days=20)
    exchange = await scene.discord.slash(account)
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
    """Let an account come near its expiry that every channel watches, and look accounts up meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_reminding(f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}") as scene:
            account = scene.add_account(days=60)
            channels = await _subscription(scene, scale.reminders, account)
            async with scene.run(**build_settings_without_extras(), REMINDER_TEST_INTERVAL="1") as bot:
                await bot.says("useapi.net answers")
                await scene.discord.gateway.ready()
                await scene.polls(1)
                scene.discord.rest.round_trip, scene.api.delay = ROUND_TRIP, API_DELAY
                idle = [await _seconds_to_look_up(scene) for _ in range(_IDLE_LOOK_UPS)]
                scene.set_expiry(account, days=2)
                await scene.channels.posts.nth(1, within=_PATIENCE)
                busy = []
                while len(scene.channels.messages) < len(channels):
                    busy.append(await _seconds_to_look_up(scene))
            told = {scene.times_told(channel, account) for channel in channels}
            moments = [call.at for call in scene.discord.rest.requests("POST", "^/channels/")]
    return _sending_rows(moments, told, idle, busy)


def _sending_rows(moments: list[float], told: set[int], idle: list[float], busy: list[float]) -> list[Row]:
    rate, most = (len(moments) - 1) / (moments[-1] - moments[0]), most_in_a_second(moments)
    slower = ratio(median(busy), median(idle))
    once = "each once" if told == {1} else f"**told {sorted(told)} times**"
    return [
        Row(
            f"{len(moments)} reminders to as many channels, round trip 100 ms",
            f"{rate:.1f} a second, at most {most} in any, {once}",
            "at least 42 a second, never over 50, no 429",
            rate >= 42 and most <= _MOST_A_SECOND and told == {1},
        ),
        Row(
            "look-ups meanwhile, median",
            f"{median(busy) * 1000:.1f} ms, idle {median(idle) * 1000:.1f} ms: {slower:.2f}",
            "at most 1.2 of idle",
            slower <= 1.2,
        ),
    ]


async def measure_takeover(scale: Scale) -> list[Row]:
    """Kill the leader of two processes amid its messages; the other must send the rest."""
    async with open_postgres() as postgres, open_reminding(postgres.create()) as scene:
        return await _take_over(scene, scale.killed_amid)


async def _take_over(scene: Reminding, number: int) -> list[Row]:
    channels, clock = await _subscription(scene, number, ALL_ACCOUNTS), asyncio.get_running_loop().time
    stored: list[float] = []

    def note(_channel_id: int) -> bool:
        stored.append(clock())
        if len(stored) == number // 2:
            leader.signal(signal.SIGKILL)
        return len(stored) != number // 2

    async with scene.run(**build_settings_without_extras()) as leader:
        await scene.polls(1)
        async with scene.run(**build_settings_without_extras()) as other:
            await other.says("useapi.net answers")
            scene.channels.hooks[Moment.STORED] = note
            account = scene.add_account()
            for channel in channels:
                await scene.channels.message_in(channel, within=_PATIENCE)
            await scene.polls()
    # What had left the leader before it died still arrives; the other's first comes after the longest pause.
    pause = max(after - before for before, after in itertools.pairwise(stored))
    times = [scene.times_told(channel, account) for channel in channels]
    return [
        Row(
            f"leader killed amid {number} messages (PostgreSQL)",
            f"{times.count(1)} arrived once, {sum(one > 1 for one in times)} twice; resumed after {pause:.1f} s",
            f"all {number} once; within 20 s",
            set(times) == {1} and pause <= 20,
        )
    ]
