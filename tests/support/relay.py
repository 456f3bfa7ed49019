"""A stretch of network in front of a PostgreSQL server, in which connections fall silent without being closed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

_SOCKET = ".s.PGSQL.5432"
_AT_ONCE = 65536
_FAREWELL = b"X\0\0\0\4"


class Relay:
    """Forwards connections, until they are forgotten or the server hangs; `accepted` is how many there were.

    `url` leads through it to the database. `requests` counts what clients sent before they waited for an answer, `lost`
    those that nobody gets.
    """

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._is_hanging = False
        # How many of the connections so far are forgotten.
        self._forgotten = 0
        self._writers: list[asyncio.StreamWriter] = []
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

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection, or keep it open."""
        self.accepted += 1
        number = self.accepted
        self._writers.append(writer)
        if self._is_hanging:
            self._forgotten = number
            self._tasks.add(asyncio.create_task(self._forward(number, reader, writer, requests=1)))
            return
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket_path)
        self._writers.append(server_writer)
        self._tasks.add(asyncio.create_task(self._forward(number, reader, server_writer, requests=1)))
        self._tasks.add(asyncio.create_task(self._forward(number, server_reader, writer, requests=0)))

    async def _forward(
        self, number: int, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, requests: int
    ) -> None:
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def open_relay(url: str) -> AsyncIterator[Relay]:
    """Relay to the server of a database until the block ends."""
    parts = sa.make_url(url)
    relay = Relay(f"{parts.query['host']}/{_SOCKET}")
    listening = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    relay.url = parts.set(host="127.0.0.1", port=port, query={}).render_as_string()
    try:
        yield relay
    finally:
        listening.close()
        await relay.close()
