"""Shows what is watched and what is to come."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.commands.services import Services
from bot.chat.gateway.responder import Interaction, NewMessage, Reply, Surface
from bot.chat.views.reminder_list import Setup, list_reply, names_of
from bot.chat.views.upcoming import preview_reply
from bot.reminders.forecast import find_next, forecast
from bot.store.accounts import get_snapshots
from bot.store.boards import get_boards
from bot.store.channel_failures import get_channel_failures
from bot.store.messages import get_last_messages
from bot.store.subscriptions import get_subscriptions


class Outlook:
    """Answers questions about a server's watches, and changes nothing."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def show_list(self, interaction: Interaction, page: int = 0, surface: Surface | None = None) -> None:
        """List the server's watches, soonest reminder first."""

        async def work() -> Reply:
            guild_id, now = self._services.server_of(interaction), self._services.now()
            async with self._services.database.begin() as tx:
                setup = await _load(tx, guild_id, now)
            return list_reply(setup, page, now)

        await self._services.responder.answer(interaction, surface or NewMessage(interaction, share=False), work)

    async def show_preview(self, interaction: Interaction, page: int = 0, surface: Surface | None = None) -> None:
        """Show the messages of the next 30 days: what, when, where, and whom they mention."""

        async def work() -> Reply:
            guild_id, now = self._services.server_of(interaction), self._services.now()
            async with self._services.database.begin() as tx:
                upcoming = await forecast(tx, await get_subscriptions(tx, guild_id), now)
            return preview_reply(upcoming, page, now)

        await self._services.responder.answer(interaction, surface or NewMessage(interaction, share=False), work)


async def _load(tx: AsyncConnection, guild_id: int, now: datetime) -> Setup:
    subscriptions = await get_subscriptions(tx, guild_id)
    return Setup(
        subscriptions=subscriptions,
        boards=await get_boards(tx, [guild_id]),
        comes_next=find_next(await forecast(tx, subscriptions, now)),
        incidents=await get_channel_failures(tx, [guild_id]),
        board_troubles=await get_channel_failures(tx, [guild_id], of_boards=True),
        links=await get_last_messages(tx, {subscription.channel_id for subscription in subscriptions}),
        names=names_of(await get_snapshots(tx, {subscription.account_id for subscription in subscriptions})),
    )
