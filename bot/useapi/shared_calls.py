"""Shares one call among equal calls at the same time.

Not async-lru, which cancels a shared call with its first caller and measures age by the loop's own timer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedCalls(Generic[Answer]):
    """Shares the calls of each key: all callers that join one get the same answer or error.

    Callers that need a fresh answer join only a call that was started for one of them. So a key has two calls at a
    time, however many callers there are. The calls go on when their callers are cancelled.
    """

    def __init__(self) -> None:
        self._calls: dict[tuple[Hashable, bool], asyncio.Task[Answer]] = {}

    def join(
        self, key: Hashable, call: Callable[[], Awaitable[Answer]], *, fresh: bool = False
    ) -> asyncio.Task[Answer]:
        """Return the running call of this key, or start one."""
        running = self._calls.get((key, True)) or (None if fresh else self._calls.get((key, False)))
        return running or self._start((key, fresh), call)

    def _start(self, place: tuple[Hashable, bool], call: Callable[[], Awaitable[Answer]]) -> asyncio.Task[Answer]:
        async def run() -> Answer:
            return await call()

        # With a context of its own: context variables of the first caller must not apply to a call that many share.
        task = asyncio.create_task(run(), name=f"shared-call-{place[0]}", context=Context())
        self._calls[place] = task
        task.add_done_callback(lambda done: self._forget(place, done))
        return task

    def _forget(self, place: tuple[Hashable, bool], done: asyncio.Task[Answer]) -> None:
        del self._calls[place]
        if not done.cancelled():
            done.exception()

    def fail_all(self) -> None:
        """Cancel all calls."""
        for task in list(self._calls.values()):
            task.cancel()
