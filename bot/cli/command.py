"""The parts that all commands share: exit statuses, surroundings, settings, and printed errors."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from bot.core.text import plain
from bot.core.timing import Timing
from bot.errors import BotError, SettingsError

if TYPE_CHECKING:
    from bot.config import LogSettings

    Kind = TypeVar("Kind", bound=LogSettings)

# argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

DONE, FAILED, REFUSED = 0, 1, 2
# What shells report for a program that Ctrl-C ended.
INTERRUPTED = 130
_DOTENV = Path(".env")
_MOST_IDS = 10

_LOG = logging.getLogger("bot")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The clocks and the waits that a command works with; `monotonic` is that of `ClockGuard`."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    timing: Timing


def load_settings(kind: type["Kind"], *, quiet: bool = False, secrets: Sequence[str] = ()) -> "Kind":
    """Read settings from the environment and `.env`, and start logging.

    With `quiet`, INFO is not logged unless LOG_LEVEL asks for it. Logs redact `secrets` and the secret settings.

    Raises:
        SettingsError: settings are missing or wrong.
    """
    from bot.config import find_warnings, read_settings, secrets_of
    from bot.core.secrets import Redactor
    from bot.logs import set_up_logging

    warnings = find_warnings(os.environ, _DOTENV)
    try:
        settings = read_settings(kind, os.environ, _DOTENV)
    except SettingsError as error:
        raise SettingsError([*error.problems, *warnings]) from None
    level = "WARNING" if quiet and "log_level" not in settings.model_fields_set else settings.log_level
    set_up_logging(Redactor([*secrets_of(settings), *secrets]), level, settings.log_format)
    for warning in warnings:
        _LOG.warning("%s", warning)
    return settings


def print_error(error: BotError) -> None:
    """Print an error to standard error: what happened, what to do, and accounts to ask for instead."""
    # The detail is in place of the words for people in Discord, who can't act on it.
    lines = [f"{error.title}: {error.detail}."] if error.detail else [f"{error.title}.", error.text, error.advice]
    if error.account_ids:
        ids = ", ".join(plain(account_id, 80) for account_id in error.account_ids[:_MOST_IDS])
        more = len(error.account_ids) - _MOST_IDS
        lines.append(f"Accounts: {ids}" + (f" and {more} more" if more > 0 else ""))
    print("\n".join(lines), file=sys.stderr)
