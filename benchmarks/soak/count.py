"""Compares the messages that people saw with the database."""

import asyncio
import contextlib
import time
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notifications import Kind, State
from bot.core.stages import EXPIRED
from bot.store.database import open_database
from bot.store.tables import accounts, messages, notifications, subscriptions
from tests.support.process.deployment import Deployment
from tests.support.wire.payloads import GUILD_ID

_PATIENCE = 120.0
_LOOK_EVERY = 0.5
_ANSWER_SECONDS, _ASK_EVERY = 60.0, 5.0


@dataclass(frozen=True, slots=True)
class Count:
    """The figures of a run: `sent` reminders in `messages`; the other numbers should be 0.

    `unknown` are Discord's ids of messages that the database does not know. `is_answering` is whether the bot answers
    commands at the end, and has registered them.
    """

    messages: int
    sent: int
    doubled: int
    lost: int
    unsettled: int
    unknown: Collection[int] = ()
    is_answering: bool = True

    @property
    def is_right(self) -> bool:
        """Whether there were reminders, each arrived exactly once, and the bot answers."""
        return self.is_answering and bool(self.sent) and not (self.doubled or self.lost or self.unsettled)


async def wait_until_quiet(deployment: Deployment) -> None:
    """Wait, two minutes at most, until the bot has sent everything; all accounts have expired by now."""
    ends_at = time.monotonic() + _PATIENCE
    while time.monotonic() < ends_at:
        await deployment.polls(1)
        result = await count(deployment)
        if not (result.lost or result.unsettled):
            await deployment.polls(1)
            return
        await asyncio.sleep(_LOOK_EVERY)


async def answers_commands(deployment: Deployment) -> bool:
    """Return whether the bot answers a command within a minute; one that no session gets is used again."""
    ends_at = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < ends_at:
        exchange = await deployment.discord.ask_status()
        with contextlib.suppress(AssertionError):
            await exchange.answer(within=_ASK_EVERY)
            return bool(deployment.discord.rest.commands.get(GUILD_ID))
    return False


async def count(deployment: Deployment, *, is_answering: bool = True) -> Count:
    """Compare the channels with the database: each message in a channel is stored as sent, and the other way round.

    A stage of a login is in one message at most. *Expired* must be in one, for every account.
    """
    async with open_database(deployment.database_url) as database, database.begin() as tx:
        sent = set((await tx.execute(sa.select(messages.c.discord_id).where(messages.c.state == State.SENT))).scalars())
        reminders = await _number(tx, notifications.c.state == State.SENT)
        unsettled = await _number(tx, notifications.c.state.in_([State.PENDING, State.SENDING]))
        missing = await _count_missing(tx)
        repeated = await _count_repeated(tx)
    seen = [int(message["id"]) for message in deployment.channels.messages]
    unknown, lost = set(seen) - sent, len(sent - set(seen)) + missing
    return Count(len(seen), reminders, len(unknown) + repeated, lost, unsettled, unknown, is_answering)


async def _number(tx: AsyncConnection, where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(notifications).where(where)
    return int((await tx.execute(query)).scalar_one())


async def _count_repeated(tx: AsyncConnection) -> int:
    """Return how many reminders repeat another one: the same stage of the same login, or the same renewal."""
    columns = ("channel_id", "account_id", "kind", "ref", "stage")
    same = [notifications.c[name] for name in columns]
    times = (
        sa.select(sa.func.count().label("number"))
        .where(notifications.c.state == State.SENT, notifications.c.kind.in_([Kind.STAGE, Kind.RENEWED]))
        .group_by(*same)
        .subquery()
    )
    return int((await tx.execute(sa.select(sa.func.coalesce(sa.func.sum(times.c.number - 1), 0)))).scalar_one())


async def _count_missing(tx: AsyncConnection) -> int:
    """Return how many reminders about expired accounts were not sent, over all channels and accounts."""
    is_sent = sa.and_(
        notifications.c.channel_id == subscriptions.c.channel_id,
        notifications.c.account_id == accounts.c.account_id,
        notifications.c.kind == Kind.STAGE,
        notifications.c.ref == accounts.c.login_id,
        notifications.c.stage == EXPIRED,
        notifications.c.state == State.SENT,
    )
    missing = (
        sa.select(sa.func.count())
        .select_from(accounts.join(subscriptions, sa.true()))
        .where(~sa.exists().where(is_sent))
    )
    return int((await tx.execute(missing)).scalar_one())
