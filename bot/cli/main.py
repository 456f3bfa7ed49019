"""Parses the command line, runs the command and reports its errors."""

import argparse
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot import __version__
from bot.cli import accounts, check, data, demo, healthcheck, run, setup
from bot.cli.command import REFUSED, UNBROKEN, Surroundings, lay_out, report_error
from bot.cli.ending import INTERRUPTED
from bot.cli.program import spell_program
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.errors import BotError

# What each group of commands ends with; docs/settings.md repeats it.
EXIT_STATUSES = {
    "run, demo": {0: "stopped", 1: "crashed or database away", 2: "settings, a token or this version refused"},
    "setup": {0: "ready", 1: "not ready", 2: "no terminal, or .env can't be written"},
    "check": {0: "ready", 1: "not ready"},
    "account": {0: "healthy", 1: "needs attention", 2: "can't be read", 3: "no such account"},
    "accounts": {0: "all healthy", 1: "one needs attention", 2: "can't be read"},
    "backup, restore, migrate-to": {0: "done", 2: "not done"},
    "healthcheck": {0: "healthy", 1: "not healthy"},
}
_WIDTH = 80
_COMMAND_COLUMN, _STATUS_COLUMN = 15, 31


class _Layout(argparse.HelpFormatter):
    """Lays a help out for 80 columns, whatever the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_STATUS_COLUMN, width=_WIDTH)


class _RawLayout(_Layout, argparse.RawDescriptionHelpFormatter):
    """The same with the epilog as it is."""


class _Command(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Layout, **options)


class _Parser(argparse.ArgumentParser):
    summaries: Callable[[], Mapping[str, str]]

    def format_help(self) -> str:
        """Return the help; the texts of the settings are loaded only for that."""
        from bot.cli.settings_text import settings_help

        statuses = {
            names: ", ".join(f"{status} {what}".replace(" ", UNBROKEN) for status, what in ends.items())
            for names, ends in EXIT_STATUSES.items()
        }
        self.epilog = "\n".join(
            [
                "commands:",
                *lay_out(self.summaries(), column=_COMMAND_COLUMN, width=_WIDTH),
                "\nsettings, from the environment or a .env file in the current folder:",
                *settings_help(_WIDTH),
                "\nexit status:",
                *lay_out(statuses, column=_STATUS_COLUMN, width=_WIDTH),
            ]
        )
        return super().format_help()


def build_parser(prog: str = "minimax-bot") -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog=prog,
        usage="%(prog)s [-h] [--version] [COMMAND] ...",
        description="Warns Discord channels before MiniMax logins at useapi.net expire.",
        formatter_class=_RawLayout,
    )
    parser.set_defaults(work=run.run, program=spell_program(prog))
    parser.add_argument("--version", action="version", version=f"minimax-bot {__version__}")
    # argparse would list the commands in a column of their own.
    commands = parser.add_subparsers(metavar="COMMAND", prog=prog, help=argparse.SUPPRESS, parser_class=_Command)
    for module in (run, demo, setup, check, accounts, data, healthcheck):
        module.add_to(commands)
    parser.summaries = lambda: {
        name: (command.description or "").partition(". ")[0].rstrip(".") for name, command in commands.choices.items()
    }
    return parser


def _read_clock() -> datetime:
    return datetime.now(UTC)


def _read_monotonic() -> float:
    """Return seconds that, on Linux, go on while the machine sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def main(
    arguments: Sequence[str] | None = None,
    *,
    prog: str = "minimax-bot",
    now: Callable[[], datetime] = _read_clock,
    monotonic: Callable[[], float] = _read_monotonic,
    timing: Timing = DEFAULT_TIMING,
) -> int:
    """Run the command line, by default with the arguments of this process, and return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding lacks must not end the command.
        sys.stdout.reconfigure(errors="replace")
    if sys.platform == "win32":
        # Ctrl-Break ends a command as Ctrl-C does.
        signal.signal(signal.SIGBREAK, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    try:
        try:
            args = build_parser(prog).parse_args(arguments)
            return _work(args, Surroundings(now, monotonic, timing))
        finally:
            _flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED


def _flush() -> None:
    """Write out what was printed; Python itself would report a failure at its end, with a status of its own.

    Raises:
        BrokenPipeError: the reader has gone, or there is no space for it.
    """
    try:
        print(end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"The output can't be written ({error.strerror}).", file=sys.stderr)
        raise BrokenPipeError from None


def _work(args: argparse.Namespace, around: Surroundings) -> int:
    try:
        status: int = args.work(args, around)
    except BotError as error:
        return report_error(error, args.program, as_json=getattr(args, "json", False))
    except KeyboardInterrupt:
        return INTERRUPTED
    return status
