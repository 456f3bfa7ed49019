"""`account` and `accounts`: the facts of the cards on a terminal, for people, cron and CI."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from bot.config import UseapiSettings, secrets_of
from bot.core.accounts import Account, Status, by_urgency
from bot.core.links import SETUP_GUIDE
from bot.core.secrets import Redactor
from bot.core.text import defused_json, plain
from bot.core.wording import say_state
from bot.useapi.directory import open_directory

_WIDEST = 80
_YES_NO = {True: "yes", False: "no", None: "not reported"}


class ExitStatus(IntEnum):
    """The exit status of `account` and `accounts`."""

    HEALTHY = 0
    NEEDS_ATTENTION = 1
    UNREADABLE = 2


def judge(accounts: Iterable[Account], now: datetime) -> ExitStatus:
    """Return the status for the worst of the accounts; none at all needs attention too."""
    statuses = [account.status(now) for account in accounts]
    is_well = bool(statuses) and all(status is Status.HEALTHY for status in statuses)
    return ExitStatus.HEALTHY if is_well else ExitStatus.NEEDS_ATTENTION


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
    """Return the facts of one account for programs; times in ISO 8601, UTC; null for what the API does not say."""
    remaining = account.remaining(now)
    return {
        "account": account.id,
        "user": account.name,
        "status": account.status(now).value,
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


async def print_accounts(
    settings: UseapiSettings, asked: str | None, *, now: Callable[[], datetime], as_json: bool
) -> ExitStatus:
    """Print one account, found by its id or unique name, or all of them, soonest expiry first.

    Raises:
        BotError: it can't be read.
    """
    async with open_directory(
        base_url=settings.base_url, token=settings.useapi_token, redact=Redactor(secrets_of(settings)), now=now
    ) as directory:
        if asked is not None:
            accounts = [(await directory.look_up(asked)).account]
            facts: object = build_facts(accounts[0], now())
        else:
            readings = await directory.read_all()
            accounts = sorted((reading.account for reading in readings.values()), key=by_urgency)
            facts = [build_facts(account, now()) for account in accounts]
    if as_json:
        print(defused_json(json.dumps(facts, indent=2, ensure_ascii=False)))
    else:
        print(describe(accounts[0], now()) if asked is not None else tabulate(accounts, now()))
    return judge(accounts, now())
