"""Servers on this machine that break the protocol, and addresses without a server."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def closed_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True)
class Script:
    """One connection of a bare server: after the request it is reset, or `send` is sent, then `repeat` for ever.

    With `hang` the connection stays open at the end. `pause` is the seconds between two repetitions.
    """

    send: bytes = b""
    reset: bool = False
    repeat: bytes = b""
    pause: float = 0.0
    hang: bool = False


@dataclass
class BareServer:
    """A TCP server that follows one script a connection; all later connections follow the last one.

    `asked_at` is the loop's time at which each request arrived.
    """

    scripts: tuple[Script, ...]
    requests: list[bytes] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)
    base_url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            await self._follow(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[min(len(self.requests), len(self.scripts) - 1)]
        self.requests.append(b"")
        index = len(self.requests) - 1
        self.requests[index] = await reader.readuntil(b"\r\n\r\n")
        self.asked_at.append(asyncio.get_running_loop().time())
        if script.reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return
        writer.write(script.send)
        while script.repeat and not reader.at_eof():
            writer.write(script.repeat)
            await writer.drain()
            await asyncio.sleep(script.pause)
        await writer.drain()
        if script.hang:
            await reader.read()


@asynccontextmanager
async def serve_bare(*scripts: Script) -> AsyncIterator[BareServer]:
    """Serve the scripts on a free loopback port."""
    bare = BareServer(scripts)
    server = await asyncio.start_server(bare.handle, "127.0.0.1", 0)
    bare.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield bare
