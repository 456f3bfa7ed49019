"""`account` and `accounts`: the facts of the embeds on a terminal, for people, cron and CI."""

import argparse
import asyncio
import functools
import json
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from bot.cli.command import Commands, Surroundings, load_settings
from bot.core.accounts import Account, by_expiry
from bot.core.links import SETUP_GUIDE
from bot.core.status import Status
from bot.core.text import defused_json, plain
from bot.core.wording import say_state
from bot.errors import BotError

if TYPE_CHECKING:
    from bot.config import UseapiSettings
    from bot.core.clock import ClockGuard

_WIDEST = 80
_YES_NO = {True: "yes", False: "no", None: "not reported"}

_LOG = logging.getLogger("bot")


class ExitStatus(IntEnum):
    """The exit status of `account` and `accounts`."""

    HEALTHY = 0
    NEEDS_ATTENTION = 1
    UNREADABLE = 2


def add_to(commands: Commands) -> None:
    """Add both commands to the parser."""
    account = commands.add_parser("account", help="show one account here, without Discord")
    account.add_argument("account", help="account id, or a user name only one account has")
    accounts = commands.add_parser("accounts", help="list all accounts here, soonest expiry first")
    for command in (account, accounts):
        command.add_argument("--json", action="store_true", help="print JSON, for programs")
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
        return ExitStatus.UNREADABLE
    return status


async def print_accounts(
    settings: "UseapiSettings", asked: str | None, clock: "ClockGuard", *, as_json: bool
) -> ExitStatus:
    """Print one account, found by its id or unique name, or all of them, soonest expiry first.

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
            accounts = sorted((snapshot.account for snapshot in snapshots.values()), key=by_expiry)
            facts = [build_facts(account, now()) for account in accounts]
    if as_json:
        print(defused_json(json.dumps(facts, indent=2, ensure_ascii=False)))
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
    """Return a line an account: id, user, state."""
    if not accounts:
        return f"No account is set up at useapi.net. How to add one: {SETUP_GUIDE}"
    rows = [(plain(one.id, _WIDEST), plain(one.name or "", 40), say_state(one, now)) for one in accounts]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{id_:<{widths[0]}}  {name:<{widths[1]}}  {state}" for id_, name, state in rows)
