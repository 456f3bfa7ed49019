"""`healthcheck`: whether the running bot is healthy, by the report it writes."""

import argparse

from bot.cli.command import DONE, FAILED, Commands, Surroundings
from bot.monitoring.health_file import HEALTH_FILE, find_problems


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    commands.add_parser("healthcheck", help="check whether the running bot is healthy").set_defaults(work=healthcheck)


def healthcheck(_args: argparse.Namespace, around: Surroundings) -> int:
    """Read the report of the bot that runs in this folder, and print its problems."""
    problems = find_problems(HEALTH_FILE, around.now())
    print("\n".join(problems) or "The bot is healthy.")
    return FAILED if problems else DONE
