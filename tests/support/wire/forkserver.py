"""A process that has imported the bot and is forked for each test, which spares most of a start.

The child goes on as a program of its own: with its own folder, environment and output, and with Python's usual end. For
tests of the start itself, `run_bot` starts Python anew.
"""

import asyncio
import atexit
import functools
import gc
import importlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.paths import REPOSITORY

_PRELOADED = (
    "bot.runtime",
    "bot.cli.main",
    "bot.monitoring.metrics",
    "bot.monitoring.server",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "tests.support.wire.redirect",
)
_MOST_BYTES = 2**17
# Only Linux lets a process wait for the end of one that is not its child.
IS_AVAILABLE = hasattr(os, "pidfd_open")


class ForkedProcess:
    """A forked process, with those parts of asyncio's `Process` that tests need."""

    def __init__(self, server: "ForkServer", pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._server = server
        self._ended = asyncio.Event()
        self._handle = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._handle, self._note_end)

    async def wait(self) -> int:
        """Wait for the end; returns the exit status, or the negative number of the signal that ended it."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        """Kill the process, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self.returncode = self._server.ask({"ended": self.pid})
        self._ended.set()


class ForkServer:
    """The server, as the tests see it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = (sys.executable, "-m", "tests.support.wire.forkserver", str(theirs.fileno()))
        self._process = subprocess.Popen(  # noqa: S603  (our own program)
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
        )
        theirs.close()
        atexit.register(self._close)

    async def start(self, folder: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> ForkedProcess:
        """Start the bot with these arguments in this folder, and with only this environment."""
        reading, writing = os.pipe()
        request = {"folder": str(folder), "environment": dict(environment), "arguments": list(arguments)}
        pid = self.ask(request, writing)
        os.close(writing)
        stdout = asyncio.StreamReader(limit=2**24)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb")
        )
        return ForkedProcess(self, pid, stdout)

    def ask(self, request: Mapping[str, Any], *files: int) -> int:
        """Send a request with these file descriptors, and return the answer."""
        socket.send_fds(self._socket, [json.dumps(request).encode()], files)
        return int(self._socket.recv(_MOST_BYTES))

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def get_fork_server() -> ForkServer:
    """Return the server of this process, which the first call starts."""
    return ForkServer()


def _serve(connection: socket.socket) -> int:
    """Fork a child for each request until the tests end; returns the exit status, in a child that of the bot."""
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    while True:
        data, files, _, _ = socket.recv_fds(connection, _MOST_BYTES, 1)
        if not data:
            return 0
        request = json.loads(data)
        if "ended" in request:
            _, status = os.waitpid(request["ended"], 0)
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        (output,) = files
        pid = os.fork()
        if not pid:
            connection.close()
            return _run(request, output)
        os.close(output)
        connection.send(str(pid).encode())


def _run(request: Mapping[str, Any], output: int) -> int:
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    # The server's own objects belong to its output, which is no pipe.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    random.seed()
    from tests.support.wire.launch import launch

    return launch("bot", request["arguments"])


if __name__ == "__main__":
    sys.exit(_serve(socket.socket(fileno=int(sys.argv[1]))))
