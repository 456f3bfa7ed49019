"""`account` and `accounts`: the facts of the embeds on a terminal, for people, cron and CI."""

import argparse
import asyncio
import functools
import logging
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from bot.cli.command import (
    NOT_FOUND,
    Commands,
    Surroundings,
    load_settings,
    print_json,
    report_error,
)
from bot.cli.signs import Sign
from bot.core.accounts import Account, sort_by_urgency
from bot.core.links import SETUP_GUIDE
from bot.core.status import Status
from bot.core.text import plain
from bot.core.wording import say_count, say_state
from bot.errors import BotError, InternalError

if TYPE_CHECKING:
    from bot.config import UseapiSettings
    from bot.core.clock import ClockGuard

_WIDEST = 80
_NAME_WIDTH = 30
_MARKS = {
    Status.EXPIRED: (Sign.BAD, "expired"),
    Status.ERROR: (Sign.BAD, "in error"),
    Status.LAST_DAY: (Sign.NOTE, "on the last day"),
    Status.EXPIRING: (Sign.NOTE, "expiring"),
    Status.UNKNOWN: (Sign.UNKNOWN, "without a date"),
    Status.HEALTHY: (Sign.GOOD, "healthy"),
}
_YES_NO = {True: "yes", False: "no", None: "not reported"}

_LOG = logging.getLogger("bot")


class ExitStatus(IntEnum):
    """The exit status of `account` and `accounts`."""

    HEALTHY = 0
    NEEDS_ATTENTION = 1
    UNREADABLE = 2
    NO_SUCH_ACCOUNT = NOT_FOUND


def add_to(commands: Commands) -> None:
    """Add both commands to the parser."""
    text = "Show one account, without Discord. Times are in UTC."
    account = commands.add_parser("account", description=text)
    account.add_argument("account", metavar="ACCOUNT", help="its id, or a user name that only one account has")
    text = "List all accounts, most urgent first, without Discord. Times are in UTC."
    accounts = commands.add_parser("accounts", description=text)
    for command in (account, accounts):
        command.add_argument("--json", action="store_true", help="print JSON, for programs; errors too")
        command.set_defaults(work=show, account=None)


def show(args: argparse.Namespace, around: Surroundings) -> int:
    """Print the accounts; every failure ends with UNREADABLE, a crash included.

    Raises:
        BotError: the settings are wrong, or the accounts can't be read.
    """
    from bot.config import UseapiSettings
    from bot.core.clock import ClockGuard

    settings = load_settings(UseapiSettings, quiet=True)
    clock = ClockGuard(around.now, around.monotonic)
    try:
        status = asyncio.run(print_accounts(settings, args.account, clock, as_json=args.json))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has gone; Python would report that once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.UNREADABLE
    except BotError:
        raise
    except Exception:  # the edge of a command for scripts: its status 1 must not come from a crash
        _LOG.critical("Crashed", exc_info=True)
        if args.json:
            report_error(InternalError(), as_json=True)
        return ExitStatus.UNREADABLE
    return status


async def print_accounts(
    settings: "UseapiSettings", asked: str | None, clock: "ClockGuard", *, as_json: bool
) -> ExitStatus:
    """Print one account, found by its id or unique name, or all of them, most urgent first.

    Raises:
        BotError: the accounts can't be read.
    """
    from bot.config import secrets_of
    from bot.core.secrets import Redactor
    from bot.useapi.directory import open_directory

    now = clock.now
    async with open_directory(
        base_url=settings.base_url,
        token=settings.useapi_token,
        redact=Redactor(secrets_of(settings)),
        now=now,
        witness=functools.partial(clock.witness, "useapi.net"),
    ) as directory:
        if asked is not None:
            accounts = [(await directory.look_up(asked)).account]
            facts: object = build_facts(accounts[0], now())
        else:
            snapshots = await directory.read_all()
            accounts = sort_by_urgency([snapshot.account for snapshot in snapshots.values()], now())
            facts = [build_facts(account, now()) for account in accounts]
    if as_json:
        print_json(facts)
    else:
        print(describe(accounts[0], now()) if asked is not None else tabulate(accounts, now()))
    return exit_status_of(accounts, now())


