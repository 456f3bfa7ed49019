"""`python -m benchmarks`: measures, prints the table, and writes it to `benchmarks/RESULTS.md`."""

import argparse
import asyncio
import gc
import resource
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.rows.crowd import measure_crowds
from benchmarks.rows.extras import measure_extras
from benchmarks.rows.latency import measure_latency, measure_offered
from benchmarks.rows.load import measure_idle, measure_load
from benchmarks.rows.memory import measure_growth, measure_servers, measure_week
from benchmarks.rows.polls import measure_polls
from benchmarks.rows.reminders import measure_sending, measure_takeover
from benchmarks.rows.start import measure_starts
from benchmarks.rows.tricks import measure_tricks
from benchmarks.table import QUICK, Row, Scale, to_markdown

_NEW_OBJECTS_A_COLLECTION = 200_000
RESULTS = Path(__file__).parent / "RESULTS.md"
GROUPS: dict[str, Callable[[Scale], Awaitable[list[Row]]]] = {
    "latency": measure_latency,
    "offered": measure_offered,
    "crowd": measure_crowds,
    "load": measure_load,
    "idle": measure_idle,
    "servers": measure_servers,
    "growth": measure_growth,
    "week": measure_week,
    "start": measure_starts,
    "polls": measure_polls,
    "sending": measure_sending,
    "takeover": measure_takeover,
    "extras": measure_extras,
    "tricks": measure_tricks,
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"what to measure (default: all): {', '.join(GROUPS)}"
    )
    parser.add_argument("--quick", action="store_true", help="small loads, in three minutes; writes no results")
    return parser


async def measure(groups: Sequence[str], scale: Scale) -> list[Row]:
    """Measure these groups one after the other."""
    rows = []
    for name in groups:
        started = time.monotonic()
        try:
            rows += await GROUPS[name](scale)
        except Exception as error:  # an error in one group must not cost the figures of the others
            traceback.print_exc()
            rows.append(Row(name, f"failed: {type(error).__name__}", is_met=False))
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return rows


def _run(groups: Sequence[str], scale: Scale) -> list[Row]:
    # This process serves Discord and the API: on the faster loop it is not the bottleneck.
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure(groups, scale))


def _allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    """Measure, print and write; the exit status is 0 also if a target is missed."""
    parser = build_parser()
    args = parser.parse_args()
    if unknown := set(args.groups) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    _allow_many_connections()
    # A collection in this process would count as time of the bots.
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_A_COLLECTION)
    machine = describe()
    started = time.monotonic()
    rows = _run(args.groups or list(GROUPS), QUICK if args.quick else Scale())
    machine = [*machine, f"- the run took {(time.monotonic() - started) / 60:.0f} minutes"]
    text = "\n".join(["# Results", "", *machine, "", to_markdown(rows), ""])
    print(text)
    if not args.groups and not args.quick:
        RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
