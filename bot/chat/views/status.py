"""The card that tells how the bot is doing: a pure function of what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot import __version__
from bot.chat.views import text
from bot.chat.views.account import AMBER, GREEN, GREY
from bot.chat.views.reminder_list import say_place, say_trouble
from bot.core.text import cut
from bot.core.wording import say_count, say_duration
from bot.store.channel_failures import ChannelFailure
from bot.store.notifications import State
from bot.store.subscriptions import Subscription

# What was sent is counted over this long.
SENT_WITHIN = timedelta(days=30)
_LATE_AFTER = 3
_LEEWAY = timedelta(minutes=5)
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Connection:
    """How the bot is connected with Discord; the latency is in seconds, None if it is not known."""

    is_up: bool
    latency: float | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the status of one server tells: of its own watches and channels, and of what all servers share."""

    interval: timedelta
    polled_at: datetime | None
    blind_since: datetime | None
    accounts: int
    counts: Mapping[str, int]
    blocked: Sequence[ChannelFailure]
    outdated: Sequence[ChannelFailure]
    subscriptions: Sequence[Subscription]
    discord: Connection


def status_card(facts: Facts, now: datetime) -> discord.Embed:
    """Return the status in words, what is wrong first."""
    verdict, colour = _judge(facts, now)
    card = discord.Embed(title="Status", description=verdict, colour=colour, timestamp=now)
    card.add_field(name="Looks at the accounts", value=_say_polls(facts, now), inline=False)
    card.add_field(name="Reminders of this server", value=_say_reminders(facts), inline=False)
    if facts.blocked:
        card.add_field(name="Channels that take none", value=_say_blocked(facts.blocked), inline=False)
    if facts.outdated:
        card.add_field(name="Boards out of date", value=_say_blocked(facts.outdated), inline=False)
    card.add_field(name="Connections", value=_say_connections(facts), inline=False)
    card.set_footer(text=f"MiniMax Account Bot {__version__}")
    return card


def _judge(facts: Facts, now: datetime) -> tuple[str, discord.Colour]:
    """Return the verdict and its colour; before the first look has ended nobody knows that all is well."""
    if warnings := _warn(facts, now):
        return "\n".join(warnings), AMBER
    if facts.polled_at is None:
        return "⏳ The first look at the accounts is still under way. Ask again in a minute.", GREY
    return "✅ All is well.", GREEN


def _warn(facts: Facts, now: datetime) -> list[str]:
    warnings = []
    late_after = _LATE_AFTER * facts.interval + _LEEWAY
    if facts.polled_at is not None and now - facts.polled_at > late_after:
        warnings.append(
            f"⚠️ **The bot last finished looking at the accounts {format_dt(facts.polled_at, 'R')}.** "
            "Reminders may be late. Whoever runs it should see its log and restart it."
        )
    if facts.blind_since is not None:
        warnings.append("⚠️ **The accounts can't be read.** Reminders go by what was last known.")
    if facts.blocked:
        warnings.append("⚠️ **Reminders don't arrive** in every channel; see below.")
    if facts.outdated:
        warnings.append("⚠️ **A board can't be kept up to date**; see below.")
    if not facts.discord.is_up:
        warnings.append("⚠️ **Discord's gateway is out of reach.** Reminders still go out; commands may not work.")
    return warnings


def _say_polls(facts: Facts, now: datetime) -> str:
    every = f"one every {say_duration(facts.interval)}"
    if facts.polled_at is None:
        return f"None is complete yet; {every}"
    due_at = facts.polled_at + facts.interval
    next_look = format_dt(due_at, "R") if due_at > now else "now"
    return (
        f"Last: {format_dt(facts.polled_at, 'f')} ({format_dt(facts.polled_at, 'R')}), "
        f"{say_count(facts.accounts, 'account')} seen\nNext: {next_look}, {every}"
    )


def _say_reminders(facts: Facts) -> str:
    counts = {state: facts.counts.get(state, 0) for state in State}
    sent = f"sent in the last {SENT_WITHIN.days} days: {counts[State.SENT]}"
    lines = [
        f"Set up: {len(facts.subscriptions)}",
        f"Owed: {counts[State.PENDING]} · under way: {counts[State.SENDING]} · {sent}",
    ]
    paused = [subscription for subscription in facts.subscriptions if subscription.paused_at is not None]
    if paused:
        lines[0] += f" · ⏸️ paused: {_listed([say_place(subscription) for subscription in paused])}"
    return cut("\n".join(lines), text.MAX_FIELD)


def _say_blocked(blocked: Sequence[ChannelFailure]) -> str:
    lines = [f"<#{one.channel_id}>: {say_trouble(one)}" for one in blocked[:_MOST_NAMED]]
    more = [f"and {len(blocked) - _MOST_NAMED} more"] if len(blocked) > _MOST_NAMED else []
    return "\n".join([*lines, *more])


def _say_connections(facts: Facts) -> str:
    useapi = "✅ useapi.net answers"
    if facts.blind_since is not None:
        since = f"{format_dt(facts.blind_since, 'f')} ({format_dt(facts.blind_since, 'R')})"
        useapi = f"⚪ useapi.net can't be read since {since}"
    elif facts.polled_at is None:
        useapi = "⚪ useapi.net was not asked yet"
    latency = "" if facts.discord.latency is None else f", {round(facts.discord.latency * 1000)} ms away"
    gateway = f"✅ Discord's gateway is connected{latency}" if facts.discord.is_up else "⚠️ Discord's gateway is gone"
    return f"{useapi}\n{gateway}"


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    return f"{', '.join(places[:_MOST_NAMED])}{more}"
