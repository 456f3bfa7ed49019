"""`healthcheck`: whether the running bot is healthy, by the report it writes."""

import argparse

from bot.cli.command import DONE, FAILED, Commands, Surroundings
from bot.monitoring.health_file import HEALTH_FILE, read_verdict

_HEALTHY = "The bot is healthy."


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = "Check that the running bot is healthy. It prints the problems that the bot reports in this folder."
    commands.add_parser("healthcheck", description=text).set_defaults(work=healthcheck)


def healthcheck(_args: argparse.Namespace, around: Surroundings) -> int:
    """Read the report of the bot that runs in this folder, and print its problems."""
    verdict = read_verdict(HEALTH_FILE, around.now())
    healthy = "The bot is healthy. It is a standby: another process is active." if verdict.is_standby else _HEALTHY
    print("\n".join(verdict.problems) or healthy)
    return FAILED if verdict.problems else DONE
