"""The memory of a bot: by joined servers, after many look-ups, after many polls."""

import asyncio
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks.contenders import ALL, OURS, Contender, memory_of, open_contest, without_extras
from benchmarks.table import Row, Scale, ratio
from bot.core.timing import DEFAULT_TIMING
from bot.store.database import open_database
from tests.support.process.deployment import Deployment, open_deployment

_FEW_SERVERS = 100
_SIDE_BY_SIDE = 200
_ACCOUNTS = 500
_DAYS = 7
_CHANNELS = 20
_REMINDED_ACCOUNTS = 5


async def _memory_in(contender: Contender, servers: int, database_url: str) -> float:
    """Return the MiB of a bot in so many servers, connected, idle, after its first look-up."""
    async with open_contest(contender, servers=servers, DATABASE_URL=database_url) as contest:
        await contest.rest()
        await contest.settle()
        await contest.rest()
        return contest.memory()


async def measure_servers(scale: Scale) -> list[Row]:
    """Let each bot join few servers, then many; the database exists already, as at every start but the first."""
    with tempfile.TemporaryDirectory() as folder:
        database_url = f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}"
        async with open_database(database_url):
            pass
        few = {one.name: await _memory_in(one, _FEW_SERVERS, database_url) for one in ALL}
        many = {one.name: await _memory_in(one, scale.servers, database_url) for one in ALL}
    more = scale.servers - _FEW_SERVERS
    each = {name: (many[name] - few[name]) * 1024 / more for name in few}
    to_tutorial = ratio(many["ours"], many["tutorial"])
    return [
        _memory_row(f"memory in {_FEW_SERVERS} joined servers", few, "at most 90 MiB", few["ours"] <= 90),
        Row(
            "memory for each further server",
            f"{each['ours']:.1f} KiB",
            "at most 2 KiB",
            each["ours"] <= 2,
            {name: f"{size:.1f} KiB" for name, size in each.items()},
        ),
        _memory_row(
            f"memory in {scale.servers} joined servers ({to_tutorial:.2f} of tutorial)",
            many,
            "at most 0.45 of tutorial",
            to_tutorial <= 0.45,
        ),
    ]


def _memory_row(what: str, memory: dict[str, float], target: str, is_met: bool) -> Row:  # noqa: FBT001  (a cell)
    shown = {name: f"{size:.1f} MiB" for name, size in memory.items()}
    return Row(what, shown["ours"], target, is_met, shown)


def _flat_row(what: str, before: float, after: float) -> Row:
    grown = after / before - 1
    return Row(what, f"{before:.1f} to {after:.1f} MiB ({grown:+.1%})", "flat, within 5 %", grown <= 0.05)


async def measure_growth(scale: Scale) -> list[Row]:
    """Look the same accounts up again and again; the first fifth of the look-ups fills the caches."""
    async with open_contest(OURS) as contest:
        accounts = itertools.cycle(contest.add_accounts(_ACCOUNTS))
        before = 0.0
        for done in range(0, scale.look_ups, _SIDE_BY_SIDE):
            if done >= scale.look_ups / 5 and not before:
                before = contest.memory()
            exchanges = await contest.discord.slash_all(itertools.islice(accounts, _SIDE_BY_SIDE))
            await asyncio.gather(*(exchange.answer() for exchange in exchanges))
            contest.discord.forget()
        what = f"memory after {scale.look_ups // 5}, then {scale.look_ups} look-ups"
        return [_flat_row(what, before, contest.memory())]


async def measure_week(scale: Scale) -> list[Row]:
    """Run two weeks' half-hourly polls one after the other; every day brings each channel a reminder or a renewal."""
    timing = replace(DEFAULT_TIMING, poll_interval=timedelta(seconds=0.02))
    with tempfile.TemporaryDirectory() as folder:
        async with open_deployment(f"sqlite+aiosqlite:///{Path(folder) / 'bot.db'}") as deployment:
            for _ in range(_CHANNELS):
                await deployment.add_subscription()
            accounts = [deployment.add_account() for _ in range(_REMINDED_ACCOUNTS)]
            async with deployment.run(timing, launch=without_extras()) as bot:
                sizes = []
                for day in range(2 * _DAYS):
                    await _poll_a_day(deployment, accounts, day, scale.polls // _DAYS)
                    sizes.append(memory_of(bot))
            sent = len(deployment.channels.messages)
    what = f"memory after a week's, then two weeks' {2 * scale.polls} polls with {sent} reminders"
    return [_flat_row(what, sizes[_DAYS - 1], sizes[-1])]


async def _poll_a_day(deployment: Deployment, accounts: Sequence[str], day: int, polls: int) -> None:
    """Wait for a day's polls; on that day all accounts are near their expiry, or renewed."""
    for account in accounts:
        # An expiry that moves by less than a day belongs to the same login.
        deployment.set_expiry(account, days=(1.5 if day % 2 else 40) + 1.1 * (day // 2))
    await deployment.api.lists.nth(len(deployment.api.lists) + polls, within=120)
