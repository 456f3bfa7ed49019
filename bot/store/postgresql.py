"""Connections to PostgreSQL, directly or through PgBouncer.

Nothing stays on the server between transactions, so that each may run on another server connection. Nothing waits for
ever, and the first statement of a transaction is also the test of its connection: a silent one is replaced.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.core.database_url import SERVER_SETTINGS


@dataclass(frozen=True, slots=True)
class Waits:
    """The longest waits, in seconds; `tcp` are those of the system, by the names of the options."""

    connect: float
    begin: float
    statement: float
    goodbye: float
    tcp: Mapping[str, int]


def create_engine(address: str, waits: Waits, begin: str, *, pool_seconds: float) -> AsyncEngine:
    """Build an engine whose transactions begin with the SQL `begin`."""
    url = make_url(address)
    arguments = {
        "timeout": waits.connect,
        "command_timeout": waits.statement,
        "connection_class": _build_connection_class(waits, begin),
        # The driver sends the text of an unnamed statement at each use, in the same round trip. So SQLAlchemy may keep
        # what it knows of a statement, while the server keeps nothing.
        "statement_cache_size": 0,
        "prepared_statement_name_func": lambda: "",
        "server_settings": {name: url.query[name] for name in SERVER_SETTINGS if name in url.query},
    }
    own = url.difference_update_query(SERVER_SETTINGS)
    engine = create_async_engine(own, connect_args=arguments, pool_timeout=pool_seconds)
    event.listen(engine.sync_engine, "checkout", _begin)
    event.listen(engine.sync_engine, "handle_error", _hang_up_on_silence)
    return engine


def _build_connection_class(waits: Waits, begin: str) -> type[asyncpg.Connection]:
    class Connection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
        def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
            super().__init__(protocol, transport, *rest)
            _keep_alive(transport.get_extra_info("socket"), waits.tcp)

        def transaction(self, **_options: Any) -> _Transaction:
            return _Transaction(self, begin, waits.begin)

        async def close(self, *, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # the driver's name
            if self.is_closed() or not self.is_in_transaction():
                # A word of farewell is sent; waiting for the server to hang up would change nothing.
                self.terminate()
                return
            # What the server is doing may have to be cancelled; in the end the connection is cut off.
            with suppress(TimeoutError, OSError):
                await super().close(timeout=waits.goodbye)

    return Connection


class _Transaction:
    """What SQLAlchemy needs of the driver's transaction; limits are set in the round trip of its begin."""

    def __init__(self, connection: asyncpg.Connection, begin: str, begin_seconds: float) -> None:
        self._connection = connection
        self._begin = begin
        self._begin_seconds = begin_seconds

    async def start(self) -> None:
        await self._connection.execute(self._begin, timeout=self._begin_seconds)

    async def commit(self) -> None:
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        await self._connection.execute("ROLLBACK")


def _keep_alive(connection: socket.socket, options: Mapping[str, int]) -> None:
    if connection.family == getattr(socket, "AF_UNIX", None):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in options.items():
        # Other systems lack some of them.
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _begin(connection: Any, record: Any, _proxy: object) -> None:
    """Begin the transaction as the connection is taken out of the pool; one that fails is replaced, once."""
    is_used = record.info.get("is_used", False)
    record.info["is_used"] = True
    try:
        # SQLAlchemy would do it at the first statement, too late to take another connection.
        connection.run_async(lambda _driver: connection._start_transaction())  # noqa: SLF001
    except Exception as error:
        # No goodbye: the server would have to answer.
        connection.driver_connection.terminate()
        if not is_used:
            raise
        raise InvalidatePoolError from error


def _hang_up_on_silence(context: ExceptionContext) -> None:
    """Replace a connection that did not answer in time, and all that were opened before, at their next use."""
    if isinstance(context.original_exception, TimeoutError) and context.connection is not None:
        context.is_disconnect = context.invalidate_pool_on_disconnect = True
        driver: Any = context.connection.connection.driver_connection
        driver.terminate()
