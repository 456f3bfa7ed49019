"""A stretch of network in front of a server, in which connections fall silent without being closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import sqlalchemy as sa
import yarl

_SOCKET = ".s.PGSQL.5432"
_AT_ONCE = 65536
# PostgreSQL's.
_FAREWELL = b"X\0\0\0\4"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """Forwards connections, until they are forgotten or the server hangs; `accepted` is how many there were.

    `url` leads through it to the server. `requests` counts what clients sent before they waited for an answer, `lost`
    those that nobody gets.
    """

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._is_hanging = False
        # How many of the connections so far are forgotten.
        self._forgotten = 0
        # Both ends of each connection, by its number.
        self._ends: dict[int, list[asyncio.StreamWriter]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = self.requests = self.lost = 0
        self.url = ""

    def forget(self) -> None:
        """Forward nothing any more on the connections of now, as a NAT does that forgets them; new ones work."""
        self._forgotten = self.accepted

    def hang(self) -> None:
        """Accept connections, as the system does for a server that hangs, and forward nothing on any."""
        self.forget()
        self._is_hanging = True

    def resume(self) -> None:
        """Forward new connections again."""
        self._is_hanging = False

    def end_forgotten(self) -> None:
        """End all forgotten connections, as the systems on both sides do after hours."""
        for number in [number for number in self._ends if number <= self._forgotten]:
            for writer in self._ends.pop(number):
                writer.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection, or keep it open."""
        self.accepted += 1
        number = self.accepted
        self._ends[number] = [writer]
        if self._is_hanging:
            self._forgotten = number
            self._start(self._forward(number, reader, writer, requests=1))
            return
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            # The server is down.
            writer.transport.abort()
            return
        self._ends[number].append(server_writer)
        self._start(self._forward(number, reader, server_writer, requests=1))
        self._start(self._forward(number, server_reader, writer, requests=0))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(
        self, number: int, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, requests: int
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(_AT_ONCE):
                # Nobody waits for an answer to a farewell.
                if data != _FAREWELL:
                    self.requests += requests
                    self.lost += requests * (number <= self._forgotten)
                if number > self._forgotten:
                    sink.write(data)
        # Of a forgotten connection the server does not even learn that it ended.
        if number > self._forgotten:
            sink.close()

    async def close(self) -> None:
        """Close everything."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.forget()
        self.end_forgotten()


@asynccontextmanager
async def open_relay(url: str) -> AsyncIterator[Relay]:
    """Relay to the server of a database until the block ends."""
    parts = sa.make_url(url)
    path = f"{parts.query['host']}/{_SOCKET}"
    async with _listen(lambda: asyncio.open_unix_connection(path)) as (relay, port):
        relay.url = parts.set(host="127.0.0.1", port=port, query={}).render_as_string()
        yield relay


@asynccontextmanager
async def open_web_relay(url: str) -> AsyncIterator[Relay]:
    """Relay to a web server on this machine until the block ends."""
    address = yarl.URL(url)
    async with _listen(lambda: asyncio.open_connection(address.host, address.port)) as (relay, port):
        relay.url = f"http://127.0.0.1:{port}"
        yield relay


@asynccontextmanager
async def _listen(connect: Callable[[], Awaitable[Streams]]) -> AsyncIterator[tuple[Relay, int]]:
    """Relay from a free loopback port, which is yielded too."""
    relay = Relay(connect)
    listening = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    try:
        yield relay, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await relay.close()
