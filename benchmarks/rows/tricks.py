"""The optimisations of our bot: the figure that each one improves, with it and without it."""

import asyncio
import itertools
import json
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import TypeVar

from aiohttp import web

from benchmarks.contenders import OURS, Contender, Contest, open_contest, open_contests
from benchmarks.rows.crowd import Crowd, gather_crowd, middle_of
from benchmarks.rows.latency import ROUND_TRIP, look_up
from benchmarks.rows.start import Starts
from benchmarks.table import Row, Scale, ratio
from bot.useapi.directory import REUSE_FOR

# Slow enough that most of a crowd is deferred at the same time.
_SLOW_API = 0.3
_LOOK_UPS_APART = 0.005

Figure = TypeVar("Figure")


async def measure_tricks(scale: Scale) -> list[Row]:
    """Measure our bot with and without each optimisation."""
    return [
        await _measure_reserve(scale),
        await _measure_connections(scale),
        await _measure_thread(scale),
        *await _measure_late_imports(scale),
    ]


def _without(trick: str) -> Contender:
    return Contender(f"ours without {trick}", "benchmarks.variants.without", (trick,))


async def _compare(
    trick: str, rounds: int, measure: Callable[[Contest], Awaitable[Figure]]
) -> tuple[list[Figure], list[Figure]]:
    """Return the figures of bots with the optimisation and of bots without it, each from a process of its own."""
    figures: tuple[list[Figure], list[Figure]] = [], []
    for _ in range(rounds):
        for contender, column in zip((OURS, _without(trick)), figures, strict=True):
            async with open_contest(contender) as contest:
                await look_up(contest, contest.add_account())
                await contest.rest()
                column.append(await measure(contest))
    return figures


async def _measure_reserve(scale: Scale) -> Row:
    """Let the API be so slow that nearly all of a crowd must be deferred at once."""
    number = 2 * scale.crowd

    async def measure(contest: Contest) -> Crowd:
        contest.discord.rest.round_trip, contest.api.delay = ROUND_TRIP, _SLOW_API
        return await gather_crowd(contest, contest.add_accounts(number))

    ours, other = map(middle_of, await _compare("reserve", 1, measure))
    return Row(
        f"deferral reserve: slowest acknowledgement of {number} look-ups at once, API 300 ms, round trip 100 ms",
        f"{_acknowledged(ours)}; without it {_acknowledged(other)}",
    )


def _acknowledged(crowd: Crowd) -> str:
    return f"{crowd.missed} deadlines missed" if crowd.missed else f"{crowd.acknowledged:.2f} s, no deadline missed"


async def _measure_connections(scale: Scale) -> Row:
    """Let a crowd be answered at once over a network."""

    async def measure(contest: Contest) -> tuple[Crowd, int]:
        contest.discord.rest.round_trip = ROUND_TRIP
        crowd = await gather_crowd(contest, [contest.add_account()] * scale.crowd)
        return crowd, len(contest.discord.rest.connections)

    def shown(figures: list[tuple[Crowd, int]]) -> str:
        crowd, connections = middle_of([one for one, _ in figures]), max(number for _, number in figures)
        return f"CPU {crowd.cpu:.2f} s, last answer {crowd.last:.2f} s, {connections} connections"

    ours, other = await _compare("connections", scale.rounds, measure)
    return Row(
        f"shared connections: {scale.crowd} look-ups of one account at once, round trip 100 ms",
        f"{shown(ours)}; without them {shown(other)}",
    )


async def _measure_thread(scale: Scale) -> Row:
    """Let a look-up of an unknown name read a long list, and look one account up again and again meanwhile."""
    seconds = defaultdict[str, list[float]](list)
    other = _without("thread")
    async with open_contests((OURS, other), accounts=scale.listed) as contests:
        sizes = [_prepare_list(contest) for contest in contests]
        for _ in range(scale.rounds):
            # Until then, the bots reuse the list that they have.
            await asyncio.sleep(REUSE_FOR.total_seconds() + 1)
            for contest in contests:
                seconds[contest.contender.name].append(await _slowest_while_list_is_read(contest))
    return Row(
        f"parsing in a thread: slowest look-up while {scale.listed} accounts ({sizes[0] / 2**20:.1f} MiB) are read",
        f"{median(seconds[OURS.name]) * 1000:.0f} ms; without it {median(seconds[other.name]) * 1000:.0f} ms",
    )


def _prepare_list(contest: Contest) -> int:
    """Build the API's list in advance, since this process must not be busy meanwhile; returns its bytes."""
    body = json.dumps(contest.api.accounts).encode()

    async def respond(request: web.Request) -> web.StreamResponse:
        account = request.match_info.get("account")
        if account is None:
            return web.Response(body=body, content_type="application/json")
        found = contest.api.accounts.get(account)
        return web.Response(status=404) if found is None else web.json_response(found)

    contest.api.behave = respond
    return len(body)


async def _slowest_while_list_is_read(contest: Contest) -> float:
    account = next(iter(contest.api.accounts))
    reading = await contest.discord.slash("nobody")
    exchanges = []
    while not reading.shown.items:
        exchanges.append(await contest.discord.slash(account))
        await asyncio.sleep(_LOOK_UPS_APART)
    await asyncio.gather(*(one.answer() for one in exchanges))
    return max(one.seconds_to_answer() for one in exchanges)


async def _measure_late_imports(scale: Scale) -> list[Row]:
    """Start the bot again and again without a network, and read its memory when it is idle."""
    other = _without("late-imports")
    seconds, memory = defaultdict[str, list[float]](list), dict[str, float]()
    async with AsyncExitStack() as stack:
        starts = []
        for contender in (OURS, other):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            starts.append(await Starts(contender, folder).serve(stack))
            # The first start builds the database, which needs the imports.
            await starts[-1].start(0.0)
        for _, one in itertools.product(range(scale.starts), starts):
            seconds[one.contender.name].append(await one.start(0.0))
        for one in starts:
            async with open_contest(one.contender, DATABASE_URL=one.database_url) as contest:
                await contest.settle()
                await contest.rest()
                memory[one.contender.name] = contest.memory()
    ours, slower = (median(seconds[name]) for name in (OURS.name, other.name))
    return [
        Row(
            "late imports: start to first answered command without a network",
            f"{ours:.2f} s; without them {slower:.2f} s, {ratio(slower, ours):.2f} times",
        ),
        Row(
            "late imports: memory",
            f"{memory[OURS.name]:.1f} MiB; without them {memory[other.name]:.1f} MiB",
        ),
    ]
