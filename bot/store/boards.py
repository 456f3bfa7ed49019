"""Saves and loads boards."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.boards import Board
from bot.core.messages import MessageKind
from bot.store.channel_failures import delete_failure
from bot.store.tables import boards, insert_into, messages


def _board(row: Any) -> Board:
    return Board(**{name: getattr(row, name) for name in Board.__dataclass_fields__})


_SELECT = sa.select(boards, messages.c.discord_id).select_from(
    boards.outerjoin(messages, messages.c.id == boards.c.message_id)
)

_BOARDS_IN_GUILDS = _SELECT.where(boards.c.guild_id.in_(sa.bindparam("guilds", expanding=True))).order_by(
    boards.c.channel_id
)


async def get_boards(tx: AsyncConnection, guild_ids: Collection[int]) -> list[Board]:
    """Return the boards of these guilds."""
    return [_board(row) for row in await tx.execute(_BOARDS_IN_GUILDS, {"guilds": list(guild_ids)})]


async def get_board(tx: AsyncConnection, guild_id: int, channel_id: int) -> Board | None:
    """Return a channel's board, None if it has none."""
    query = _SELECT.where(boards.c.guild_id == guild_id, boards.c.channel_id == channel_id)
    row = (await tx.execute(query)).first()
    return None if row is None else _board(row)


async def add_board(tx: AsyncConnection, board: Board) -> bool:
    """Save a new board; return False if the channel has one."""
    values = {"guild_id": board.guild_id, "channel_id": board.channel_id, "added_by": board.added_by}
    insert = insert_into(tx, boards).values(**values).on_conflict_do_nothing()
    return (await tx.execute(insert)).rowcount == 1


async def take_board(tx: AsyncConnection, board: Board, message_id: int, digest: str) -> bool:
    """Save which message a board is about to get; return False if it has one already, or is gone."""
    where = (boards.c.guild_id == board.guild_id) & (boards.c.channel_id == board.channel_id)
    update = boards.update().where(where, boards.c.message_id.is_(None))
    return (await tx.execute(update.values(message_id=message_id, digest=digest))).rowcount == 1


async def release_board(tx: AsyncConnection, message_id: sa.ScalarSelect[int]) -> None:
    """Save that the board with this message has none any more."""
    await tx.execute(boards.update().where(boards.c.message_id == message_id).values(message_id=None, digest=None))


async def set_digest(tx: AsyncConnection, message_id: int, digest: str | None) -> None:
    """Save what the board with this message shows; None if it must be edited in any case."""
    await tx.execute(boards.update().where(boards.c.message_id == message_id).values(digest=digest))


async def set_absent_since(tx: AsyncConnection, board: Board, since: datetime | None) -> None:
    """Save since when checks miss a board's channel, None if it is there."""
    where = (boards.c.guild_id == board.guild_id) & (boards.c.channel_id == board.channel_id)
    await tx.execute(boards.update().where(where).values(absent_since=since))


async def delete_board(tx: AsyncConnection, guild_id: int, channel_id: int) -> bool:
    """Delete a channel's board, its sent message and its failure; return whether there was one.

    A message in flight stays without its payload, so that it is not posted again but deleted if it has arrived.
    """
    where = (boards.c.guild_id == guild_id) & (boards.c.channel_id == channel_id)
    deleted = (await tx.execute(boards.delete().where(where).returning(boards.c.message_id))).first()
    if deleted is None:
        return False
    await delete_failure(tx, channel_id, MessageKind.BOARD)
    own = messages.c.id == deleted.message_id
    await tx.execute(messages.delete().where(own, messages.c.discord_id.is_not(None)))
    await tx.execute(messages.update().where(own).values(payload=None))
    return True
