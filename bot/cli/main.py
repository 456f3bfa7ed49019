"""Parses the command line, runs the command and reports its errors."""

import argparse
import io
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot import __version__
from bot.cli import accounts, check, data, demo, healthcheck, run
from bot.cli.command import INTERRUPTED, REFUSED, Surroundings, print_error
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.errors import BotError

_EXIT_STATUSES = """\
exit status:
  run, demo                    0 stopped, 1 crashed or database away, 2 settings, a token or this version refused
  check                        0 all in place, 1 something is not
  account, accounts            0 healthy, 1 needs attention, 2 not readable
  backup, restore, migrate-to  0 done, 2 not done
  healthcheck                  0 the running bot is healthy, 1 it is not
"""


class _Parser(argparse.ArgumentParser):
    def format_help(self) -> str:
        """Return the help; the texts of the settings are loaded only for that."""
        from bot.cli.settings_text import settings_help

        self.epilog = f"{settings_help()}\n{_EXIT_STATUSES}"
        return super().format_help()


def build_parser(prog: str = "minimax-bot") -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog=prog,
        description="Shows MiniMax accounts of useapi.net in Discord.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(work=run.run)
    parser.add_argument("--version", action="version", version=f"minimax-bot {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=argparse.ArgumentParser)
    for module in (run, demo, check, accounts, data, healthcheck):
        module.add_to(commands)
    return parser


def _read_clock() -> datetime:
    return datetime.now(UTC)


def _read_monotonic() -> float:
    """Return seconds that, on Linux, go on while the machine sleeps."""
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


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
    args = build_parser(prog).parse_args(arguments)
    try:
        status: int = args.work(args, Surroundings(now, monotonic, timing))
    except BotError as error:
        print_error(error)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return status
