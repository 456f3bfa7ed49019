"""`python -m benchmarks.soak`: kills the bot, causes faults around it, sets its clock, and counts its messages."""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time

from benchmarks.soak.count import Count, count, wait_until_quiet
from benchmarks.soak.course import Course
from tests.support.postgres import Postgres, serve_postgres
from tests.support.process.deployment import open_deployment

_LONGEST_MINUTES = 600.0
_SHOWN = 30


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="how long to cause faults (default: 4)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=None, help="repeat the faults of an earlier run, not their timing")
    return parser.parse_args()


async def _soak(database_url: str, postgres: Postgres | None, seconds: float, seed: int) -> tuple[Course, Count]:
    """Cause faults for so long, then let the bot finish, and count."""
    async with open_deployment(database_url) as deployment:
        course = Course(deployment, postgres, random.Random(seed))
        await course.run(ends_at=time.monotonic() + seconds)
        async with course.last_run():
            await wait_until_quiet(deployment)
        return course, await count(deployment)


def _report(course: Course, result: Count) -> None:
    for name, number in sorted(course.done.items()):
        print(f"  {number:6} {name}")
    print(f"  {len(course.deployment.channels.posts):6} attempts to post")
    print(f"  {len(course.accounts):6} accounts")
    print(f"  {result.messages:6} messages in the channels, with {result.sent} reminders")
    print(f"  {result.doubled:6} messages too many")
    print(f"  {result.lost:6} reminders lost")
    print(f"  {result.unsettled:6} never settled")
    if not result.is_right:
        print("The last output of the bot:", *course.deployment.bots[-1].lines.items[-_SHOWN:], sep="\n  ")


def main() -> int:
    """Run the soak and return the exit status: 1 if anything was lost or doubled."""
    args = _parse()
    seed = random.randrange(10**6) if args.seed is None else args.seed
    minutes = min(args.minutes, _LONGEST_MINUTES)
    print(f"{minutes:g} minutes on {args.database}, --seed {seed}", flush=True)
    with contextlib.ExitStack() as stack:
        if args.database == "postgresql":
            postgres = stack.enter_context(serve_postgres())
            url = postgres.create()
        else:
            postgres = None
            url = f"sqlite+aiosqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/bot.db"
        course, result = asyncio.run(_soak(url, postgres, minutes * 60, seed))
    _report(course, result)
    return int(not result.is_right)


if __name__ == "__main__":
    sys.exit(main())
