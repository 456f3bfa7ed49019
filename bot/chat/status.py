"""`/minimax-status`: whether the bot does its work for this server."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import discord
from discord import app_commands
from discord.utils import format_dt
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import __version__
from bot.chat import text
from bot.chat.cards import AMBER, GREEN, GREY
from bot.chat.replies import Interaction, NewMessage, Reply
from bot.chat.services import Services
from bot.chat.watch_list import say_place, say_trouble
from bot.core.text import cut
from bot.core.wording import say_count, say_duration
from bot.store.accounts import get_known
from bot.store.deliveries import Kind, State, count_deliveries
from bot.store.leader import get_passed_at
from bot.store.targets import Target, get_targets
from bot.store.trouble import get_bad_since
from bot.store.watches import Watch, get_watches

_SENT_WITHIN = timedelta(days=30)
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
    passed_at: datetime | None
    blind_since: datetime | None
    accounts: int
    counts: Mapping[str, int]
    blocked: Sequence[Target]
    outdated: Sequence[Target]
    watches: Sequence[Watch]
    discord: Connection


class StatusReport:
    """Answers how the bot is doing, and changes nothing."""

    def __init__(self, services: Services, *, interval: timedelta) -> None:
        self._services = services
        self._interval = interval

    async def show(self, interaction: Interaction) -> None:
        """Tell the asker."""

        async def work() -> Reply:
            guild_id, now = self._services.server_of(interaction), self._services.now()
            async with self._services.database.begin() as tx:
                facts = await _load(tx, guild_id, self._interval, _connection(interaction.client), now)
            return Reply([status_card(facts, now)])

        await self._services.responder.answer(interaction, NewMessage(interaction, share=False), work)


def _connection(client: Any) -> Connection:
    return Connection(client.is_connected, client.latency if math.isfinite(client.latency) else None)


async def _load(
    tx: AsyncConnection, guild_id: int, interval: timedelta, connection: Connection, now: datetime
) -> Facts:
    known = (await get_known(tx)).values()
    read_at = max((one.read_at for one in known), default=now)
    return Facts(
        interval=interval,
        passed_at=await get_passed_at(tx),
        blind_since=await get_bad_since(tx, Kind.BLIND, ""),
        accounts=sum(one.read_at == read_at for one in known),
        counts=await count_deliveries(tx, guild_id, now - _SENT_WITHIN),
        blocked=await _get_blocked(tx, guild_id, now),
        outdated=await _get_blocked(tx, guild_id, now, of_boards=True),
        watches=await get_watches(tx, guild_id),
        discord=connection,
    )


async def _get_blocked(tx: AsyncConnection, guild_id: int, now: datetime, *, of_boards: bool = False) -> list[Target]:
    found = await get_targets(tx, [guild_id], of_boards=of_boards)
    return [one for one in found.values() if one.is_blocked(now)]


def status_card(facts: Facts, now: datetime) -> discord.Embed:
    """Return the status in words, what is wrong first."""
    verdict, colour = _judge(facts, now)
    card = discord.Embed(title="Status", description=verdict, colour=colour, timestamp=now)
    card.add_field(name="Looks at the accounts", value=_say_passes(facts, now), inline=False)
    card.add_field(name="Reminders of this server", value=_say_reminders(facts), inline=False)
    if facts.blocked:
        card.add_field(name="Channels that take none", value=_say_blocked(facts.blocked), inline=False)
    if facts.outdated:
        card.add_field(name="Overviews out of date", value=_say_blocked(facts.outdated), inline=False)
    card.add_field(name="Connections", value=_say_connections(facts), inline=False)
    card.set_footer(text=f"MiniMax Account Bot {__version__}")
    return card


def _judge(facts: Facts, now: datetime) -> tuple[str, discord.Colour]:
    """Return the verdict and its colour; before the first look has ended nobody knows that all is well."""
    if warnings := _warn(facts, now):
        return "\n".join(warnings), AMBER
    if facts.passed_at is None:
        return "⏳ The first look at the accounts is still under way. Ask again in a minute.", GREY
    return "✅ All is well.", GREEN


def _warn(facts: Facts, now: datetime) -> list[str]:
    warnings = []
    late_after = _LATE_AFTER * facts.interval + _LEEWAY
    if facts.passed_at is not None and now - facts.passed_at > late_after:
        warnings.append(
            f"⚠️ **The bot last finished looking at the accounts {format_dt(facts.passed_at, 'R')}.** "
            "Reminders may be late. Whoever runs it should see its log and restart it."
        )
    if facts.blind_since is not None:
        warnings.append("⚠️ **The accounts can't be read.** Reminders go by what was last known.")
    if facts.blocked:
        warnings.append("⚠️ **Reminders don't arrive** in every channel; see below.")
    if facts.outdated:
        warnings.append("⚠️ **An overview can't be kept up to date**; see below.")
    if not facts.discord.is_up:
        warnings.append("⚠️ **Discord's gateway is out of reach.** Reminders still go out; commands may not work.")
    return warnings


def _say_passes(facts: Facts, now: datetime) -> str:
    every = f"one every {say_duration(facts.interval)}"
    if facts.passed_at is None:
        return f"None is complete yet; {every}"
    due_at = facts.passed_at + facts.interval
    next_look = format_dt(due_at, "R") if due_at > now else "now"
    return (
        f"Last: {format_dt(facts.passed_at, 'f')} ({format_dt(facts.passed_at, 'R')}), "
        f"{say_count(facts.accounts, 'account')} seen\nNext: {next_look}, {every}"
    )


def _say_reminders(facts: Facts) -> str:
    counts = {state: facts.counts.get(state, 0) for state in State}
    sent = f"sent in the last {_SENT_WITHIN.days} days: {counts[State.SENT]}"
    lines = [
        f"Set up: {len(facts.watches)}",
        f"Owed: {counts[State.PENDING]} · under way: {counts[State.SENDING]} · {sent}",
    ]
    paused = [watch for watch in facts.watches if watch.paused_at is not None]
    if paused:
        lines[0] += f" · ⏸️ paused: {_listed([say_place(watch) for watch in paused])}"
    return cut("\n".join(lines), text.MAX_FIELD)


def _say_blocked(blocked: Sequence[Target]) -> str:
    lines = [f"<#{one.channel_id}>: {say_trouble(one)}" for one in blocked[:_MOST_NAMED]]
    more = [f"and {len(blocked) - _MOST_NAMED} more"] if len(blocked) > _MOST_NAMED else []
    return "\n".join([*lines, *more])


def _say_connections(facts: Facts) -> str:
    useapi = "✅ useapi.net answers"
    if facts.blind_since is not None:
        since = f"{format_dt(facts.blind_since, 'f')} ({format_dt(facts.blind_since, 'R')})"
        useapi = f"⚪ useapi.net can't be read since {since}"
    elif facts.passed_at is None:
        useapi = "⚪ useapi.net was not asked yet"
    latency = "" if facts.discord.latency is None else f", {round(facts.discord.latency * 1000)} ms away"
    gateway = f"✅ Discord's gateway is connected{latency}" if facts.discord.is_up else "⚠️ Discord's gateway is gone"
    return f"{useapi}\n{gateway}"


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    return f"{', '.join(places[:_MOST_NAMED])}{more}"


def build_status_command(report: StatusReport) -> app_commands.Command[Any, Any, None]:
    """Return the command; who may use it is up to Discord and the server's admins."""

    @app_commands.command(name="minimax-status", description="Show whether the bot does its work for this server")
    @app_commands.default_permissions(manage_guild=True)
    async def minimax_status(interaction: discord.Interaction[Any]) -> None:
        await report.show(interaction)

    return minimax_status
