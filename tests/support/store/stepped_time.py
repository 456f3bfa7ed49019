"""An event loop whose time goes on only when the test says so, however long the database takes."""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from tests.support.wire.journal import PATIENCE

Arguments = ParamSpec("Arguments")


class _Watched(selectors.DefaultSelector):
    """Waits for real events alone; a test that waits for too long fails."""

    def __init__(self) -> None:
        super().__init__()
        self._ends_at = time.monotonic() + PATIENCE

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready."""
        if time.monotonic() > self._ends_at:
            raise TimeoutError
        return super().select(1.0 if timeout is None else min(timeout, 1.0))


class SteppedLoop(asyncio.SelectorEventLoop):
    """The event loop."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Watched())

    def time(self) -> float:
        """Return the time."""
        return self._now

    def skip(self, seconds: float) -> None:
        """Let so much time pass."""
        self._now += seconds


def stepped_loop() -> SteppedLoop:
    """Return the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SteppedLoop)
    return loop


def in_stepped_time(test: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """Run an asynchronous test in such a loop."""

    @functools.wraps(test)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with asyncio.Runner(loop_factory=SteppedLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
