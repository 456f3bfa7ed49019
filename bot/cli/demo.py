"""`demo`: the whole bot in a simulated Discord, shown in the browser."""

import argparse
import asyncio
import contextlib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from bot.cli.command import DONE, REFUSED, Commands, Surroundings
from bot.cli.program import say_how_to_install

_LAST_PORT = 65_535
_MOST_DAYS = 365


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = (
        "Try the whole bot in the browser, without credentials. Discord and useapi.net are simulated on this machine."
    )
    parser = commands.add_parser("demo", description=text)
    parser.add_argument("--port", type=_up_to(_LAST_PORT), default=0, help="port of the page (default: a free one)")
    parser.add_argument("--no-open", action="store_true", help="print the address, do not open a browser")
    parser.add_argument(
        "--days-later", metavar="N", type=_up_to(_MOST_DAYS), default=0, help="let N days pass first (default: 0)"
    )
    parser.set_defaults(work=demo)


def _up_to(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be a number from 0 to {most}")
        return int(text)

    return parse


def demo(args: argparse.Namespace, around: Surroundings) -> int:
    """Serve the demo until Ctrl-C, or until the visitor ends it in the page.

    Raises:
        PortTaken: another program listens on the port.
    """
    if importlib.util.find_spec("simcord") is None:
        print(f"The demo needs a few more packages.\n{say_how_to_install('demo')}", file=sys.stderr)
        return REFUSED
    # Without a screen `webbrowser` would start a browser in the terminal, and wait for it.
    has_screen = sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    try:
        from bot.demo import run_demo

        open_browser = has_screen and not args.no_open
        serving = run_demo(port=args.port, days_later=args.days_later, open_browser=open_browser, now=around.now)
        asyncio.run(_until_interrupted(serving))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return DONE
    return DONE


async def _until_interrupted(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until the first Ctrl-C; another one must not break its orderly end off."""
    task = asyncio.ensure_future(serving)
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels this function
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: task.cancelling() or task.cancel())
    await task
