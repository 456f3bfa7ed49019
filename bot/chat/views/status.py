"""The answer of `/minimax-status`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot import __version__
from bot.core.accounts import Account
from bot.core.channel_failures import ChannelFailure
from bot.core.limits import MAX_FIELD
from bot.core.links import SETUP_GUIDE
from bot.core.status import AMBER, GREEN, GREY, Status
from bot.core.subscriptions import Subscription
from bot.core.text import escaped
from bot.core.tls import TlsFailure
from bot.core.wording import CLOCK_ADVICE, say_count, say_duration, say_reason, say_skew
from bot.errors import BotError, SwitchedOff

# Sent messages are counted over this long.
SENT_WITHIN = timedelta(days=30)
_LATE_AFTER = 3
_LEEWAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts in the status of one server: its own reminders and channels, and those that all servers share.

    `wrong_clock` is how far the clock of the bot's machine is ahead, None if it is right. `accounts` are those of the
    last reading, at `read_at`; `failing` of them have failing jobs, and `low_on_credits` fewer credits than a reminder
    allows. Later polls fail since `unreadable_since`. `asked_at` is when useapi.net was last asked for whatever reason,
    `failure` how it failed. `waiting` counts notifications, `sent` messages. `jobs_off` says that useapi.net does not
    offer the jobs, and `credits_off` that it does not offer the credits of some accounts. `obstacle` keeps requests to
    Discord from being made. The `latency` of the gateway is in seconds, None if it is not known.
    """

    wrong_clock: timedelta | None
    interval: timedelta
    polled_at: datetime | None
    accounts: Sequence[Account]
    failing: int
    low_on_credits: int
    read_at: datetime | None
    unreadable_since: datetime | None
    asked_at: datetime | None
    failure: BotError | None
    subscriptions: Sequence[Subscription]
    waiting: int
    sent: int
    blocked: Sequence[ChannelFailure]
    outdated: Sequence[ChannelFailure]
    jobs_off: SwitchedOff | None
    credits_off: Sequence[SwitchedOff]
    is_connected: bool
    obstacle: TlsFailure | None
    latency: float | None


def status_embed(facts: Facts, now: datetime) -> discord.Embed:
    """Return the status in words: a verdict, the figures, and each problem with its next step."""
    problems = _list_problems(facts, now)
    title, advice, colour = _say_verdict(facts, len(problems))
    embed = discord.Embed(title=title, description=advice or None, colour=colour, timestamp=now)
    if problems:
        embed.add_field(name="Problems", value=_fit(problems), inline=False)
    embed.add_field(name="Accounts", value=_say_accounts(facts, now), inline=False)
    embed.add_field(name="Reminders", value=_say_reminders(facts), inline=False)
    connections = [_say_connections(facts), *([off] if (off := _say_off(facts)) else [])]
    embed.add_field(name="Connections", value="\n".join(connections), inline=False)
    embed.set_footer(text=f"MiniMax Account Bot {__version__}")
    return embed


def _say_verdict(facts: Facts, problems: int) -> tuple[str, str, int]:
    """Return the verdict, the next step of somebody who sets the bot up, if there is one, and the colour."""
    if problems:
        return f"⚠️ {say_count(problems, 'problem')}", "", AMBER
    if facts.polled_at is None:
        return "⏳ First check still running", "Try again in a minute.", GREY
    if not facts.accounts:
        advice = (
            f"Add your MiniMax accounts at [useapi.net]({SETUP_GUIDE}). "
            f"The bot finds them within {say_duration(facts.interval)}."
        )
        return "👋 Almost ready: add a MiniMax account", advice, GREY
    if not facts.subscriptions:
        return "👋 Almost ready: add your first reminder", "Run `/minimax-reminders add`.", GREY
    if all(one.paused_at is not None for one in facts.subscriptions):
        return "⏸️ All reminders are paused", "Resume one with `/minimax-reminders resume`.", GREY
    return "✅ Everything works", "", GREEN


def _list_problems(facts: Facts, now: datetime) -> list[str]:
    problems = []
    if facts.wrong_clock is not None:
        problems.append(
            f"**The clock of the bot's machine is {say_skew(facts.wrong_clock)}**, so no reminder is sent. "
            f"Bot owner: {CLOCK_ADVICE[:1].lower()}{CLOCK_ADVICE[1:]}"
        )
    elif facts.polled_at is not None and now - facts.polled_at > _LATE_AFTER * facts.interval + _LEEWAY:
        problems.append(
            f"No account check since {format_dt(facts.polled_at, 'R')}, so reminders may be late. "
            "Bot owner: read the log, then start the bot again."
        )
    if problem := _say_api_problem(facts):
        problems.append(problem)
    if facts.obstacle is not None:
        problems.append(f"{facts.obstacle.say('Discord')}, so reminders wait. Bot owner: {facts.obstacle.advice}")
    elif not facts.is_connected:
        problems.append("Discord disconnected. Reminders still go out; commands may not work. It usually passes soon.")
    problems += [_say_blocked(f"<#{one.channel_id}>", one, "move the reminder") for one in facts.blocked]
    problems += [_say_blocked(f"Board in <#{one.channel_id}>", one, "remove the board") for one in facts.outdated]
    return problems


