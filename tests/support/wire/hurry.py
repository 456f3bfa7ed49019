"""An event loop whose time jumps while nothing happens, so that a simulated day takes seconds.

It suits a bot and stand-ins in one process: a loop that waits for another process would skip the wait.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

# The longest that a packet takes on this machine.
_GRACE_SECONDS = 0.0003

Arguments = ParamSpec("Arguments")


class _Impatient(selectors.DefaultSelector):
    """Waits for the grace at most; `skipped` are the seconds that it did not wait."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing will be soon, act as if the time had passed."""
        if timeout is None:
            return super().select()
        ready = super().select(min(timeout, _GRACE_SECONDS))
        if not ready:
            self.skipped += max(timeout, 0.0)
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    """The event loop."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        """Return the time, with the skipped seconds."""
        return super().time() + self._impatient.skipped


def hurried(test: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """Run an asynchronous test in such a loop: it waits no real time, and its measured times are exact."""

    @functools.wraps(test)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with asyncio.Runner(loop_factory=HurriedLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
