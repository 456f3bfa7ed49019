"""Works on many channels or messages at once, and keeps the trouble with one from the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from bot.errors import StoreError

_LOG = logging.getLogger(__name__)

Thing = TypeVar("Thing")


class SideBySide:
    """Does one kind of work, `what` in the log, on at most `at_once` things at a time."""

    def __init__(self, what: str, *, at_once: int) -> None:
        self._what = what
        self._turn = asyncio.Semaphore(at_once)

    async def each(self, work: Callable[[Thing], Awaitable[object]], things: Iterable[Thing]) -> None:
        """Do the work on each thing; what fails is logged, and stays as it was stored for the next pass."""
        await asyncio.gather(*(self._guard(work, thing) for thing in things))

    async def _guard(self, work: Callable[[Thing], Awaitable[object]], thing: Thing) -> None:
        async with self._turn:
            try:
                await work(thing)
            except StoreError as error:
                _LOG.warning("%s waits for the database: %s", self._what, error)
            except Exception:  # the edge of the work on one thing
                _LOG.exception("%s failed", self._what)