def exit_status_of(accounts: Iterable[Account], now: datetime) -> ExitStatus:
    """Return the status for the worst of the accounts; none at all needs attention too."""
    statuses = [account.status(now) for account in accounts]
    is_healthy = bool(statuses) and all(status is Status.HEALTHY for status in statuses)
    return ExitStatus.HEALTHY if is_healthy else ExitStatus.NEEDS_ATTENTION


def _say_moment(moment: datetime | None) -> str:
    return "not reported" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")


def describe(account: Account, now: datetime) -> str:
    """Return the facts of one account, a line each, times in UTC."""
    rows = [
        ("Account", account.id),
        ("User", account.name or "not reported"),
        ("State", say_state(account, now)),
        *([("Error", account.error)] if account.error else []),
        ("Expires", _say_moment(account.expires_at)),
        ("Issued", _say_moment(account.issued_at)),
        *((capability.label, _YES_NO[capability.supported]) for capability in account.capabilities),
        ("Anonymous", _YES_NO[account.anonymous]),
        ("Host", account.host or "not reported"),
        ("Max jobs", "not reported" if account.max_jobs is None else str(account.max_jobs)),
        ("Token", account.masked_token or "not reported"),
    ]
    lines = [f"{plain(label, _WIDEST):<12} {plain(value, 4 * _WIDEST)}" for label, value in rows]
    if account.status(now) is not Status.HEALTHY:
        lines.append(f"\nHow to renew: {SETUP_GUIDE}")
    return "\n".join(lines)


def build_facts(account: Account, now: datetime) -> dict[str, Any]:
    """Return the facts of one account for programs; times in ISO 8601, UTC; null if the API does not report a fact."""
    remaining, status = account.remaining(now), account.status(now)
    return {
        "account": account.id,
        "user": account.name,
        # Programs know the statuses of the first version, which had no last day.
        "status": (Status.EXPIRING if status is Status.LAST_DAY else status).value,
        "error": account.error,
        "expires": account.expires_at.isoformat() if account.expires_at else None,
        "expires_in_seconds": None if remaining is None else round(remaining.total_seconds()),
        "issued": account.issued_at.isoformat() if account.issued_at else None,
        "capabilities": {capability.flag: capability.supported for capability in account.capabilities},
        "anonymous": account.anonymous,
        "host": account.host,
        "max_jobs": account.max_jobs,
        "token": account.masked_token,
    }


def tabulate(accounts: Sequence[Account], now: datetime) -> str:
    """Return a table with a line an account, the number of accounts in each state, and how to renew a login."""
    if not accounts:
        return f"No MiniMax accounts yet. How to add one: {SETUP_GUIDE}"
    rows = [("", "NAME", "ACCOUNT", "EXPIRES (UTC)", "STATE")]
    for one in accounts:
        sign = _MARKS[one.status(now)][0].on(sys.stdout)
        expires = one.expires_at.strftime("%Y-%m-%d %H:%M") if one.expires_at else ""
        state = f"error: {plain(one.error, _WIDEST)}" if one.error else say_state(one, now)
        rows.append((sign, plain(one.name or "", _NAME_WIDTH), plain(one.id, _WIDEST), expires, state))
    widths = [max(map(_cells_of, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text + " " * (width - _cells_of(text)) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    counts = Counter(account.status(now) for account in accounts)
    counted = ", ".join(f"{counts[status]} {word}" for status, (_, word) in _MARKS.items() if counts[status])
    lines.append(f"\n{say_count(len(accounts), 'account')}: {counted}")
    if counts[Status.HEALTHY] < len(accounts):
        lines.append(f"How to renew: {SETUP_GUIDE}")
    return "\n".join(lines)


def _cells_of(text: str) -> int:
    """Return the width of a text on a terminal, where East Asian characters take two cells."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))
