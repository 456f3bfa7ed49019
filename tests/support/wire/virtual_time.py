"""An event loop whose time stands still while it works, and jumps ahead while nothing happens.

A simulated day takes seconds, and a measured time does not depend on the speed of the machine. Time also stands still
while a thread of an executor works, and SQLite works in the loop. Bot and stand-ins must share it: waiting for another
process would be taken for idleness.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

from tests.support.sqlite import without_threads

# The longest that a packet takes within this machine.
_GRACE_SECONDS = 0.0005
# The longest that time stands still for a thread: one that never ends should fail a test, not hang it.
_THREAD_SECONDS = 30
# Code that waits for a moment by comparing times relies on a clock that goes on.
_TICK_SECONDS = 0.000001

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Positional = TypeVarTuple("Positional")


class _Impatient(selectors.DefaultSelector):
    """Waits for the grace at most; `passed` are the seconds that it should have waited so far.

    `in_threads` is the number of results that threads work on.
    """

    passed = 0.0
    in_threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is ready soon, act as if the time had passed."""
        if timeout is None:
            return super().select()
        ready = super().select(_THREAD_SECONDS if timeout and self.in_threads else min(timeout, _GRACE_SECONDS))
        if not ready:
            self.passed += max(timeout, _TICK_SECONDS)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The event loop; `began_at` is the real time of its beginning."""

    def __init__(self) -> None:
        self.began_at = datetime.now(UTC)
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        """Return the time."""
        return self._impatient.passed

    def run_in_executor(
        self, executor: Executor | None, function: Callable[[*Positional], Result], *args: *Positional
    ) -> asyncio.Future[Result]:
        """Call a function in a thread; time stands still meanwhile."""
        future = super().run_in_executor(executor, function, *args)
        self._impatient.in_threads += 1
        future.add_done_callback(self._end_thread)
        return future

    def _end_thread(self, _future: asyncio.Future[Any]) -> None:
        self._impatient.in_threads -= 1

    async def shutdown_default_executor(self, _seconds: float | None = None) -> None:
        """Wait for the threads, however long they take: they work in real time."""
        await super().shutdown_default_executor()


def read_clock() -> datetime:
    """Return the time of the running loop if that is a virtual one, the real time otherwise."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return datetime.now(UTC)
    if isinstance(loop, VirtualTimeLoop):
        return loop.began_at + timedelta(seconds=loop.time())
    return datetime.now(UTC)


def in_virtual_time(test: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """Run an asynchronous test in such a loop."""

    @functools.wraps(test)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with without_threads(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
