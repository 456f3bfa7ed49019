"""The parts that all commands share: exit statuses, surroundings, settings, and printed errors."""

import argparse
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from bot.cli.owner import is_trusted, work_as_owner_of
from bot.cli.program import AS_MODULE, spell_start
from bot.core.text import defused_json, plain
from bot.core.timing import Timing
from bot.errors import AmbiguousName, BotError, NoSuchAccount, SettingsError

if TYPE_CHECKING:
    from bot.config import LogSettings

    Kind = TypeVar("Kind", bound=LogSettings)

# argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

DONE, FAILED, REFUSED, NOT_FOUND = 0, 1, 2, 3
UNBROKEN = "\N{NO-BREAK SPACE}"
DOTENV = Path(".env")
_MOST_OFFERED = 10
_LONGEST = 80

_LOG = logging.getLogger("bot")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The clocks and the waits that a command works with; `monotonic` is that of `ClockGuard`."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    timing: Timing


def lay_out(texts: Mapping[str, str], *, column: int, width: int) -> list[str]:
    """Return indented lines of this width: names, and beginning at this column their texts.

    A text is wrapped at spaces alone, which leaves addresses whole, and not at non-breaking ones.
    """
    lines = []
    for name, text in texts.items():
        first, indent = f"  {name:<{column - 4}}  ", " " * column
        wrapped = fill(
            text, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        )
        lines += wrapped.replace(UNBROKEN, " ").splitlines()
    return lines


def load_settings(kind: type["Kind"], *, quiet: bool = False, secrets: Sequence[str] = ()) -> "Kind":
    """Read settings from the environment and `.env`, and start logging.

    With `quiet`, INFO is not logged unless LOG_LEVEL asks for it. Logs redact `secrets` and the secret settings. Root
    becomes the owner of the current folder first.

    Raises:
        SettingsError: settings are missing or wrong. WrongUser: root can't become the owner.
    """
    from bot.config import find_warnings, read_settings, secrets_of
    from bot.core.secrets import Redactor
    from bot.logs import set_up_logging

    work_as_owner_of([Path()])
    if DOTENV.exists() and not is_trusted(DOTENV):
        raise SettingsError([f"{DOTENV} belongs to another user, who could steer root. Run: chown root: {DOTENV}"])
    warnings = find_warnings(os.environ, DOTENV)
    try:
        settings = read_settings(kind, os.environ, DOTENV)
    except SettingsError as error:
        raise SettingsError([*error.problems, *warnings]) from None
    level = "WARNING" if quiet and "log_level" not in settings.model_fields_set else settings.log_level
    set_up_logging(Redactor([*secrets_of(settings), *secrets]), level, settings.log_format)
    for warning in warnings:
        _LOG.warning("%s", warning)
    return settings


def report_error(error: BotError, program: str, *, as_json: bool) -> int:
    """Print an error that ends a command, for people or for programs; return the exit status."""
    if as_json:
        print_json({"error": build_error(error, program)})
    else:
        print_error(error, program)
    return NOT_FOUND if isinstance(error, NoSuchAccount | AmbiguousName) else REFUSED


def print_error(error: BotError, program: str) -> None:
    """Print an error to standard error: what happened, what to do, and accounts to ask for instead.

    `program` is this program as the operator types it.
    """
    # The detail is in place of the words for people in Discord, who can't act on it.
    title = error.operator_title or error.title
    words = [f"{title}: {error.detail}."] if error.detail else [_say_title(error), error.text]
    lines = [without_marks(line) for line in words]
    if error.suggestions:
        named = ", ".join(_say_name(name, account_id) for name, account_id in error.suggestions[:_MOST_OFFERED])
        more = len(error.suggestions) - _MOST_OFFERED
        lines[1] += f" {named}" + (f" and {more} more" if more > 0 else "")
    if not error.detail:
        lines.append(_say_next_step(error, program))
    print("\n".join(filter(None, lines)), file=sys.stderr)


def _say_name(name: str, account_id: str) -> str:
    name, account_id = plain(name, _LONGEST), plain(account_id, _LONGEST)
    return f"{name} ({account_id})" if name else account_id


def _say_title(error: BotError) -> str:
    return f"{error.title}{':' if isinstance(error, SettingsError) else '.'}"


def _say_next_step(error: BotError, program: str) -> str:
    """Return the advice, with commands as the operator types them."""
    start = spell_start(program)
    if isinstance(error, SettingsError) and start != program:
        # A container and a service have no terminal to ask on.
        return f"Then run `{start}`."
    return without_marks(say_advice(error)).replace(AS_MODULE, program)


def say_advice(error: BotError) -> str:
    """Return what the operator can do about an error."""
    return error.operator_advice or error.advice


def without_marks(text: str) -> str:
    """Return a text for Discord without its Markdown: bold marks, links and escapes; code keeps its backticks."""
    text = re.sub(r"\[([^\]]*)\]\((\S+?)\)", r"\1: \2", text.replace("**", ""))
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text)


def build_error(error: BotError, program: str) -> dict[str, Any]:
    """Return an error for programs; `kind` is the name of its class, in snake case, and stays.

    `program` is this program as the operator types it.
    """
    found = [{"account": account_id, "user": name or None} for name, account_id in error.suggestions[:_MOST_OFFERED]]
    return {
        "kind": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower(),
        "title": error.title,
        "text": without_marks(error.detail or error.text),
        "advice": _say_next_step(error, program),
        **({"accounts": found} if found else {}),
    }


def print_json(document: object) -> None:
    """Print JSON to standard output, without characters that control a terminal."""
    print(defused_json(json.dumps(document, indent=2, ensure_ascii=False)))
