"""Adds and removes boards, as people ask for it."""

from bot.core.boards import Board
from bot.core.messages import Message
from bot.core.overview import Overview
from bot.reminders.context import Context, Refused
from bot.reminders.dispatcher import Dispatcher
from bot.store.boards import add_board, delete_board
from bot.store.messages import get_board_message


class Boards:
    """Adds and removes boards; polls keep them current."""

    def __init__(self, context: Context, dispatcher: Dispatcher) -> None:
        self._context, self._dispatcher = context, dispatcher

    async def add(self, board: Board, overview: Overview) -> bool:
        """Post a new board, and keep it current from then on; return False if there is one already, which stays.

        Raises:
            Refused: the channel does not accept it, and there is no board. Uncertain: a later poll posts it.
        """
        async with self._context.database.begin() as tx:
            if not await add_board(tx, board):
                return False
        try:
            await self._dispatcher.post_board(board, overview)
        except Refused:
            async with self._context.database.begin() as tx:
                await delete_board(tx, board.guild_id, board.channel_id)
            raise
        return True

    async def remove(self, guild_id: int, channel_id: int) -> bool:
        """Forget a channel's board, then delete its message; return whether there was a board.

        Raises:
            Refused, Uncertain: it is not kept current any more, but its message may still be there.
        """
        async with self._context.database.begin() as tx:
            message = await get_board_message(tx, guild_id, channel_id)
            if not await delete_board(tx, guild_id, channel_id):
                return False
        # A message that arrives from now on belongs to no board, and the dispatcher deletes it.
        discord_id = await self._find(message) if message is not None else None
        if discord_id is not None:
            try:
                await self._context.sender.delete(channel_id, discord_id)
            except Refused as refusal:
                if not refusal.is_message_gone:
                    raise
        return True

    async def _find(self, message: Message) -> int | None:
        if message.discord_id is not None:
            return message.discord_id
        return await self._context.sender.find(message)
