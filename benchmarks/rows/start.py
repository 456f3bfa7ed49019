"""The time from the start of the process to the first answered command, with a network before Discord and without."""

import asyncio
import itertools
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.contenders import ALL, Contender, build_discord, start
from benchmarks.rows.latency import API_DELAY, ROUND_TRIP
from benchmarks.table import Row, Scale, ratio
from bot.useapi.fake import FakeApi
from tests.support.accounts import build_account, by_id

_ACCOUNT = "104000000"


class Starts:
    """A contender's stand-ins and database, which outlive its processes: each start but the first is a restart."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        self.contender = contender
        self._discord = build_discord()
        self._api = FakeApi(by_id(build_account(_ACCOUNT, days=20, now=datetime.now(UTC))), delay=API_DELAY)
        # The rivals don't use it.
        self.database_url = f"sqlite+aiosqlite:///{folder / 'bot.db'}"
        self._urls = ("", "")

    async def serve(self, stack: AsyncExitStack) -> "Starts":
        """Serve the stand-ins until the stack is closed."""
        self._urls = (
            await stack.enter_async_context(self._discord.serve()),
            await stack.enter_async_context(self._api.serve()),
        )
        return self

    async def start(self, round_trip: float) -> float:
        """Start the bot, use the command once it is connected, and return the seconds until people see the answer."""
        self._discord.rest.round_trip = round_trip
        clock, before = asyncio.get_running_loop().time, len(self._discord.gateway.started)
        started = clock()
        async with start(self.contender, *self._urls, DATABASE_URL=self.database_url):
            await self._discord.gateway.ready(nth=before + 1)
            exchange = await self._discord.slash(_ACCOUNT)
            await exchange.answer()
            assert exchange.shown_at is not None
            return exchange.shown_at - started


async def measure_starts(scale: Scale) -> list[Row]:
    """Start bot after bot, round by round; the very first start of each registers commands and is shown apart."""
    near, far = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        starts = [await Starts(one, folder).serve(stack) for one in ALL]
        first = {one.contender.name: await one.start(ROUND_TRIP) for one in starts}
        for _, one in itertools.product(range(scale.starts), starts):
            far[one.contender.name].append(await one.start(ROUND_TRIP))
            near[one.contender.name].append(await one.start(0.0))
    return [
        _row("start to first answered command, Discord round trip 100 ms, median", far, first),
        _row("the same without a network between", near, {}, most=2.0),
    ]


def _row(what: str, seconds: Mapping[str, Sequence[float]], first: Mapping[str, float], *, most: float = 1.5) -> Row:
    middle = {name: median(times) for name, times in seconds.items()}
    to_lean = ratio(middle["ours"], middle["lean"])
    shown = {name: f"{middle[name]:.2f} s" for name in middle}
    shown |= {name: f"{shown[name]} (the very first: {value:.2f} s)" for name, value in first.items()}
    return Row(what, f"{shown['ours']}; {to_lean:.2f} of lean", f"at most {most} of lean", to_lean <= most, shown)
