"""`/minimax-reminders board`: a message in a channel that always shows all accounts."""

import discord

from bot.chat.commands.overview import read_overview
from bot.chat.commands.services import Services
from bot.chat.gateway.responder import Interaction, NewMessage, Reply, SameMessage
from bot.chat.rest.permissions import Channel, choose_destination
from bot.chat.views.account import AMBER, GREEN, GREY
from bot.chat.views.account_menu import board_view
from bot.chat.views.overview import render_board
from bot.errors import CannotRemind
from bot.reminders.boards import Boards
from bot.reminders.context import Refused, Uncertain, footer_id
from bot.store.boards import get_board, mark_shown


class BoardKeeper:
    """Puts boards up and takes them down, as people ask for it."""

    def __init__(self, services: Services, boards: Boards) -> None:
        self._services = services
        self._boards = boards

    async def toggle(self, interaction: Interaction, channel: Channel) -> None:
        """Put a board up in a channel, or take the one away that is there."""

        async def work() -> Reply:
            guild_id = self._services.server_of(interaction)
            taken_down = await self._take_down(guild_id, channel.id)
            return Reply([taken_down or await self._put_up(interaction, guild_id, channel)])

        await self._services.responder.answer(interaction, NewMessage(interaction, share=False), work)

    async def refresh(self, interaction: Interaction) -> None:
        """Read all accounts past every cache and renew the board whose button was pressed."""

        async def work() -> Reply:
            guild_id = self._services.server_of(interaction)
            message = interaction.message
            async with self._services.database.begin() as tx:
                board = await get_board(tx, guild_id, interaction.channel_id or 0)
            if board is None or message is None or board.message_id != message.id:
                raise CannotRemind(
                    "This message is not kept up to date any more.", "Ask with `/minimax-accounts` instead."
                )
            overview = await read_overview(self._services, guild_id, fresh=True)
            payload, shown = render_board(overview, footer_id(board.nonce), self._services.now())
            if shown != board.shown:
                # Whether Discord takes this edit is not known here: the next pass makes sure.
                async with self._services.database.begin() as tx:
                    await mark_shown(tx, board, message.id, "")
            return Reply([discord.Embed.from_dict(card) for card in payload["embeds"]], board_view(payload["options"]))

        await self._services.responder.answer(interaction, SameMessage(interaction), work)

    async def _take_down(self, guild_id: int, channel_id: int) -> discord.Embed | None:
        """Return what to say if there was a board, None if there was none."""
        try:
            if not await self._boards.take_down(guild_id, channel_id):
                return None
        except (Refused, Uncertain) as trouble:
            line = (
                f"The board in <#{channel_id}> is not kept up to date any more, but its message may still be there "
                f"({trouble}). Delete it by hand."
            )
            return discord.Embed(title="Board ended", description=line, colour=AMBER)
        line = f"The board in <#{channel_id}> is gone. The same command brings it back."
        return discord.Embed(title="Board taken away", description=line, colour=GREY)

    async def _put_up(self, interaction: Interaction, guild_id: int, channel: Channel) -> discord.Embed:
        target = await choose_destination(interaction, channel, None)
        overview = await read_overview(self._services, guild_id, fresh=False)
        place = f"<#{target.channel_id}>"
        try:
            await self._boards.put_up(guild_id, target.channel_id, interaction.user.id, overview)
        except Refused as refusal:
            raise CannotRemind(f"{place} does not take the board: {refusal}.", "Mend that, then try again.") from None
        except Uncertain:
            self._services.wake()
            line = f"The board will be in {place} within minutes: Discord did not answer at once."
            return discord.Embed(title="Board on its way", description=line, colour=AMBER)
        line = (
            f"{place} shows all accounts from now on, in one message that is edited when something changes. "
            "The same command takes it away."
        )
        return discord.Embed(title="Board added", description=line, colour=GREEN)
