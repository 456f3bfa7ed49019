"""Equal calls at the same time become one.

Not async-lru: that ties a shared call to whoever waits for it, drops calls in flight when it evicts, judges age by the
loop's timer instead of the given clock, and has no say on which of two overlapping calls is the newer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedCalls(Generic[Answer]):
    """Runs one call a key at a time; whoever asks meanwhile gets the same answer or error.

    The call belongs to nobody who waits: it goes on when they are cancelled.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Answer]] = {}
        self._all: set[asyncio.Task[Answer]] = set()

    def join(
        self, key: Hashable, call: Callable[[], Awaitable[Answer]], *, fresh: bool = False
    ) -> asyncio.Task[Answer]:
        """Return the running call of this key, or start one; `fresh` starts one in any case."""
        running = self._running.get(key)
        if running is not None and not fresh:
            return running

        async def run() -> Answer:
            return await call()

        # A context of its own: what belongs to the first who asks must not stick to a call that many share.
        task = asyncio.create_task(run(), name=f"shared-call-{key}", context=Context())
        self._running[key] = task
        self._all.add(task)
        task.add_done_callback(lambda done: self._forget(key, done))
        return task

    def _forget(self, key: Hashable, done: asyncio.Task[Answer]) -> None:
        self._all.discard(done)
        if self._running.get(key) is done:
            del self._running[key]
        if not done.cancelled():
            done.exception()

    def fail_all(self) -> None:
        """Cancel all running calls, also those that a fresh one replaced."""
        for task in list(self._all):
            task.cancel()