def _say_api_problem(facts: Facts) -> str:
    """Return why the accounts can't be read, by the newest answer of useapi.net; "" if they can."""
    fallback = " Reminders go on with the last known dates." if facts.unreadable_since is not None else ""
    if facts.failure is not None and facts.asked_at is not None:
        return f"{facts.failure.title} ({format_dt(facts.asked_at, 'R')}). {facts.failure.advice}{fallback}"
    # An answer that came after the last poll is newer than what the poll found.
    is_outdated = facts.asked_at is not None and facts.polled_at is not None and facts.asked_at > facts.polled_at
    if facts.unreadable_since is None or is_outdated:
        return ""
    return (
        f"The bot can't reach your MiniMax accounts (since {format_dt(facts.unreadable_since, 'f')}).{fallback} "
        "Bot owner: is useapi.net up, and `USEAPI_TOKEN` still valid?"
    )


def _say_blocked(place: str, failure: ChannelFailure, alternative: str) -> str:
    # A failed check has no next attempt of its own.
    again = f" Next try {format_dt(failure.next_attempt_at, 'R')}." if failure.failures else ""
    return f"{place}: {say_reason(failure.reason, 80)}. Fix that, or {alternative}.{again}"


def _fit(problems: Sequence[str]) -> str:
    """Return the problems as a list, as many as fit into a field, and how many more there are."""
    lines = [f"- {problem}" for problem in problems]
    shown: list[str] = []
    for line in lines:
        rest = [f"- and {len(lines) - len(shown) - 1} more"] if len(shown) + 1 < len(lines) else []
        if shown and len("\n".join([*shown, line, *rest])) > MAX_FIELD:
            shown.append(f"- and {len(lines) - len(shown)} more")
            break
        shown.append(line)
    return "\n".join(shown)


def _say_accounts(facts: Facts, now: datetime) -> str:
    if facts.polled_at is None:
        return f"None checked yet, one check every {say_duration(facts.interval)}"
    due_at = facts.polled_at + facts.interval
    next_poll = format_dt(due_at, "R") if due_at > now else "now"
    line = f"{len(facts.accounts)} checked {format_dt(facts.read_at or facts.polled_at, 'R')}, next {next_poll}"
    statuses = [account.status(now) for account in facts.accounts]
    counts = (
        (Status.EXPIRED, sum(status.needs_renewal for status in statuses), "needs renewing", "need renewing"),
        (Status.ERROR, facts.failing, "has failing jobs", "have failing jobs"),
        (Status.EXPIRING, sum(status.is_soon for status in statuses), "expires soon", "expire soon"),
        (Status.EXPIRING, facts.low_on_credits, "is low on credits", "are low on credits"),
    )
    parts = [
        f"{status.style.emoji} {count} {one if count == 1 else many}" for status, count, one, many in counts if count
    ]
    return "\n".join([line, *([" · ".join(parts)] if parts else [])])


def _say_reminders(facts: Facts) -> str:
    paused = sum(one.paused_at is not None for one in facts.subscriptions)
    waiting = f"{facts.waiting} waiting" if facts.waiting else "none waiting"
    sent = f"{say_count(facts.sent, 'message')} sent in {SENT_WITHIN.days} days"
    return f"{len(facts.subscriptions) - paused} active · {paused} paused · {waiting} · {sent}"


def _say_connections(facts: Facts) -> str:
    asked_at = facts.asked_at or facts.polled_at
    if asked_at is None:
        useapi = "⚪ useapi.net not asked yet"
    else:
        is_failing = facts.failure is not None or (facts.asked_at is None and facts.unreadable_since is not None)
        useapi = f"{'⚠️' if is_failing else '✅'} useapi.net ({format_dt(asked_at, 'R')})"
    if not facts.is_connected:
        return f"{useapi} · ⚠️\N{NO-BREAK SPACE}Discord disconnected"
    latency = "" if facts.latency is None else f" ({round(facts.latency * 1000)} ms)"
    return f"{useapi} · ✅\N{NO-BREAK SPACE}Discord{latency}"


def _say_off(facts: Facts) -> str:
    """Return what useapi.net does not offer as documented, and when the bot asks again; "" if it offers everything."""
    off = [*([facts.jobs_off] if facts.jobs_off else []), *facts.credits_off]
    if not off:
        return ""
    whose = f"the credits of {say_count(len(facts.credits_off), 'account')}" if facts.credits_off else ""
    what = " and ".join(filter(None, ("jobs" if facts.jobs_off else "", whose)))
    again = format_dt(min(one.until for one in off), "R")
    return f"⚪ useapi.net doesn't offer {what} ({escaped(off[0].reason, 80)}); the bot asks again {again}"
