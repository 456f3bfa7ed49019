"""`/minimax-status`: whether the bot does its work for this server."""

import math
from datetime import datetime, timedelta
from typing import Any

import discord
from discord import app_commands
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.commands.services import Services
from bot.chat.gateway.responder import Interaction, NewMessage, Reply
from bot.chat.views.status import SENT_WITHIN, Connection, Facts, status_card
from bot.store.accounts import get_snapshots
from bot.store.channel_failures import ChannelFailure, get_channel_failures
from bot.store.incidents import get_bad_since
from bot.store.leases import get_polled_at
from bot.store.notifications import Kind, count_notifications
from bot.store.subscriptions import get_subscriptions


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
    known = (await get_snapshots(tx)).values()
    read_at = max((one.read_at for one in known), default=now)
    return Facts(
        interval=interval,
        polled_at=await get_polled_at(tx),
        blind_since=await get_bad_since(tx, Kind.BLIND, ""),
        accounts=sum(one.read_at == read_at for one in known),
        counts=await count_notifications(tx, guild_id, now - SENT_WITHIN),
        blocked=await _get_blocked(tx, guild_id, now),
        outdated=await _get_blocked(tx, guild_id, now, of_boards=True),
        subscriptions=await get_subscriptions(tx, guild_id),
        discord=connection,
    )


async def _get_blocked(
    tx: AsyncConnection, guild_id: int, now: datetime, *, of_boards: bool = False
) -> list[ChannelFailure]:
    found = await get_channel_failures(tx, [guild_id], of_boards=of_boards)
    return [one for one in found.values() if one.is_blocked(now)]


def build_status_command(report: StatusReport) -> app_commands.Command[Any, Any, None]:
    """Return the command; who may use it is up to Discord and the server's admins."""

    @app_commands.command(name="minimax-status", description="Show whether the bot does its work for this server")
    @app_commands.default_permissions(manage_guild=True)
    async def minimax_status(interaction: discord.Interaction[Any]) -> None:
        await report.show(interaction)

    return minimax_status
