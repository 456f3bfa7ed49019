"""Shares one call among equal calls at the same time.

Not async-lru, which cancels a shared call with its first caller and measures age by the loop's own timer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedCalls(Generic[Answer]):
    """Runs one call a key at a time; all callers that join it get the same answer or error.

    The call goes on when its callers are cancelled.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Answer]] = {}
        self._all: set[asyncio.Task[Answer]] = set()

    def join(
        self, key: Hashable, call: Callable[[], Awaitable[Answer]], *, fresh: bool = False
    ) -> asyncio.Task[Answer]:
        """Return the running call of this key, or start one; always start one if it must be `fresh`."""
        running = self._running.get(key)
        if running is not None and not fresh:
            return running

        async def run() -> Answer:
            return await call()

        # With a context of its own: context variables of the first caller must not apply to a call that many share.
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
        """Cancel all running calls, and those that a fresh call has replaced."""
        for task in list(self._all):
            task.cancel()
