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

from benchmarks.contenders import OURS, Contender, Contest, open_contest
from benchmarks.rows.crowd import Crowd, gather_crowd, middle_of
from benchmarks.rows.latency import ROUND_TRIP, look_up
from benchmarks.rows.start import Starts
from benchmarks.table import Row, Scale, ratio
from bot.chat.views.components import PREFIX
from tests.support.wire.payloads import build_message

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
    trick: str, rounds: int, measure: Callable[[Contest], Awaitable[Figure]], *, accounts: int = 0
) -> tuple[list[Figure], list[Figure]]:
    """Return the figures of bots with the optimisation and of bots without it, each from a process of its own."""
    figures: tuple[list[Figure], list[Figure]] = [], []
    for _ in range(rounds):
        for contender, column in zip((OURS, _without(trick)), figures, strict=True):
            async with open_contest(contender, accounts=accounts) as contest:
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
    return f"{crowd.acknowledged:.2f} s, {crowd.missed} missed"


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
    """Let a button read a long list, and look one account up again and again meanwhile."""
    sizes = []

    async def measure(contest: Contest) -> float:
        body = json.dumps(contest.api.accounts).encode()
        sizes.append(len(body))
        account = next(iter(contest.api.accounts))

        async def respond(request: web.Request) -> web.StreamResponse:
            found = contest.api.accounts.get(request.match_info.get("account", ""))
            return (
                web.Response(body=body, content_type="application/json") if found is None else web.json_response(found)
            )

        contest.api.behave = respond
        press = await contest.discord.press(build_message({}), f"{PREFIX}accounts:0")
        exchanges = []
        while not press.shown.items:
            exchanges.append(await contest.discord.slash(account))
            await asyncio.sleep(_LOOK_UPS_APART)
        await asyncio.gather(*(one.answer() for one in exchanges))
        return max(one.seconds_to_answer() for one in exchanges)

    ours, other = await _compare("thread", scale.rounds, measure, accounts=scale.listed)
    return Row(
        f"parsing in a thread: slowest look-up while a list of {scale.listed} accounts ({sizes[0] / 2**20:.1f} MiB)"
        " is read",
        f"{median(ours) * 1000:.0f} ms; without it {median(other) * 1000:.0f} ms",
    )


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
