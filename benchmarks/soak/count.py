"""Counts what people saw against what the database says was told."""

import asyncio
import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.reminders import EXPIRED
from bot.store.database import open_database
from bot.store.deliveries import Kind, State
from bot.store.tables import accounts, deliveries, messages, watches
from tests.process.reminding import Reminding

_PATIENCE = 120.0
_LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Count:
    """What came out: `told` reminders in `messages`; the rest should be 0."""

    messages: int
    told: int
    doubled: int
    lost: int
    unsettled: int

    @property
    def is_right(self) -> bool:
        """Whether each reminder arrived exactly once, and there was any."""
        return bool(self.told) and not (self.doubled or self.lost or self.unsettled)


async def wait_until_quiet(scene: Reminding) -> None:
    """Wait, two minutes at most, until the bot has nothing left to say; all accounts have expired by now."""
    ends_at = time.monotonic() + _PATIENCE
    while time.monotonic() < ends_at:
        await scene.passes(1)
        result = await count(scene)
        if not (result.lost or result.unsettled):
            await scene.passes(1)
            return
        await asyncio.sleep(_LOOK_EVERY)


async def count(scene: Reminding) -> Count:
    """Compare the channels with the database: each message seen is known as sent, and the other way round.

    A step can be in one message only, by the database's keys; an expired account's last one must be in one.
    """
    async with open_database(scene.database_url) as database, database.begin() as tx:
        sent = set((await tx.execute(sa.select(messages.c.discord_id).where(messages.c.state == State.SENT))).scalars())
        told = await _number(tx, deliveries.c.state == State.SENT)
        unsettled = await _number(tx, deliveries.c.state.in_([State.PENDING, State.SENDING]))
        untold = await _count_untold(tx)
    seen = [int(message["id"]) for message in scene.channels.messages]
    return Count(len(seen), told, len(set(seen) - sent), len(sent - set(seen)) + untold, unsettled)


async def _number(tx: AsyncConnection, where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(deliveries).where(where)
    return int((await tx.execute(query)).scalar_one())


async def _count_untold(tx: AsyncConnection) -> int:
    """Return how many channels were not told that an account has expired, summed over the accounts."""
    is_told = sa.and_(
        deliveries.c.channel_id == watches.c.channel_id,
        deliveries.c.account_id == accounts.c.account_id,
        deliveries.c.kind == Kind.STEP,
        deliveries.c.ref == accounts.c.token_id,
        deliveries.c.step == EXPIRED,
        deliveries.c.state == State.SENT,
    )
    untold = (
        sa.select(sa.func.count()).select_from(accounts.join(watches, sa.true())).where(~sa.exists().where(is_told))
    )
    return int((await tx.execute(untold)).scalar_one())
