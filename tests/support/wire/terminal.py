"""A command of the bot on a real pseudo-terminal, with somebody who types."""

import asyncio
import os
import pty
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.paths import REPOSITORY
from tests.support.wire.journal import PATIENCE
from tests.support.wire.launch import VARIABLE, Launch

_AT_ONCE = 65_536
_LOOK_AGAIN_AFTER = 0.01
CTRL_C, CTRL_D = "\x03", "\x04"


def _wait_for_rest(pid: int) -> None:
    """Wait until a process has nothing to do, for as long as it exists."""
    status = Path(f"/proc/{pid}/stat")
    with suppress(OSError):
        while status.read_text().rpartition(") ")[2][0] != "S":
            time.sleep(_LOOK_AGAIN_AFTER)


class Terminal:
    """A terminal in `folder`; `screen` is everything that it has shown, what was typed included."""

    def __init__(self, process: Process, descriptor: int, folder: Path) -> None:
        self.folder = folder
        self.screen = ""
        self._process = process
        self._descriptor = descriptor
        self._seen = 0
        self._shown = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            read = os.read(self._descriptor, _AT_ONCE)
        except OSError:  # Linux's way to say that nobody has the terminal open any more
            read = b""
        if not read:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self.screen += read.decode().replace("\r\n", "\n")
        self._shown.set()

    async def shows(self, text: str) -> None:
        """Wait until a text is on the screen that was not there when this was last awaited."""
        async with asyncio.timeout(PATIENCE):
            while (found := self.screen.find(text, self._seen)) < 0:
                self._shown.clear()
                await self._shown.wait()
        self._seen = found + len(text)

    def press(self, keys: str) -> None:
        """Press some keys."""
        os.write(self._descriptor, keys.encode())

    async def answer(self, prompt: str, text: str) -> None:
        """Wait for a question, and type the answer."""
        await self.shows(prompt)
        self.press(f"{text}\n")

    async def interrupt(self, key: str) -> int:
        """Press a key that ends the process, once it waits for keys; returns the exit status.

        Python misses a Ctrl-C that comes after a question and before it begins to read the answer.
        """
        await asyncio.to_thread(_wait_for_rest, self._process.pid)
        self.press(key)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end; returns the exit status."""
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def close(self) -> None:
        """End what still runs, and close the terminal."""
        with suppress(ProcessLookupError):
            if self._process.returncode is None:
                self._process.kill()
        await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)


@asynccontextmanager
async def open_terminal(
    discord_url: str, settings: Mapping[str, str], *arguments: str, prepare: Callable[[Path], None]
) -> AsyncIterator[Terminal]:
    """Run a command of the bot on a terminal of its own, in a folder that `prepare` fills, until the block ends."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONIOENCODING": "utf-8",
        VARIABLE: Launch(discord_url=discord_url).to_json(),
        **settings,
    }
    ours, theirs = pty.openpty()
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        # util-linux's setsid makes it the controlling terminal, whose Ctrl-C is a signal.
        process = await asyncio.create_subprocess_exec(
            *("setsid", "--ctty", "--wait", sys.executable, "-m", "tests.support.wire.launch", "bot", *arguments),
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        terminal = Terminal(process, ours, Path(folder))
        try:
            yield terminal
        finally:
            await terminal.close()
    assert "Traceback" not in terminal.screen, terminal.screen
