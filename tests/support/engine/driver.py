"""Lets SQLite work in the thread of the event loop: to hand each statement to another thread takes longer than it."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import aiosqlite.core

_BUSY_SECONDS = 5


class _AtOnce:
    """Stands in place of the queue of a connection's thread: it calls a function at once, and lets the thread end.

    While another connection has locked the file, its transaction goes on before the next attempt.
    """

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        """Call a function and set the future to what it returns or raises."""
        self._call(*item, time.monotonic() + _BUSY_SECONDS)

    def _call(self, future: asyncio.Future[Any] | None, function: Callable[[], Any], until: float) -> None:
        try:
            result = function()
        except sqlite3.OperationalError as error:
            is_locked = error.sqlite_errorcode == sqlite3.SQLITE_BUSY and time.monotonic() < until
            if future is not None and is_locked:
                future.get_loop().call_soon(self._call, future, function, until)
            elif future is not None:
                aiosqlite.core.set_exception(future, error)
        except Exception as error:
            if future is not None:
                aiosqlite.core.set_exception(future, error)
        else:
            if future is not None:
                aiosqlite.core.set_result(future, result)

    def get(self) -> tuple[None, Callable[[], object]]:
        """Return what ends the thread."""
        return None, lambda: aiosqlite.core._STOP_RUNNING_SENTINEL  # noqa: SLF001  (nothing else ends it)


@contextmanager
def without_threads() -> Iterator[None]:
    """Open connections whose statements take effect at once, for as long as the block lasts.

    They have to set SQLite's own wait for a lock to nothing: the holder of the lock can't go on meanwhile.
    """
    with patch.object(aiosqlite.core, "SimpleQueue", _AtOnce):
        yield
