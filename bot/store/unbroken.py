"""Transactions on SQLite that no cancellation breaks: it waits until the running statement and the rollback have ended.

The driver works in a thread, which a cancellation does not reach: the file would stay locked for as long as the thread
works, and a second cancellation, while SQLAlchemy closes the connection, would let the driver wait for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Result = TypeVar("Result")


async def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work to its end and return its result; a cancellation meanwhile comes afterwards, in place of that."""
    working = asyncio.create_task(work)
    cancellation: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is None:
        return working.result()
    if not working.cancelled():
        # Nobody is left to hear of it.
        working.exception()
    raise cancellation


class _UnbrokenConnection(AsyncConnection):
    async def execute(self, *args: Any, **options: Any) -> Any:
        return await finish(super().execute(*args, **options))

    async def exec_driver_sql(self, *args: Any, **options: Any) -> Any:
        return await finish(super().exec_driver_sql(*args, **options))

    async def run_sync(self, *args: Any, **options: Any) -> Any:
        return await finish(super().run_sync(*args, **options))

    async def commit(self) -> None:
        await finish(super().commit())

    async def rollback(self) -> None:
        await finish(super().rollback())


@asynccontextmanager
async def begin_unbroken(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a transaction, as the engine's own `begin` does."""
    async with _UnbrokenConnection(engine) as connection:
        try:
            yield connection
        except BaseException:
            await connection.rollback()
            raise
        await connection.commit()
