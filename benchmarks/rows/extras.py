"""Our bot with uvloop, orjson or zstandard."""

import itertools
from collections import defaultdict
from statistics import median

from benchmarks.contenders import OURS, Contender, open_contests
from benchmarks.rows.crowd import gather_crowd
from benchmarks.rows.latency import API_DELAY
from benchmarks.table import Row, Scale, ratio

_PLAIN = OURS.name
_VARIANTS = (
    OURS,
    Contender("ours with uvloop", "benchmarks.variants.on_uvloop", extras=frozenset({"uvloop"})),
    Contender("ours with orjson", OURS.module, extras=frozenset({"orjson"})),
    Contender("ours with zstandard", OURS.module, extras=frozenset({"zstandard"})),
)


async def measure_extras(scale: Scale) -> list[Row]:
    """Send crowds to our bot with each of the packages, round by round."""
    cpu, memory = defaultdict[str, list[float]](list), {}
    async with open_contests(_VARIANTS) as contests:
        for contest in contests:
            contest.api.delay = API_DELAY
            await gather_crowd(contest, contest.add_accounts(scale.crowd // 10))
        for _, contest in itertools.product(range(scale.rounds), contests):
            crowd = await gather_crowd(contest, contest.add_accounts(scale.crowd))
            cpu[contest.contender.name].append(crowd.cpu)
            memory[contest.contender.name] = contest.memory()
    plain = median(cpu[_PLAIN])
    return [
        Row(
            f"{name}: CPU of {scale.crowd} look-ups of {scale.crowd} accounts at once, memory after it",
            f"{median(times):.2f} s, {ratio(median(times), plain):.2f} of plain; {memory[name]:.1f} MiB",
        )
        for name, times in cpu.items()
    ]
