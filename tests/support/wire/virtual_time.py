"""An event loop whose time stands still while it works, and jumps ahead while nothing happens.

A simulated day takes seconds, and a measured time does not depend on the speed of the machine. Bot and stand-ins must
share the loop: waiting for another process or a thread would be taken for idleness.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec

# The longest that a packet takes within this machine.
_GRACE_SECONDS = 0.0005
# Code that waits for a moment by comparing times relies on a clock that goes on.
_TICK_SECONDS = 0.000001

Arguments = ParamSpec("Arguments")


class _Impatient(selectors.DefaultSelector):
    """Waits for the grace at most; `passed` are the seconds that it should have waited so far."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is ready soon, act as if the time had passed."""
        if timeout is None:
            return super().select()
        ready = super().select(min(timeout, _GRACE_SECONDS))
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
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
