"""SQLite that costs a test little: without threads, and without waiting for the disk."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import aiosqlite.core
import sqlalchemy as sa

from bot.store.database import Database

_BUSY_SECONDS = 5


class _Turns:
    """Stands in place of the queue of a connection's thread: it calls a function at once, and lets the thread end.

    The result is there in the loop's next turn, so that other tasks go on meanwhile, as while a thread works. A
    statement that finds the file locked is tried again in each turn.
    """

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        """Call a function, and set the future to what it returns or raises."""
        future, function = item
        if future is None:
            function()
        else:
            self._call(future, function, time.monotonic() + _BUSY_SECONDS)

    def get(self) -> tuple[None, Callable[[], object]]:
        """Return what ends the thread."""
        return None, lambda: aiosqlite.core._STOP_RUNNING_SENTINEL  # noqa: SLF001  (nothing else ends it)

    def _call(self, future: asyncio.Future[Any], function: Callable[[], Any], until: float) -> None:
        call_soon = future.get_loop().call_soon
        try:
            result = function()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY and time.monotonic() < until:
                call_soon(self._call, future, function, until)
            else:
                call_soon(aiosqlite.core.set_exception, future, error)
        except Exception as error:
            call_soon(aiosqlite.core.set_exception, future, error)
        else:
            if isinstance(result, sqlite3.Connection):
                # The holder of a lock can't go on while SQLite waits.
                result.execute("PRAGMA busy_timeout=0")
            call_soon(aiosqlite.core.set_result, future, result)


@contextmanager
def without_threads() -> Iterator[None]:
    """Let connections that are opened in this block work in the loop's thread.

    To hand a statement to another thread takes longer than most statements.
    """
    with patch.object(aiosqlite.core, "SimpleQueue", _Turns):
        yield


async def skip_disk(database: Database) -> None:
    """Let commits of a SQLite database survive the end of the process only, not of the machine."""

    def set_pragma(driver: Any, _record: object) -> None:
        driver.execute("PRAGMA synchronous=OFF")

    if database.is_sqlite:
        sa.event.listen(database.engine.sync_engine, "connect", set_pragma)
        await database.engine.dispose()
