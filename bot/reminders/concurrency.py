"""Works on many things without holding up commands: several at a time, in slices, or in a thread."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.errors import StoreError

_LOG = logging.getLogger(__name__)

Thing = TypeVar("Thing")
Result = TypeVar("Result")
# So few that the work on them takes some milliseconds.
_SLICE = 200
# So few that the pure work on them takes less time than anybody notices.
_FEW = 1_000
# One for a poll and one for commands: the loop is one of those who share the interpreter.
_THREADS = ThreadPoolExecutor(2, "aside")
# SQLite works in a thread, which needs the interpreter several times for one statement. While the loop works it gets
# it after 5 ms each time, while the loop rests at once.
_REST_SECONDS = 0.001


async def give_way(things: Iterable[Thing]) -> AsyncIterator[Thing]:
    """Yield each thing, and let other tasks and threads run now and then."""
    for number, thing in enumerate(things):
        if number % _SLICE == 0:
            await asyncio.sleep(_REST_SECONDS)
        yield thing


async def aside(number: int, work: Callable[[], Result]) -> Result:
    """Return the result of pure work on so many things; on many, in a thread, so that other tasks go on."""
    return work() if number <= _FEW else await asyncio.get_running_loop().run_in_executor(_THREADS, work)


async def for_each(
    things: Iterable[Thing], work: Callable[[Thing], Awaitable[object]], *, at_once: int, what: str
) -> None:
    """Do the work on each thing, on at most `at_once` at a time.

    A failure is logged under the name `what`; the thing stays as it was stored, for the next poll.
    """
    slots = asyncio.Semaphore(at_once)

    async def guard(thing: Thing) -> None:
        async with slots:
            try:
                await work(thing)
            except StoreError as error:
                _LOG.warning("%s waits for the database: %s", what, error)
            except Exception:  # one thing's failure must not reach the others
                _LOG.exception("%s failed", what)

    await asyncio.gather(*map(guard, things))
