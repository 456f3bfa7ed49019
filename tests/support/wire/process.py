"""The bot as a process of its own, connected to stand-ins."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.support.paths import REPOSITORY
from tests.support.wire.forkserver import IS_AVAILABLE, ForkedProcess, get_fork_server
from tests.support.wire.journal import PATIENCE, Journal
from tests.support.wire.launch import VARIABLE, Launch

_PLAIN = Launch()
# Docker and systemd kill a process that takes longer.
STOP_SECONDS = 10.0


class BotProcess:
    """A running `python -m bot`, or another module; `lines` is its output, standard output and error together."""

    def __init__(self, process: Process | ForkedProcess, folder: Path, environment: Mapping[str, str]) -> None:
        self.lines: Journal[str] = Journal()
        self.folder = folder
        self._process = process
        self._environment = environment
        assert process.stdout is not None
        self._reading = asyncio.create_task(self._read(process.stdout))

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def output(self) -> str:
        """Return the output so far."""
        return "\n".join(self.lines)

    async def says(self, text: str, *, nth: int = 1, within: float = PATIENCE) -> str:
        """Wait for the n-th line with this text, and return the line."""
        return await self.lines.find(lambda line: text in line, nth=nth, within=within)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        # Popen's own method may collect the exit status of a process that is just ending, and asyncio then loses it.
        with contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                os.kill(self._process.pid, number)

    async def ended(self, *, within: float = PATIENCE) -> int:
        """Wait for the end and for all output; returns the exit status.

        Raises:
            TimeoutError: it still runs after that many seconds.
        """
        async with asyncio.timeout(within):
            status = await self._process.wait()
            await self._reading
            return status

    async def run_beside(self, *arguments: str) -> tuple[int, str]:
        """Run the bot once more in the same folder and environment; returns its exit status and output."""
        async with _start(self.folder, self._environment, "bot", *arguments, is_forked=IS_AVAILABLE) as beside:
            return await beside.ended(), beside.output

    async def stop(self) -> int:
        """Stop the process as an operator does, by force if it does not end; returns the exit status.

        Raises:
            TimeoutError: it did not end by itself within ten seconds.
        """
        if self._process.returncode is None:
            self.signal(signal.SIGTERM)
        try:
            return await self.ended(within=STOP_SECONDS)
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self.ended()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.lines.add(line.decode().rstrip("\n"))
        self.lines.close()


async def _start_anew(folder: Path, environment: Mapping[str, str], module: str, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.wire.launch", module, *arguments),
        cwd=folder,
        env=environment,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**24,
    )


@asynccontextmanager
async def _start(
    folder: Path, environment: Mapping[str, str], module: str, *arguments: str, is_forked: bool
) -> AsyncIterator[BotProcess]:
    process: Process | ForkedProcess
    if is_forked:
        process = await get_fork_server().start(folder, environment, arguments)
    else:
        process = await _start_anew(folder, environment, module, *arguments)
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
    launch: Launch = _PLAIN,
    module: str = "bot",
    dotenv: str | None = None,
    blocked: str | None = None,
    is_forked: bool = False,
) -> AsyncIterator[BotProcess]:
    """Run the bot, or another module, until the block ends.

    Args:
        discord_url: the stand-in of Discord.
        settings: the environment; the process gets no other settings.
        arguments: the command line.
        launch: further differences from a process of an operator.
        module: the module to run.
        dotenv: the content of a `.env` in the folder of the process, which is empty otherwise.
        blocked: the path of a folder in it, in place of a file that the bot would write.
        is_forked: whether the bot may be forked from a process that has imported it, which is faster.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        VARIABLE: replace(launch, discord_url=discord_url).to_json(),
        **settings,
    }
    with tempfile.TemporaryDirectory() as folder:
        if dotenv is not None:
            (Path(folder) / ".env").write_text(dotenv, encoding="utf-8")
        if blocked is not None:
            (Path(folder) / blocked).mkdir(parents=True)
        is_forked = is_forked and IS_AVAILABLE and module == "bot" and not launch.missing
        async with _start(Path(folder), environment, module, *arguments, is_forked=is_forked) as bot:
            yield bot
