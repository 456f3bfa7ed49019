"""The answer of `/minimax-status`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot import __version__
from bot.chat.views import text
from bot.chat.views.reminder_list import say_failure, say_place
from bot.core.channel_failures import ChannelFailure
from bot.core.notifications import State
from bot.core.status import AMBER, GREEN, GREY
from bot.core.subscriptions import Subscription
from bot.core.text import cut
from bot.core.wording import say_count, say_duration, say_skew

# Sent notifications are counted over this long.
SENT_WITHIN = timedelta(days=30)
_LATE_AFTER = 3
_LEEWAY = timedelta(minutes=5)
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts in the status of one server: its own reminders and channels, and those that all servers share.

    `wrong_clock` is how far the clock of the bot's machine is ahead, None if it is right. The `latency` of the gateway
    is in seconds, None if it is not known.
    """

    wrong_clock: timedelta | None
    interval: timedelta
    polled_at: datetime | None
    unreadable_since: datetime | None
    accounts: int
    counts: Mapping[str, int]
    blocked: Sequence[ChannelFailure]
    outdated: Sequence[ChannelFailure]
    subscriptions: Sequence[Subscription]
    is_connected: bool
    latency: float | None


def status_embed(facts: Facts, now: datetime) -> discord.Embed:
    """Return the status in words, problems first."""
    verdict, colour = _say_verdict(facts, now)
    embed = discord.Embed(title="Status", description=verdict, colour=colour, timestamp=now)
    embed.add_field(name="Account checks", value=_say_polls(facts, now), inline=False)
    embed.add_field(name="Reminders of this server", value=_say_reminders(facts), inline=False)
    if facts.blocked:
        embed.add_field(name="Channels that refuse reminders", value=_say_blocked(facts.blocked), inline=False)
    if facts.outdated:
        embed.add_field(name="Boards out of date", value=_say_blocked(facts.outdated), inline=False)
    embed.add_field(name="Connections", value=_say_connections(facts), inline=False)
    embed.set_footer(text=f"MiniMax Account Bot {__version__}")
    return embed


def _say_verdict(facts: Facts, now: datetime) -> tuple[str, int]:
    """Return the verdict and its colour; before the first poll has ended there is none."""
    if warnings := _warn(facts, now):
        return "\n".join(warnings), AMBER
    if facts.polled_at is None:
        return "⏳ The first check of the accounts is still running. Ask again in a minute.", GREY
    return "✅ All is well.", GREEN


def _warn(facts: Facts, now: datetime) -> list[str]:
    warnings = []
    if facts.wrong_clock is not None:
        warnings.append(
            f"⚠️ **The clock of the bot's machine is {say_skew(facts.wrong_clock)}**, so no reminder is sent. "
            "The bot's operator should set it and turn on time synchronisation (NTP)."
        )
    elif facts.polled_at is not None and now - facts.polled_at > _LATE_AFTER * facts.interval + _LEEWAY:
        warnings.append(
            f"⚠️ **The bot last finished checking the accounts {format_dt(facts.polled_at, 'R')}.** "
            "Reminders may be late. The bot's operator should read its log and restart it."
        )
    if facts.unreadable_since is not None:
        warnings.append("⚠️ **The accounts can't be read.** Reminders go by the last known dates.")
    if facts.blocked:
        warnings.append("⚠️ **Reminders don't arrive** in every channel; see below.")
    if facts.outdated:
        warnings.append("⚠️ **A board can't be kept up to date**; see below.")
    if not facts.is_connected:
        warnings.append("⚠️ **Discord's gateway is out of reach.** Reminders still go out; commands may not work.")
    return warnings


def _say_polls(facts: Facts, now: datetime) -> str:
    every = f"one every {say_duration(facts.interval)}"
    if facts.polled_at is None:
        return f"None is complete yet; {every}"
    due_at = facts.polled_at + facts.interval
    next_poll = format_dt(due_at, "R") if due_at > now else "now"
    return (
        f"Last: {format_dt(facts.polled_at, 'f')} ({format_dt(facts.polled_at, 'R')}), "
        f"{say_count(facts.accounts, 'account')} found\nNext: {next_poll}, {every}"
    )


def _say_reminders(facts: Facts) -> str:
    counts = {state: facts.counts.get(state, 0) for state in State}
    sent = f"sent in the last {SENT_WITHIN.days} days: {counts[State.SENT]}"
    lines = [
        f"Set up: {len(facts.subscriptions)}",
        f"Pending: {counts[State.PENDING]} · being sent: {counts[State.SENDING]} · {sent}",
    ]
    if paused := [say_place(one) for one in facts.subscriptions if one.paused_at is not None]:
        more = f" and {len(paused) - _MAX_NAMED} more" if len(paused) > _MAX_NAMED else ""
        lines[0] += f" · ⏸️ paused: {', '.join(paused[:_MAX_NAMED])}{more}"
    return cut("\n".join(lines), text.MAX_FIELD)


def _say_blocked(blocked: Sequence[ChannelFailure]) -> str:
    lines = [f"<#{one.channel_id}>: {say_failure(one)}" for one in blocked[:_MAX_NAMED]]
    more = [f"and {len(blocked) - _MAX_NAMED} more"] if len(blocked) > _MAX_NAMED else []
    return "\n".join([*lines, *more])


def _say_connections(facts: Facts) -> str:
    useapi = "✅ useapi.net answers"
    if facts.unreadable_since is not None:
        since = f"{format_dt(facts.unreadable_since, 'f')} ({format_dt(facts.unreadable_since, 'R')})"
        useapi = f"⚪ useapi.net can't be read since {since}"
    elif facts.polled_at is None:
        useapi = "⚪ useapi.net was not asked yet"
    latency = "" if facts.latency is None else f", {round(facts.latency * 1000)} ms away"
    gateway = "⚠️ Discord's gateway is gone"
    if facts.is_connected:
        gateway = f"✅ Discord's gateway is connected{latency}"
    return f"{useapi}\n{gateway}"
