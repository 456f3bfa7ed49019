"""The boards: which channels show a list of all accounts, and what is in it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import boards, insert_into
from bot.store.targets import drop_target


@dataclass(frozen=True, slots=True)
class Board:
    """A channel's board; without a `message_id` it is not known to have arrived. `shown` tells its content apart."""

    guild_id: int
    channel_id: int
    nonce: str
    message_id: int | None
    shown: str
    added_by: int


def _board(row: Any) -> Board:
    return Board(**{name: getattr(row, name) for name in Board.__dataclass_fields__})


def _same(board: Board) -> sa.ColumnElement[bool]:
    """Return what finds this board as long as it is neither removed nor posted anew."""
    where = (boards.c.guild_id == board.guild_id) & (boards.c.channel_id == board.channel_id)
    return where & (boards.c.nonce == board.nonce)


async def get_boards(tx: AsyncConnection, guild_ids: Collection[int]) -> list[Board]:
    """Return the boards of these servers."""
    query = sa.select(boards).where(boards.c.guild_id.in_(guild_ids)).order_by(boards.c.channel_id)
    return [_board(row) for row in await tx.execute(query)]


async def get_board(tx: AsyncConnection, guild_id: int, channel_id: int) -> Board | None:
    """Return a channel's board, None if it has none."""
    of = (boards.c.guild_id == guild_id) & (boards.c.channel_id == channel_id)
    row = (await tx.execute(sa.select(boards).where(of))).first()
    return None if row is None else _board(row)


async def add_board(tx: AsyncConnection, board: Board) -> bool:
    """Store a new board; return False if the channel has one."""
    values = {name: getattr(board, name) for name in Board.__dataclass_fields__}
    insert = insert_into(tx, boards).values(**values).on_conflict_do_nothing()
    return (await tx.execute(insert)).rowcount == 1


async def mark_shown(tx: AsyncConnection, board: Board, message_id: int, shown: str) -> bool:
    """Write down what a board shows, and where; return False if it was removed or posted anew meanwhile."""
    update = boards.update().where(_same(board)).values(message_id=message_id, shown=shown)
    return (await tx.execute(update)).rowcount == 1


async def renew_board(tx: AsyncConnection, board: Board, nonce: str) -> bool:
    """Let a board be posted anew; return False if it was removed or posted anew meanwhile."""
    update = boards.update().where(_same(board)).values(nonce=nonce, message_id=None, shown="")
    return (await tx.execute(update)).rowcount == 1


async def pop_board(tx: AsyncConnection, guild_id: int, channel_id: int) -> Board | None:
    """Forget a channel's board, with its trouble, and return it; None if the channel has none."""
    await drop_target(tx, channel_id, of_board=True)
    of = (boards.c.guild_id == guild_id) & (boards.c.channel_id == channel_id)
    row = (await tx.execute(boards.delete().where(of).returning(*boards.c))).first()
    return None if row is None else _board(row)
