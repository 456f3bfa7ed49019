"""The bot as a process of its own, connected to stand-ins."""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.wire.journal import PATIENCE, Journal

_REPOSITORY = Path(__file__).parents[3]
_SITE = Path(__file__).parent / "site"
_STOP_SECONDS = 10.0


class BotProcess:
    """A running `python -m bot`, or another module; `lines` is what it wrote, standard output and error together."""

    def __init__(self, process: Process, folder: Path, environment: Mapping[str, str]) -> None:
        self.lines: Journal[str] = Journal()
        self._process = process
        self._folder = folder
        self._environment = environment
        assert process.stdout is not None
        self._reading = asyncio.create_task(self._read(process.stdout))

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def output(self) -> str:
        """Return everything written so far."""
        return "\n".join(self.lines)

    async def says(self, text: str, *, nth: int = 1, within: float = PATIENCE) -> str:
        """Wait for the n-th line that holds the text, and return the line."""
        return await self.lines.find(lambda line: text in line, nth=nth, within=within)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def ended(self, *, within: float = _STOP_SECONDS) -> int:
        """Wait for the end and for all of the output; returns the exit status.

        Raises:
            TimeoutError: it still runs after that many seconds.
        """
        async with asyncio.timeout(within):
            status = await self._process.wait()
            await self._reading
            return status

    async def run_beside(self, *arguments: str) -> tuple[int, str]:
        """Run the bot once more in the same folder, with these arguments; returns its exit status and output."""
        async with _start(self._folder, self._environment, "bot", *arguments) as beside:
            return await beside.ended(), beside.output

    async def stop(self) -> int:
        """End the process as an operator does, by force if it does not listen; returns the exit status."""
        if self._process.returncode is None:
            self.signal(signal.SIGTERM)
        try:
            return await self.ended()
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self.ended()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.lines.add(line.decode().rstrip("\n"))
        self.lines.close()


def _environment(discord_url: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(_SITE), str(_REPOSITORY))),
        "DISCORD_STANDIN": discord_url,
        **settings,
    }


@asynccontextmanager
async def _start(
    folder: Path, environment: Mapping[str, str], module: str, *arguments: str
) -> AsyncIterator[BotProcess]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *arguments),
        cwd=folder,
        env=environment,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**24,
    )
    bot = BotProcess(process, folder, environment)
    try:
        yield bot
    finally:
        await bot.stop()


@asynccontextmanager
async def run_bot(
    discord_url: str,
    settings: Mapping[str, str],
    *arguments: str,
    module: str = "bot",
    dotenv: str | None = None,
    blocked: str | None = None,
) -> AsyncIterator[BotProcess]:
    """Run the bot, or another module, until the block ends, in a folder that is empty but for what is asked for here.

    It meets no other setting than the given ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        if dotenv is not None:
            (Path(folder) / ".env").write_text(dotenv, encoding="utf-8")
        if blocked is not None:
            (Path(folder) / blocked).mkdir(parents=True)
        async with _start(Path(folder), _environment(discord_url, settings), module, *arguments) as bot:
            yield bot
