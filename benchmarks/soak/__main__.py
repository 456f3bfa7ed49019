"""`python -m benchmarks.soak`: kills the bot, breaks what it needs and sets its clock, then counts its messages."""

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
from tests.support.process.scene import open_reminding

_LONGEST_MINUTES = 600.0
_SHOWN = 30


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="how long to make trouble (default: 4)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument(
        "--seed", type=int, default=None, help="repeat the troubles of an earlier run, not their timing"
    )
    return parser.parse_args()


async def _soak(database_url: str, postgres: Postgres | None, seconds: float, seed: int) -> tuple[Course, Count]:
    """Make trouble for so long, then let the bot finish, and count."""
    async with open_reminding(database_url) as scene:
        course = Course(scene, postgres, random.Random(seed))
        await course.run(ends_at=time.monotonic() + seconds)
        async with course.last_run():
            await wait_until_quiet(scene)
        return course, await count(scene)


def _report(course: Course, result: Count) -> None:
    for name, number in sorted(course.done.items()):
        print(f"  {number:6} {name}")
    print(f"  {len(course.scene.channels.posts):6} posts tried")
    print(f"  {result.messages:6} messages seen, with {result.told} reminders of {len(course.accounts)} accounts")
    print(f"  {result.doubled:6} messages too many")
    print(f"  {result.lost:6} reminders lost")
    print(f"  {result.unsettled:6} under way for ever")
    if not result.is_right:
        print("The last bot said:", *course.scene.bots[-1].lines.items[-_SHOWN:], sep="\n  ")


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
