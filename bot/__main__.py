"""The command line: the only reader of the environment and the clock."""

import argparse
import asyncio
import gc
import io
import logging
import os
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from bot import __version__
from bot.cli.usage import EPILOG
from bot.errors import (
    AlreadyRunning,
    BotError,
    CopyRefused,
    DiscordTokenRefused,
    GatewayRefused,
    PortTaken,
    SettingsError,
    StoreAway,
    StoreError,
)

if TYPE_CHECKING:
    from bot.config import LogSettings

    Kind = TypeVar("Kind", bound=LogSettings)

STOPPED, FAILED, REFUSED = 0, 1, 2
# What shells report for a program that Ctrl-C ended.
INTERRUPTED = 130
_DOTENV = Path(".env")
_LAST_PORT = 65_535
_MOST_DAYS = 365

_LOG = logging.getLogger("bot")


def _now() -> datetime:
    return datetime.now(UTC)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {_LAST_PORT}")
    return int(text)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_DAYS):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {_MOST_DAYS}")
    return int(text)


def _database_url(text: str) -> str:
    from bot.config import parse_database_url

    try:
        return parse_database_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_copies(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    backup = commands.add_parser("backup", help="copy the SQLite database to a file, also while the bot runs")
    backup.add_argument("file", metavar="FILE", type=Path, help="the file to make; one that exists is not touched")
    backup.set_defaults(handle=_backup)
    restore = commands.add_parser("restore", help="put a backup in the database's place; the old one is kept")
    restore.add_argument("file", metavar="FILE", type=Path, help="the backup")
    restore.set_defaults(handle=_restore)
    move = commands.add_parser("migrate-to", help="copy everything to another database, SQLite or PostgreSQL")
    move.add_argument("url", metavar="URL", type=_database_url, help="the empty database, spelled like DATABASE_URL")
    move.set_defaults(handle=_move)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="minimax-bot",
        description="Shows MiniMax accounts of useapi.net in Discord.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(handle=_run)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    commands.add_parser("run", help="connect to Discord and answer (default)")
    demo = commands.add_parser("demo", help="the whole bot in the browser, without credentials or network")
    demo.add_argument("--port", type=_port, default=0, help="port of the page (default: a free one)")
    demo.add_argument("--no-open", action="store_true", help="print the address, do not open a browser")
    demo.add_argument("--days-later", metavar="N", type=_days, default=0, help="let N days pass first (default: 0)")
    demo.set_defaults(handle=_demo)
    commands.add_parser("check", help="see whether everything is in place to run").set_defaults(handle=_check)
    account = commands.add_parser("account", help="show one account here, without Discord")
    account.add_argument("account", help="account id, or a user name only one account has")
    accounts = commands.add_parser("accounts", help="list all accounts here, soonest expiry first")
    for command in (account, accounts):
        command.add_argument("--json", action="store_true", help="print JSON, for programs")
        command.set_defaults(handle=_accounts, account=None)
    _add_copies(commands)
    commands.add_parser("healthcheck", help="see whether the running bot is well").set_defaults(handle=_healthcheck)
    return parser


def _log_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _LOG.critical("Crashed", exc_info=(kind, error, traceback))


def _redact_reports() -> None:
    """Send Python's own reports of what nobody caught through the log, which redacts; exit statuses stay."""
    sys.excepthook = _log_crash
    threading.excepthook = lambda report: _LOG.critical("A thread crashed", exc_info=report.exc_value)
    sys.unraisablehook = lambda report: _LOG.error("An error came too late to be raised", exc_info=report.exc_value)


def _read_settings(kind: type["Kind"], *, quiet: bool = False, secrets: Sequence[str] = ()) -> "Kind":
    """Read the settings and start logging; `quiet` leaves INFO out unless asked for, `secrets` are redacted too."""
    from bot.config import find_doubts, read_settings, secrets_of
    from bot.core.secrets import Redactor
    from bot.logs import set_up_logging

    doubts = find_doubts(os.environ, _DOTENV)
    try:
        settings = read_settings(kind, os.environ, _DOTENV)
    except SettingsError as error:
        raise SettingsError([*error.problems, *doubts]) from None
    level = "WARNING" if quiet and "log_level" not in settings.model_fields_set else settings.log_level
    set_up_logging(Redactor([*secrets_of(settings), *secrets]), level, settings.log_format)
    _redact_reports()
    for doubt in doubts:
        _LOG.warning("%s", doubt)
    return settings


def _run(_args: argparse.Namespace) -> int:
    # Nothing of what the start builds is garbage; the collector begins when all is built.
    gc.disable()
    from bot.config import Settings
    from bot.runtime import run

    asyncio.run(run(_read_settings(Settings), now=_now))
    return STOPPED


def _demo(args: argparse.Namespace) -> int:
    try:
        import simcord.preview  # noqa: F401  (tells whether the extra is installed)
    except ImportError:
        print("The demo needs a few packages more: pip install -r requirements/demo.txt", file=sys.stderr)
        return REFUSED
    from bot.demo import run_demo

    # Without a screen `webbrowser` would start a browser of the terminal, and wait for it.
    has_screen = sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    asyncio.run(
        run_demo(port=args.port, days_later=args.days_later, open_browser=has_screen and not args.no_open, now=_now)
    )
    return STOPPED


def _check(_args: argparse.Namespace) -> int:
    from bot.cli.check import check
    from bot.config import Settings

    try:
        settings = _read_settings(Settings, quiet=True)
    except SettingsError as error:
        print(_explain(error), file=sys.stderr)
        return FAILED
    return STOPPED if asyncio.run(check(settings, now=_now)) else FAILED


def _accounts(args: argparse.Namespace) -> int:
    from bot.cli.accounts import print_accounts
    from bot.config import UseapiSettings

    settings = _read_settings(UseapiSettings, quiet=True)
    try:
        status = asyncio.run(print_accounts(settings, args.account, now=_now, as_json=args.json))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has gone; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except BotError:
        raise
    except Exception:  # the edge of a command for scripts: its status 1 must not come from a crash
        _LOG.critical("Crashed", exc_info=True)
        return REFUSED
    return status


def _backup(args: argparse.Namespace) -> int:
    from bot.cli.data import print_backup
    from bot.config import StoreSettings

    print_backup(_read_settings(StoreSettings, quiet=True), args.file)
    return STOPPED


def _restore(args: argparse.Namespace) -> int:
    from bot.cli.data import print_restore
    from bot.config import StoreSettings

    print_restore(_read_settings(StoreSettings, quiet=True), args.file, now=_now)
    return STOPPED


def _move(args: argparse.Namespace) -> int:
    from bot.cli.data import print_move
    from bot.config import StoreSettings, passwords_in

    settings = _read_settings(StoreSettings, quiet=True, secrets=passwords_in(args.url))
    asyncio.run(print_move(settings, args.url))
    return STOPPED


def _healthcheck(_args: argparse.Namespace) -> int:
    from bot.cli.healthcheck import judge

    trouble = judge(os.environ, _DOTENV, _now())
    print(trouble or "The bot is well.")
    return FAILED if trouble else STOPPED


def _explain(error: BotError) -> str:
    match error:
        case SettingsError():
            lines = "\n".join(f"  {problem}" for problem in error.problems)
            return f"The settings need a change (set them in .env or the environment):\n{lines}"
        case DiscordTokenRefused():
            return "Discord refused DISCORD_TOKEN. Reset the token in the developer portal and paste the new one."
        case GatewayRefused():
            return f"Discord takes no connection of this version of the bot (code {error}). Update the bot."
        case PortTaken():
            return f"Port {error.port} is in use. Choose another one with --port, or leave --port out."
        case AlreadyRunning() | CopyRefused() | StoreError():
            return _explain_store(error)
        case _:
            return _explain_api(error)


def _explain_store(error: AlreadyRunning | CopyRefused | StoreError) -> str:
    match error:
        case AlreadyRunning():
            return f"Another bot already works with {error}. Stop it first, or give this one a DATABASE_URL of its own."
        case CopyRefused():
            return str(error)
        case StoreError():
            return f"The database can't be used: {error}."


def _explain_api(error: BotError) -> str:
    from bot.core.text import plain
    from bot.core.wording import explain

    problem = explain(error)
    ids = ", ".join(plain(account_id, 80) for account_id in problem.ids)
    ids = f"\nAccounts there are: {ids}" if ids else ""
    return f"{problem.title}. {problem.happened}\n{problem.advice}{ids}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal can't spell must not cost the answer.
        sys.stdout.reconfigure(errors="replace")
    args = build_parser().parse_args(arguments)
    try:
        status: int = args.handle(args)
    except BotError as error:
        print(_explain(error), file=sys.stderr)
        # Whatever starts the bot again after a crash should do so after this too.
        return FAILED if isinstance(error, StoreAway) and args.handle is _run else REFUSED
    except KeyboardInterrupt:
        return STOPPED if args.handle in (_run, _demo) else INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())
