"""Single look-ups: the requests to Discord, and the time from the event to the visible answer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.contenders import ALL, LEAN, OURS, Contest, open_contest, open_contests
from benchmarks.table import Row, Scale, ratio
from tests.support.wire.interactions import Exchange

ROUND_TRIP = 0.1
API_DELAY = 0.05


def slow_down(contest: Contest) -> None:
    """Put a network between the bot and Discord, and delay the answers of the API."""
    contest.discord.rest.round_trip, contest.api.delay = ROUND_TRIP, API_DELAY


def seconds_from_arrival(exchange: Exchange) -> float:
    """Return the time from the event's arrival at the bot until people see the answer."""
    return exchange.seconds_to_answer() - ROUND_TRIP / 2


async def look_up(contest: Contest, account: str) -> Exchange:
    """Look an account up, and wait for the answer."""
    exchange = await contest.discord.slash(account)
    await exchange.answer()
    return exchange


async def measure_latency(scale: Scale) -> list[Row]:
    """Look up accounts that were not read before, bot by bot, round by round."""
    seconds, requests = defaultdict[str, list[float]](list), defaultdict[str, set[int]](set)
    async with open_contests(ALL) as contests:
        for contest in contests:
            slow_down(contest)
            await look_up(contest, contest.add_account())
        for _ in range(scale.rounds):
            for contest in contests:
                for account in contest.add_accounts(scale.one_by_one):
                    exchange = await look_up(contest, account)
                    # A second request may still be on its way when people see the answer.
                    await contest.discord.rest.travel()
                    seconds[contest.contender.name].append(seconds_from_arrival(exchange))
                    requests[contest.contender.name].add(len(exchange.calls))
    return [_requests_row(requests), *_latency_rows(seconds)]


def _requests_row(requests: Mapping[str, set[int]]) -> Row:
    shown = {name: ", ".join(map(str, sorted(counts))) for name, counts in requests.items()}
    is_met = requests["ours"] == {1}
    return Row("requests to Discord per look-up", shown["ours"], "exactly 1", is_met, shown)


def _latency_rows(seconds: Mapping[str, Sequence[float]]) -> list[Row]:
    middle = {name: median(times) for name, times in seconds.items()}
    shown = {name: f"{times * 1000:.1f} ms" for name, times in middle.items()}
    slowest = {name: f"{sorted(times)[int(len(times) * 0.95)] * 1000:.1f} ms" for name, times in seconds.items()}
    to_lean, to_tutorial = ratio(middle["ours"], middle["lean"]), ratio(middle["ours"], middle["tutorial"])
    what = f"look-up, API {API_DELAY * 1000:.0f} ms, Discord round trip {ROUND_TRIP * 1000:.0f} ms (floor 100 ms)"
    target, is_met = "at most 1.05 of lean, 0.6 of tutorial", to_lean <= 1.05 and to_tutorial <= 0.6
    ours = f"{shown['ours']}; {to_lean:.2f} of lean, {to_tutorial:.2f} of tutorial"
    return [
        Row(f"{what}, median", ours, target, is_met, shown),
        Row("the same, 95th percentile", slowest["ours"], rivals=slowest),
    ]


async def measure_offered(scale: Scale) -> list[Row]:
    """Look up accounts that completion has just offered, in turn with look-ups of the lean rival."""
    ours_seconds, lean_seconds = [], []
    async with open_contest(LEAN) as lean, open_contest(OURS, accounts=scale.offered) as ours:
        for contest in (lean, ours):
            slow_down(contest)
        asked = list(ours.api.accounts)
        await look_up(lean, lean.add_account())
        for account, lean_account in zip(asked, lean.add_accounts(scale.offered), strict=True):
            await (await ours.discord.type_in(account[-3:])).acknowledgement()
            ours_seconds.append(seconds_from_arrival(await look_up(ours, account)))
            lean_seconds.append(seconds_from_arrival(await look_up(lean, lean_account)))
        calls = len(ours.single_calls())
    middle, rival = median(ours_seconds), median(lean_seconds)
    shown = f"{middle * 1000:.1f} ms; {ratio(middle, rival):.2f} of lean; {calls} calls"
    return [
        Row(
            "look-up of an account that completion has just offered, median",
            shown,
            "no API call; at most 0.6 of lean",
            ratio(middle, rival) <= 0.6 and calls == 0,
            {"lean": f"{rival * 1000:.1f} ms"},
        )
    ]
