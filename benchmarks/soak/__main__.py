"""`python -m benchmarks.soak`: kills the bot, causes faults around it, sets its clock, and counts its messages."""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.soak.count import Count, answers_commands, count, wait_until_quiet
from benchmarks.soak.course import Course
from benchmarks.soak.faults import Surroundings
from tests.support.postgres import Postgres, serve_postgres
from tests.support.process.deployment import Deployment, open_deployment
from tests.support.relay import open_relay, open_web_relay

_LONGEST_MINUTES = 600.0
_SHOWN = 30


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="how long to cause faults (default: 4)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=None, help="repeat the faults of an earlier run, not their timing")
    parser.add_argument("--log", type=Path, help="write what the bots said, and the messages too many, to this file")
    return parser.parse_args()


async def _soak(database_url: str, postgres: Postgres | None, seconds: float, seed: int) -> tuple[Course, Count]:
    """Cause faults for so long, then let the bot finish, and count."""
    async with open_deployment(database_url) as deployment, _relaying(deployment, postgres) as around:
        course = Course(around, random.Random(seed))
        await course.run(ends_at=time.monotonic() + seconds)
        async with course.last_run():
            await wait_until_quiet(deployment)
            is_answering = await answers_commands(deployment)
        return course, await count(deployment, is_answering=is_answering)


@contextlib.asynccontextmanager
async def _relaying(deployment: Deployment, postgres: Postgres | None) -> AsyncIterator[Surroundings]:
    """Put relays between the bots and all servers until the block ends."""
    async with contextlib.AsyncExitStack() as stack:
        discord = await stack.enter_async_context(open_web_relay(deployment.discord_url))
        api = await stack.enter_async_context(open_web_relay(deployment.api_url))
        deployment.discord_url, deployment.api_url = discord.url, api.url
        if postgres is None:
            yield Surroundings(deployment, None, (discord, api), deployment.database_url)
        else:
            database = await stack.enter_async_context(open_relay(deployment.database_url))
            yield Surroundings(deployment, postgres, (discord, api, database), database.url)


def _report(course: Course, result: Count) -> None:
    for name, number in sorted(course.done.items()):
        print(f"  {number:6} {name}")
    print(f"  {len(course.deployment.channels.posts):6} attempts to post")
    print(f"  {len(course.accounts):6} accounts")
    print(f"  {result.messages:6} messages in the channels, with {result.sent} reminders")
    print(f"  {result.doubled:6} messages too many")
    print(f"  {result.lost:6} reminders lost")
    print(f"  {result.unsettled:6} never settled")
    if not result.is_answering:
        print("  commands are not registered or not answered")
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
    if args.log is not None:
        messages = [str(one) for one in course.deployment.channels.messages if int(one["id"]) in result.unknown]
        lines = [line for bot in course.deployment.bots for line in bot.lines]
        args.log.write_text("\n".join([*messages, *lines]), encoding="utf-8")
    return int(not result.is_right)


if __name__ == "__main__":
    sys.exit(main())
