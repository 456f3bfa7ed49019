"""`/minimax-status`: check that the bot works for this server."""

import math
from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.gateway.client import AccountBot
from bot.chat.gateway.responder import Responder, responds
from bot.chat.views.components import Reply
from bot.chat.views.status import SENT_WITHIN, Facts, status_embed
from bot.core.accounts import AccountSnapshot
from bot.core.messages import MessageKind
from bot.core.notifications import Kind
from bot.core.overview import find_covering
from bot.core.subscriptions import Subscription
from bot.reminders.context import Context
from bot.store.accounts import get_snapshots
from bot.store.channel_failures import get_failures
from bot.store.incidents import get_bad_since
from bot.store.leases import get_polled_at
from bot.store.notifications import count_sent_messages, count_unsent
from bot.store.subscriptions import get_subscriptions


class StatusCommands(commands.Cog):
    """The command."""

    def __init__(self, context: Context, responder: Responder, *, bot: AccountBot) -> None:
        self.context, self.responder = context, responder
        self._bot = bot

    @app_commands.command(name="minimax-status", description="Check that the bot is working")
    @app_commands.default_permissions(manage_guild=True)
    @responds
    async def minimax_status(self, interaction: discord.Interaction[Any]) -> Reply:
        """Show the status to the user alone."""
        clock = self.context.clock
        guild_id, now = self.context.access.guild_of(interaction.guild_id), self.context.now()
        directory = self.context.access.directory_for(guild_id)
        last_call = directory.last_call
        async with self.context.database.begin() as tx:
            snapshots = (await get_snapshots(tx)).values()
            subscriptions = await get_subscriptions(tx, guild_id)
            read_at = max((one.read_at for one in snapshots), default=None)
            refusing = await get_failures(tx, [guild_id], MessageKind.NOTIFICATIONS)
            outdated = await get_failures(tx, [guild_id], MessageKind.BOARD)
            facts = Facts(
                wrong_clock=None if clock.is_trusted else clock.skew,
                interval=self.context.interval,
                polled_at=await get_polled_at(tx),
                accounts=[one.account for one in snapshots if one.read_at == read_at],
                failing=sum(one.has_incident(Kind.FAILING) for one in snapshots),
                low_on_credits=sum(_is_low(one, subscriptions) for one in snapshots),
                read_at=read_at,
                unreadable_since=await get_bad_since(tx, Kind.UNREADABLE, None),
                asked_at=last_call.at if last_call else None,
                failure=last_call.failure if last_call else None,
                subscriptions=subscriptions,
                waiting=await count_unsent(tx, guild_id),
                sent=await count_sent_messages(tx, guild_id, now - SENT_WITHIN),
                blocked=[one for one in refusing.values() if one.is_blocked(now)],
                outdated=[one for one in outdated.values() if one.is_blocked(now)],
                jobs_off=directory.usage.jobs_off(),
                credits_off=directory.usage.credits_off(),
                is_connected=self._bot.is_connected,
                obstacle=self._bot.obstacles.current,
                latency=self._bot.latency if math.isfinite(self._bot.latency) else None,
            )
        return Reply([status_embed(facts, now)])


def _is_low(snapshot: AccountSnapshot, subscriptions: Sequence[Subscription]) -> bool:
    """Whether an account has fewer credits than an active subscription on it allows."""
    if not snapshot.low_credits:
        return False
    active = [one for one in find_covering(snapshot.account.id, subscriptions) if one.paused_at is None]
    return any(snapshot.low_credits_below(one.credits_below) for one in active)
