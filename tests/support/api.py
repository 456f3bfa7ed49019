"""What the tests of this folder share: a clock to set, servers that misbehave, a client without pauses."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from aiohttp import web
from pydantic import SecretStr

from bot.core.secrets import Redactor
from bot.useapi.client import MiniMaxClient, build_session
from bot.useapi.directory import AccountDirectory, open_directory
from bot.useapi.fake import TOKEN, FakeApi

START = datetime(2026, 1, 1, tzinfo=UTC)
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at

    def move(self, seconds: float) -> None:
        """Move the time on, or back."""
        self.at += timedelta(seconds=seconds)


def account(name: str | None = None, *, days: float | None = None, **top: Any) -> dict[str, Any]:
    """Return an account object as the API gives it."""
    jwt: dict[str, Any] = {} if name is None else {"user": {"name": name}}
    if days is not None:
        jwt["exp"] = (START + timedelta(days=days)).timestamp()
    return {"jwt": jwt, **top}


def no_pause() -> float:
    """Return the jitter that makes every pause between two tries zero."""
    return -1.0


@asynccontextmanager
async def open_client(
    base_url: str, *, budget: float = 10.0, now: datetime = START, token: str = TOKEN
) -> AsyncIterator[MiniMaxClient]:
    """Open a client that tries again at once."""
    async with build_session() as session:
        yield MiniMaxClient(
            session,
            base_url=base_url,
            token=SecretStr(token),
            redact=Redactor([token]),
            now=lambda: now,
            jitter=no_pause,
            budget=budget,
        )


@dataclass
class Stage:
    """A directory with its clock and the API behind it."""

    directory: AccountDirectory
    standin: FakeApi
    clock: Clock


@asynccontextmanager
async def open_stage(accounts: dict[str, Any], *, budget: float = 10.0) -> AsyncIterator[Stage]:
    """Open a directory of these accounts; its time stands still until it is moved."""
    standin, clock = FakeApi(accounts), Clock()
    async with (
        standin.serve() as base_url,
        open_directory(
            base_url=base_url,
            token=SecretStr(TOKEN),
            redact=Redactor([TOKEN]),
            now=clock,
            jitter=no_pause,
            budget=budget,
        ) as directory,
    ):
        yield Stage(directory, standin, clock)


class Gate:
    """Holds the stand-in's answers back until it is opened or left; each answer is as of its request."""

    def __init__(self, standin: FakeApi) -> None:
        self.arrived = asyncio.Queue[str]()
        self._accounts = standin.accounts
        self._open = asyncio.Event()
        standin.behave = self._answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def open(self) -> None:
        """Let all answers out."""
        self._open.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        account_id = request.match_info.get("account")
        found = self._accounts if account_id is None else self._accounts.get(account_id)
        response = web.json_response(found, status=404 if found is None else 200)
        self.arrived.put_nowait(request.raw_path)
        await self._open.wait()
        return response


def always(response: Callable[[], web.StreamResponse]) -> Callable[[web.Request], Any]:
    """Return a behaviour that gives this answer to every request."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        return response()

    return behave


@dataclass(frozen=True)
class Script:
    """What a bare server does with one connection: sends bytes, then closes, or goes on as said."""

    send: bytes = b""
    reset: bool = False
    repeat: bytes = b""
    pause: float = 0.0
    hang: bool = False


@dataclass
class BareServer:
    """A TCP server that follows its scripts, one a connection, the last one for all that come later."""

    scripts: tuple[Script, ...]
    requests: list[bytes] = field(default_factory=list)
    base_url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Follow the script of this connection."""
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


def closed_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
