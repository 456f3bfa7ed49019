"""Counts what people saw against what the database says was told."""

import asyncio
import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.stages import EXPIRED
from bot.store.database import open_database
from bot.store.notifications import Kind, State
from bot.store.tables import accounts, messages, notifications, subscriptions
from tests.support.process.scene import Reminding

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
        await scene.polls(1)
        result = await count(scene)
        if not (result.lost or result.unsettled):
            await scene.polls(1)
            return
        await asyncio.sleep(_LOOK_EVERY)


async def count(scene: Reminding) -> Count:
    """Compare the channels with the database: each message seen is known as sent, and the other way round.

    A step can be in one message only, by the database's keys; an expired account's last one must be in one.
    """
    async with open_database(scene.database_url) as database, database.begin() as tx:
        sent = set((await tx.execute(sa.select(messages.c.discord_id).where(messages.c.state == State.SENT))).scalars())
        told = await _number(tx, notifications.c.state == State.SENT)
        unsettled = await _number(tx, notifications.c.state.in_([State.PENDING, State.SENDING]))
        untold = await _count_untold(tx)
    seen = [int(message["id"]) for message in scene.channels.messages]
    return Count(len(seen), told, len(set(seen) - sent), len(sent - set(seen)) + untold, unsettled)


async def _number(tx: AsyncConnection, where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(notifications).where(where)
    return int((await tx.execute(query)).scalar_one())


async def _count_untold(tx: AsyncConnection) -> int:
    """Return how many channels were not told that an account has expired, summed over the accounts."""
    is_reported = sa.and_(
        notifications.c.channel_id == subscriptions.c.channel_id,
        notifications.c.account_id == accounts.c.account_id,
        notifications.c.kind == Kind.STEP,
        notifications.c.ref == accounts.c.login_id,
        notifications.c.stage == EXPIRED,
        notifications.c.state == State.SENT,
    )
    untold = (
        sa.select(sa.func.count())
        .select_from(accounts.join(subscriptions, sa.true()))
        .where(~sa.exists().where(is_reported))
    )
    return int((await tx.execute(untold)).scalar_one())
