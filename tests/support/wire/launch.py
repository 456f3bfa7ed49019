"""`python -m tests.support.wire.launch MODULE ARGUMENT ...`: starts the bot, or another module, as a test needs it.

The test describes the process with a `Launch`, as JSON in the environment. Everything goes through public doors: the
arguments of the bot's `main`, discord.py's addresses, and hooks of Python and SQLAlchemy.
"""

import itertools
import json
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.core.timing import DEFAULT_TIMING, Timing

VARIABLE = "TEST_LAUNCH"


@dataclass(frozen=True, slots=True)
class Launch:
    """The differences between a process of a test and one of an operator.

    `discord_url` is the stand-in that discord.py talks to; without it discord.py is not loaded. `clock` is a file that
    says how many more seconds have gone by than the test has taken; a second line says by how many the machine's
    clock is wrong. If its text is no number, reading the clock fails with that text. Packages in `missing` can't be
    imported. The process kills itself before it opens, moves or removes a file of the database, or a draft of one, for
    the n-th time (`die_at_file`), or before its n-th commit. It suspends itself after its first statement that begins
    with `suspend_after`, amid a transaction. Saving a subscription of the account `unsaved` fails with an unexpected
    error that says `failure`.
    """

    discord_url: str = ""
    timing: Timing = DEFAULT_TIMING
    clock: Path | None = None
    missing: tuple[str, ...] = ()
    die_at_file: int | None = None
    die_before_commit: int | None = None
    suspend_after: str | None = None
    unsaved: str | None = None
    failure: str = ""

    def to_json(self) -> str:
        """Return it as the environment holds it."""
        from pydantic import TypeAdapter

        return TypeAdapter(Launch).dump_json(self).decode()


def _shorten_reconnects(factor: float) -> None:
    """Multiply discord.py's own waits between connections."""
    import discord.backoff

    delay = discord.backoff.ExponentialBackoff.delay
    discord.backoff.ExponentialBackoff.delay = lambda self: delay(self) * factor  # type: ignore[method-assign,assignment]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_file(number: int) -> None:
    counter = itertools.count(1)

    def count(event: str, arguments: tuple[object, ...]) -> None:
        named = str(arguments[:2])
        touches = event in ("open", "os.rename", "os.remove", "sqlite3.connect") and "bot.db" in named
        touches |= event in ("os.rename", "sqlite3.connect") and ".minimax-bot-" in named
        if touches and next(counter) == number:
            _die()

    sys.addaudithook(count)


def _die_before_commit(number: int) -> None:
    import sqlalchemy

    counter = itertools.count(1)

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
    def count(_connection: sqlalchemy.Connection) -> None:
        if next(counter) == number:
            _die()


def _suspend_after(beginning: str) -> None:
    import sqlalchemy

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "after_cursor_execute")
    def suspend(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(beginning):
            sqlalchemy.event.remove(sqlalchemy.Engine, "after_cursor_execute", suspend)
            os.kill(os.getpid(), signal.SIGSTOP)


def _fail_to_save(account_id: str, failure: str) -> None:
    import sqlalchemy

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
    def fail(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("INSERT INTO subscriptions") and account_id in str(parameters):
            raise LookupError(failure)


def _build_clocks(path: Path) -> tuple[Callable[[], datetime], Callable[[], float]]:
    """Return the machine's clock and the monotonic one."""

    def read() -> tuple[float, float]:
        gone_by, _, ahead = path.read_text().partition("\n")
        return float(gone_by), float(ahead or 0)

    return lambda: datetime.now(UTC) + timedelta(seconds=sum(read())), lambda: time.monotonic() + read()[0]


def _run_bot(given: Mapping[str, Any], arguments: list[str]) -> int:
    from pydantic import TypeAdapter

    from bot.cli.main import main

    timing = TypeAdapter(Timing).validate_python(given["timing"])
    if timing.reconnect_first != DEFAULT_TIMING.reconnect_first and given["discord_url"]:
        _shorten_reconnects(timing.reconnect_first / DEFAULT_TIMING.reconnect_first)
    if given["clock"] is None:
        return main(arguments, timing=timing)
    now, monotonic = _build_clocks(Path(given["clock"]))
    return main(arguments, now=now, monotonic=monotonic, timing=timing)


def launch(module: str, arguments: list[str]) -> int:
    """Prepare this process and run the module; returns the exit status."""
    given = json.loads(os.environ.pop(VARIABLE))
    for name in given["missing"]:
        # Python raises ImportError for these.
        sys.modules[name] = None  # type: ignore[assignment]
    if given["discord_url"]:
        from tests.support.wire.redirect import connect_discord_to

        connect_discord_to(given["discord_url"])
    if given["die_at_file"]:
        _die_at_file(given["die_at_file"])
    if given["die_before_commit"]:
        _die_before_commit(given["die_before_commit"])
    if given["suspend_after"]:
        _suspend_after(given["suspend_after"])
    if given["unsaved"]:
        _fail_to_save(given["unsaved"], given["failure"])
    if module == "bot":
        return _run_bot(given, arguments)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1], sys.argv[2:]))
