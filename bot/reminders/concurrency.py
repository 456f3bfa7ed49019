"""Works on many channels or messages: several at a time, or one after the other without holding up commands."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from bot.errors import StoreError

_LOG = logging.getLogger(__name__)

Thing = TypeVar("Thing")
# So few that the work on them takes some milliseconds.
_SLICE = 200
# SQLite works in a thread, which needs the interpreter several times for one statement. While the loop works it gets
# it after 5 ms each time, while the loop rests at once.
_REST_SECONDS = 0.001


async def give_way(things: Iterable[Thing]) -> AsyncIterator[Thing]:
    """Yield each thing, and let other tasks and threads run now and then."""
    for number, thing in enumerate(things):
        if number % _SLICE == 0:
            await asyncio.sleep(_REST_SECONDS)
        yield thing


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
