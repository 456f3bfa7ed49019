"""Shows what is watched and what is to come."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.preview import preview_reply
from bot.chat.replies import Interaction, NewMessage, Reply, Surface
from bot.chat.services import Services
from bot.chat.watch_list import Setup, list_reply, names_of
from bot.reminding.forecast import find_next, forecast
from bot.store.accounts import get_known
from bot.store.boards import get_boards
from bot.store.messages import get_last_messages
from bot.store.targets import get_targets
from bot.store.watches import get_watches


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
                upcoming = await forecast(tx, await get_watches(tx, guild_id), now)
            return preview_reply(upcoming, page, now)

        await self._services.responder.answer(interaction, surface or NewMessage(interaction, share=False), work)


async def _load(tx: AsyncConnection, guild_id: int, now: datetime) -> Setup:
    watches = await get_watches(tx, guild_id)
    return Setup(
        watches=watches,
        boards=await get_boards(tx, [guild_id]),
        comes_next=find_next(await forecast(tx, watches, now)),
        troubles=await get_targets(tx, [guild_id]),
        board_troubles=await get_targets(tx, [guild_id], of_boards=True),
        links=await get_last_messages(tx, {watch.channel_id for watch in watches}),
        names=names_of(await get_known(tx, {watch.account_id for watch in watches})),
    )
