"""The command line: the only reader of the environment and the clock."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from bot import __version__
from bot.errors import DiscordTokenRefused, OperatorError, SettingsError, UseapiTokenRefused

STOPPED, REFUSED = 0, 2
_LAST_PORT = 65_535

_LOG = logging.getLogger("bot")
_EPILOG = """\
settings, from the environment or a .env file in the current folder:
  DISCORD_TOKEN      the bot's token from the Discord developer portal (required)
  USEAPI_TOKEN       the API token from useapi.net (required)
  GUILD_IDS          ids of the servers that may use the bot, comma-separated (required)
  USEAPI_BASE_URL    where the API is (default: https://api.useapi.net)
  LOG_LEVEL          DEBUG, INFO, WARNING or ERROR (default: INFO)
  LOG_FORMAT         text or json (default: text)

exit status: 0 stopped, 1 crashed, 2 settings or a token refused
"""


def _now() -> datetime:
    return datetime.now(UTC)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="minimax-bot",
        description="Shows MiniMax accounts of useapi.net in Discord.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("run", help="connect to Discord and answer (default)")
    demo = commands.add_parser("demo", help="the whole bot in the browser, without credentials or network")
    demo.add_argument("--port", type=_port, default=0, help="port of the page (default: a free one)")
    demo.add_argument("--no-open", action="store_true", help="print the address, do not open a browser")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {_LAST_PORT}")
    return int(text)


def _log_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _LOG.critical("Crashed", exc_info=(kind, error, traceback))


def _run() -> int:
    from bot.config import read_settings
    from bot.logs import set_up_logging
    from bot.running import build_redactor, run

    settings = read_settings(os.environ, Path(".env"))
    set_up_logging(build_redactor(settings), settings.log_level, settings.log_format)
    # Python's own report of a crash would not be redacted; its exit status 1 stays.
    sys.excepthook = _log_crash
    asyncio.run(run(settings, now=_now))
    return STOPPED


def _demo(port: int, *, open_browser: bool) -> int:
    try:
        import simcord.preview  # noqa: F401  (tells whether the extra is installed)
    except ImportError:
        print("The demo needs a few packages more: pip install -r requirements/demo.txt", file=sys.stderr)
        return REFUSED
    from bot.demo import run_demo

    asyncio.run(run_demo(port=port, open_browser=open_browser, now=_now))
    return STOPPED


def _explain(error: OperatorError) -> str:
    match error:
        case SettingsError():
            lines = "\n".join(f"  {problem}" for problem in error.problems)
            return f"The settings need a change (set them in .env or the environment):\n{lines}"
        case DiscordTokenRefused():
            return "Discord refused DISCORD_TOKEN: reset the token in the developer portal and paste the new one."
        case UseapiTokenRefused():
            return "useapi.net refused USEAPI_TOKEN: copy the current token from your useapi.net account."
        case _:
            return str(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    args = build_parser().parse_args(arguments)
    try:
        if args.command == "demo":
            return _demo(args.port, open_browser=not args.no_open)
        return _run()
    except OperatorError as error:
        print(_explain(error), file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
