"""`account` and `accounts`: the facts of the embeds on a terminal, for people, cron and CI."""

import argparse
import asyncio
import functools
import logging
import sys
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from bot.cli.command import (
    NOT_FOUND,
    Commands,
    Surroundings,
    build_error,
    load_settings,
    print_json,
)
from bot.cli.signs import Sign
from bot.core.accounts import Account, sort_by_urgency
from bot.core.credits import Credits
from bot.core.incidents import Reason
from bot.core.jobs import COUNTED_FOR, JobSummary, Outcome, judge_jobs
from bot.core.links import SETUP_GUIDE, RenewalLinks
from bot.core.status import Status
from bot.core.text import plain
from bot.core.wording import HOW_TO_RENEW, say_count, say_reason_of_failure, say_state
from bot.errors import BotError, InternalError

if TYPE_CHECKING:
    from bot.config import UseapiSettings
    from bot.core.clock import ClockGuard

# For what the commands can do without.
_EXTRA_SECONDS = 5.0
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

Answer = TypeVar("Answer")

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
    account.add_argument(
        "account", metavar="ACCOUNT", help="its id, or its name or a part of it, if no other account has that"
    )
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
        return asyncio.run(print_accounts(settings, args.account, clock, as_json=args.json))
    except (BotError, BrokenPipeError):
        raise
    except Exception:  # the edge of a command for scripts: its status 1 must not come from a crash
        _LOG.critical("Crashed", exc_info=True)
        if args.json:
            print_json({"error": build_error(InternalError(), args.program)})
        return ExitStatus.UNREADABLE


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
        found = None
        if asked is not None:
            accounts = [(await directory.look_up(asked)).account]
            report, found = await asyncio.gather(
                _attempt(directory.usage.read_jobs()), _attempt(directory.usage.read_credits(accounts[0].id))
            )
        else:
            snapshots = await directory.read_all()
            accounts = sort_by_urgency([snapshot.account for snapshot in snapshots.values()], now())
            report = await _attempt(directory.usage.read_jobs())
    jobs = {} if report is None else {account.id: report.of(account.id) for account in accounts}
    facts = [build_facts(account, now(), jobs.get(account.id)) for account in accounts]
    if as_json:
        print_json(facts if asked is None else facts[0] | {"credits": None if found is None else _credit_facts(found)})
    elif asked is None:
        print(tabulate(accounts, now(), settings.renewal))
    else:
        print(describe(accounts[0], now(), settings.renewal, jobs.get(accounts[0].id), found))
    return exit_status_of(accounts, now(), jobs)


async def _attempt(reading: Awaitable[Answer]) -> Answer | None:
    """Return what the command can do without, None if it can't be read in time."""
    try:
        async with asyncio.timeout(_EXTRA_SECONDS):
            return await reading
    except (BotError, TimeoutError) as error:
        _LOG.info("Not read: %s (%s)", type(error).__name__, error)
        return None


def exit_status_of(
    accounts: Iterable[Account], now: datetime, jobs: Mapping[str, JobSummary] = MappingProxyType({})
) -> ExitStatus:
    """Return the status for the worst of the accounts, by their jobs too; none at all needs attention too."""
    are_well = [
        account.status(now) is Status.HEALTHY and _failing_reason(account, jobs.get(account.id), now) is None
        for account in accounts
    ]
    return ExitStatus.HEALTHY if are_well and all(are_well) else ExitStatus.NEEDS_ATTENTION


def _failing_reason(account: Account, jobs: JobSummary | None, now: datetime) -> Reason | None:
    """Return why an account's jobs fail; None if they don't, or that is not known."""
    return jobs.reason if jobs is not None and judge_jobs(jobs, account.issued_at, now) else None


def _say_moment(moment: datetime | None) -> str:
    return "not reported" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")


def _say_jobs(account: Account, jobs: JobSummary | None, now: datetime) -> str:
    if jobs is None:
        return "not known"
    if (reason := _failing_reason(account, jobs, now)) is not None:
        return f"fail: {say_reason_of_failure(reason)}"
    period = "in 24 hours" if now - jobs.since >= COUNTED_FOR else f"since {_say_moment(jobs.since)}"
    if not jobs.total:
        return f"none {period}"
    return f"{jobs.counts.get(Outcome.SUCCEEDED, 0)} of {jobs.total} succeeded {period}"


def _say_credits(found: Credits | None) -> str:
    if found is None or found.total is None:
        return "not known"
    return f"{found.total:,} ({found.plan})" if found.plan else f"{found.total:,}"


def describe(
    account: Account,
    now: datetime,
    renewal: RenewalLinks,
    jobs: JobSummary | None = None,
    found: Credits | None = None,
) -> str:
    """Return the facts of one account, a line each, times in UTC, and how to renew a login that needs it.

    `jobs` and `found` are what its jobs show and its credits; None if that is not known.
    """
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
        ("Jobs", _say_jobs(account, jobs, now)),
        ("Credits", _say_credits(found)),
    ]
    lines = [f"{plain(label, _WIDEST):<12} {plain(value, 4 * _WIDEST)}" for label, value in rows]
    if account.status(now) is not Status.HEALTHY:
        lines.append(f"\n{_say_how_to_renew(renewal)}")
    return "\n".join(lines)


def build_facts(account: Account, now: datetime, jobs: JobSummary | None = None) -> dict[str, Any]:
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
        "jobs": None if jobs is None else _job_facts(account, jobs, now),
    }


def _job_facts(account: Account, jobs: JobSummary, now: datetime) -> dict[str, Any]:
    reason = _failing_reason(account, jobs, now)
    return {
        "since": jobs.since.isoformat(),
        "total": jobs.total,
        "counts": {outcome.value: number for outcome, number in jobs.counts.items()},
        "last_success": jobs.succeeded_at.isoformat() if jobs.succeeded_at else None,
        "failing": reason.value if reason else None,
    }


def _credit_facts(found: Credits) -> dict[str, Any]:
    return {
        "total": found.total,
        "plan": found.plan,
        "expiring": [{"credits": one.credits, "expires": one.expires_at.isoformat()} for one in found.portions],
    }


def _say_how_to_renew(renewal: RenewalLinks) -> str:
    return f"How to renew: {renewal.guided}\n{HOW_TO_RENEW}.\nBy hand: {renewal.manual}"


def tabulate(accounts: Sequence[Account], now: datetime, renewal: RenewalLinks) -> str:
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
        lines.append(_say_how_to_renew(renewal))
    return "\n".join(lines)


def _cells_of(text: str) -> int:
    """Return the width of a text on a terminal, where East Asian characters take two cells."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))
