"""`run`: connects to Discord and answers, until it is stopped."""

import argparse
import asyncio
import logging

from bot.cli.command import DONE, FAILED, Commands, Surroundings, load_settings, print_error
from bot.cli.ending import end_in_time
from bot.cli.owner import work_beside
from bot.errors import StoreAway

_LOG = logging.getLogger("bot")


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "Connect to Discord, answer and send reminders (the default). Ctrl-C or SIGTERM ends it."
    commands.add_parser("run", description=text).set_defaults(work=run)


def run(args: argparse.Namespace, around: Surroundings) -> int:
    """Run the bot until SIGINT or SIGTERM.

    Raises:
        BotError: the bot can't start, or can't go on.
    """
    try:
        from bot.config import Settings
        from bot.core.clock import ClockGuard
        from bot.runtime import run as run_bot

        settings = load_settings(Settings)
        work_beside(settings.database_url)
        clock = ClockGuard(around.now, around.monotonic)
        asyncio.run(run_bot(settings, clock=clock, timing=around.timing, on_stop=end_in_time))
    except StoreAway as error:
        print_error(error, args.program)
        # A service manager that restarts the bot after a crash should do so now as well.
        return FAILED
    except BrokenPipeError as error:
        # `main` would take it for a reader of the output that has gone, and `run` prints nothing.
        raise RuntimeError("a connection broke") from error
    except KeyboardInterrupt:
        pass
    _LOG.info("Stopped")
    return DONE
