"""A thousand people at once, who look up one account, or a different account each."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.contenders import ALL, Contest, open_contests
from benchmarks.rows.latency import API_DELAY
from benchmarks.table import Row, Scale, ratio
from tests.support.wire.interactions import DEADLINE, Exchange

_MOST_CALLS = 64
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """The figures of a crowd: times in seconds, numbers of API calls and of look-ups.

    `acknowledged` is the slowest acknowledgement, `last` the time until the last answer, `missed` how many deadlines
    of Discord were missed.
    """

    cpu: float
    acknowledged: float
    last: float
    calls: int
    most_at_once: int
    missed: int
    unanswered: int


async def gather_crowd(contest: Contest, accounts: Sequence[str]) -> Crowd:
    """Let everybody look an account up at once, and wait until the bot is idle again."""
    contest.api.most_at_once = 0
    calls_before, cpu_before = len(contest.single_calls()), contest.cpu_seconds()
    started = asyncio.get_running_loop().time()
    exchanges = await contest.discord.slash_all(accounts)
    await asyncio.gather(*map(_end, exchanges))
    last = max((one.shown_at or 0.0 for one in exchanges), default=0.0) - started
    await contest.rest()
    return Crowd(
        cpu=contest.cpu_seconds() - cpu_before,
        acknowledged=max(one.seconds_to_acknowledge() for one in exchanges),
        last=last,
        calls=len(contest.single_calls()) - calls_before,
        most_at_once=contest.api.most_at_once,
        missed=sum(one.seconds_to_acknowledge() > DEADLINE for one in exchanges),
        unanswered=sum(not one.shown.items for one in exchanges),
    )


async def _end(exchange: Exchange) -> None:
    """Wait for the answer, or for the first attempt if it comes after the deadline."""
    await exchange.acknowledgement(within=_PATIENCE)
    if exchange.acknowledged_at is not None:
        await exchange.answer(within=_PATIENCE)


def middle_of(crowds: Sequence[Crowd]) -> Crowd:
    """Return the medians of the times, and the worst of the numbers."""
    return Crowd(
        cpu=median(one.cpu for one in crowds),
        acknowledged=median(one.acknowledged for one in crowds),
        last=median(one.last for one in crowds),
        calls=max(one.calls for one in crowds),
        most_at_once=max(one.most_at_once for one in crowds),
        missed=max(one.missed for one in crowds),
        unanswered=max(one.unanswered for one in crowds),
    )


async def measure_crowds(scale: Scale) -> list[Row]:
    """Send the crowds bot by bot, round by round, with a fast API; then once with an API that takes a second."""
    same, distinct = defaultdict[str, list[Crowd]](list), defaultdict[str, list[Crowd]](list)
    slow: dict[str, Crowd] = {}
    async with open_contests(ALL) as contests:
        for contest in contests:
            contest.api.delay = API_DELAY
            await gather_crowd(contest, contest.add_accounts(scale.crowd // 10))
        for _, contest in itertools.product(range(scale.rounds), contests):
            one = contest.add_account()
            same[contest.contender.name].append(await gather_crowd(contest, [one] * scale.crowd))
            many = contest.add_accounts(scale.crowd)
            distinct[contest.contender.name].append(await gather_crowd(contest, many))
        for contest in contests:
            contest.api.delay = 1.0
            slow[contest.contender.name] = await gather_crowd(contest, contest.add_accounts(scale.crowd))
    return [
        _same_row(scale, {name: middle_of(crowds) for name, crowds in same.items()}),
        _distinct_row(scale, {name: middle_of(crowds) for name, crowds in distinct.items()}),
        _slow_row(slow),
    ]


def _same_row(scale: Scale, crowds: dict[str, Crowd]) -> Row:
    shown = {name: f"{one.calls} calls, {one.last:.2f} s, CPU {one.cpu:.2f} s" for name, one in crowds.items()}
    ours, to_lean = crowds["ours"], ratio(crowds["ours"].cpu, crowds["lean"].cpu)
    return Row(
        f"{scale.crowd} look-ups of one account at once, API 50 ms",
        f"{shown['ours']}, {to_lean:.2f} of lean",
        "1 API call; last answer under 1 s; CPU at most 1.3 of lean",
        ours.calls == 1 and ours.last < 1 and to_lean <= 1.3,
        shown,
    )


def _distinct_row(scale: Scale, crowds: dict[str, Crowd]) -> Row:
    shown = {name: f"{one.last:.2f} s, CPU {one.cpu:.2f} s" for name, one in crowds.items()}
    to_lean = ratio(crowds["ours"].cpu, crowds["lean"].cpu)
    return Row(
        f"{scale.crowd} look-ups of {scale.crowd} accounts at once, API 50 ms",
        f"{shown['ours']}, {to_lean:.2f} of lean",
        rivals=shown,
    )


def _slow_row(crowds: dict[str, Crowd]) -> Row:
    shown = {
        name: f"{one.missed} missed, {one.unanswered} unanswered, {one.most_at_once} calls at once, {one.last:.1f} s"
        for name, one in crowds.items()
    }
    ours = crowds["ours"]
    return Row(
        "the same with an API of 1 s",
        shown["ours"],
        f"no deadline missed, all answered, at most {_MOST_CALLS} API calls at a time",
        not ours.missed and not ours.unanswered and ours.most_at_once <= _MOST_CALLS,
        shown,
    )
