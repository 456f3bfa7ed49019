"""What is owed, what is under way, and what was said."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.reminders import Told
from bot.store.tables import deliveries, messages, targets


class Kind(StrEnum):
    """What a delivery says."""

    STEP = "step"
    RENEWED = "renewed"
    ERROR = "error"
    GONE = "gone"
    BLIND = "blind"


class State(StrEnum):
    """How far a delivery, or the message that carries it, has come."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    COVERED = "covered"


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed to one channel; `ref` is a token's id for steps and renewals, else the episode's number."""

    guild_id: int
    channel_id: int
    account_id: str
    kind: Kind
    ref: int
    step: int = 0
    is_late: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One POST to Discord: the exact payload with its nonce, from the first try to the last."""

    id: int
    guild_id: int
    channel_id: int
    nonce: str
    payload: str
    first_try_at: datetime
    next_try_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Target:
    """A channel that refuses: how often in a row, since when, why, and when to try again."""

    guild_id: int
    channel_id: int
    failures: int
    failing_since: datetime
    next_try_at: datetime
    reason: str


def _insert(tx: AsyncConnection, table: sa.Table) -> Any:
    """Return an insert that knows ON CONFLICT, which both databases spell alike."""
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(table)


async def get_told(tx: AsyncConnection, channel_ids: Collection[int], token_ids: Collection[int]) -> dict[Any, Told]:
    """Return what these channels were told of these tokens, by (channel id, account id, token id)."""
    query = sa.select(deliveries).where(
        deliveries.c.channel_id.in_(channel_ids),
        deliveries.c.kind.in_([Kind.STEP, Kind.RENEWED]),
        deliveries.c.ref.in_(token_ids),
    )
    steps: dict[Any, dict[str, set[int]]] = {}
    renewals = set()
    for row in await tx.execute(query):
        key = (row.channel_id, row.account_id, row.ref)
        by_state = steps.setdefault(key, {state: set() for state in State})
        if row.kind == Kind.RENEWED:
            renewals.add(key)
        else:
            by_state[row.state].add(row.step)
    return {
        key: Told(
            sent=frozenset(by_state[State.SENT]),
            in_flight=frozenset(by_state[State.SENDING]),
            pending=frozenset(by_state[State.PENDING]),
            covered=frozenset(by_state[State.COVERED]),
            renewal_said=key in renewals,
        )
        for key, by_state in steps.items()
    }


def _same(owed: Owed) -> sa.ColumnElement[bool]:
    return sa.and_(
        deliveries.c.guild_id == owed.guild_id,
        deliveries.c.channel_id == owed.channel_id,
        deliveries.c.account_id == owed.account_id,
        deliveries.c.kind == owed.kind,
        deliveries.c.ref == owed.ref,
        deliveries.c.step == owed.step,
    )


async def plan(tx: AsyncConnection, owed: Owed, now: datetime) -> None:
    """Owe this, unless it was ever owed before."""
    await _put(tx, owed, State.PENDING, now)


async def cover(tx: AsyncConnection, owed: Owed, now: datetime) -> None:
    """Mark a step as needless, whether it was already owed or not; what was sent stays sent."""
    pending = _same(owed) & (deliveries.c.state == State.PENDING)
    await tx.execute(deliveries.update().where(pending).values(state=State.COVERED))
    await _put(tx, owed, State.COVERED, now)


async def _put(tx: AsyncConnection, owed: Owed, state: State, now: datetime) -> None:
    values = {
        "guild_id": owed.guild_id,
        "channel_id": owed.channel_id,
        "account_id": owed.account_id,
        "kind": owed.kind,
        "ref": owed.ref,
        "step": owed.step,
        "state": state,
        "due_at": now,
        "is_late": False,
    }
    await tx.execute(_insert(tx, deliveries).values(**values).on_conflict_do_nothing())


async def get_ready_channels(tx: AsyncConnection, now: datetime) -> list[int]:
    """Return the channels that something is owed to and that may be tried now, the longest waiting first."""
    waiting = sa.select(targets.c.channel_id).where(targets.c.next_try_at > now)
    query = (
        sa.select(deliveries.c.channel_id)
        .where(deliveries.c.state == State.PENDING, deliveries.c.channel_id.not_in(waiting))
        .group_by(deliveries.c.channel_id)
        .order_by(sa.func.min(deliveries.c.id))
    )
    return list((await tx.execute(query)).scalars())


async def get_pending(tx: AsyncConnection, channel_id: int) -> list[Owed]:
    """Return what is owed to a channel, oldest first."""
    query = (
        sa.select(deliveries)
        .where(deliveries.c.state == State.PENDING, deliveries.c.channel_id == channel_id)
        .order_by(deliveries.c.id)
    )
    return [
        Owed(row.guild_id, row.channel_id, row.account_id, Kind(row.kind), row.ref, row.step, row.is_late, row.id)
        for row in await tx.execute(query)
    ]


async def drop(tx: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Delete what is not owed any more; nothing that was sent is ever deleted."""
    of = deliveries.c.id.in_(list(delivery_ids)) & (deliveries.c.state == State.PENDING)
    await tx.execute(deliveries.delete().where(of))


async def drop_overdue(tx: AsyncConnection, before: datetime) -> None:
    """Delete what could not be delivered since this time."""
    overdue = (deliveries.c.state == State.PENDING) & (deliveries.c.due_at < before)
    await tx.execute(deliveries.delete().where(overdue))


def _message(row: Any) -> Message:
    times = row.first_try_at, row.next_try_at
    return Message(row.id, row.guild_id, row.channel_id, row.nonce, row.payload, *times, row.attempts)


async def claim(
    tx: AsyncConnection, carried: Collection[Owed], *, nonce: str, payload: str, epoch: int, now: datetime
) -> Message:
    """Freeze these deliveries into one message that is about to be sent."""
    first = next(iter(carried))
    insert = messages.insert().values(
        guild_id=first.guild_id,
        channel_id=first.channel_id,
        nonce=nonce,
        payload=payload,
        state=State.SENDING,
        epoch=epoch,
        first_try_at=now,
        next_try_at=now,
        attempts=1,
    )
    row = (await tx.execute(insert.returning(*messages.c))).one()
    of = deliveries.c.id.in_([owed.id for owed in carried])
    await tx.execute(deliveries.update().where(of).values(state=State.SENDING, message_id=row.id))
    return _message(row)


async def get_unsettled(tx: AsyncConnection) -> list[Message]:
    """Return the messages whose fate is not known, oldest first."""
    query = sa.select(messages).where(messages.c.state == State.SENDING).order_by(messages.c.id)
    return [_message(row) for row in await tx.execute(query)]


async def mark_sent(tx: AsyncConnection, message: Message, discord_id: int | None) -> None:
    """Mark a message and what it carries as sent, and its channel as working."""
    of = messages.c.id == message.id
    await tx.execute(messages.update().where(of).values(state=State.SENT, discord_id=discord_id))
    carried = deliveries.c.message_id == message.id
    await tx.execute(deliveries.update().where(carried).values(state=State.SENT))
    await tx.execute(targets.delete().where(targets.c.channel_id == message.channel_id))


async def dissolve(tx: AsyncConnection, message: Message, *, is_late: bool) -> None:
    """Take a message that did not arrive apart: what it carried is owed again, and judged anew."""
    # Another process that took over may have settled it meanwhile: what was sent stays sent.
    of = (messages.c.id == message.id) & (messages.c.state == State.SENDING)
    if not (await tx.execute(sa.select(messages.c.id).where(of).with_for_update())).first():
        return
    carried = deliveries.c.message_id == message.id
    values = {"state": State.PENDING, "message_id": None} | ({"is_late": True} if is_late else {})
    await tx.execute(deliveries.update().where(carried).values(**values))
    await tx.execute(messages.delete().where(of))


async def get_targets(tx: AsyncConnection, guild_id: int) -> dict[int, Target]:
    """Return the channels of a server that refuse, by id."""
    rows = await tx.execute(sa.select(targets).where(targets.c.guild_id == guild_id))
    return {row.channel_id: _target(row) for row in rows}


def _target(row: Any) -> Target:
    return Target(row.guild_id, row.channel_id, row.failures, row.failing_since, row.next_try_at, row.reason)


async def get_target(tx: AsyncConnection, channel_id: int) -> Target | None:
    """Return a channel's trouble, None if it works."""
    row = (await tx.execute(sa.select(targets).where(targets.c.channel_id == channel_id))).first()
    return None if row is None else _target(row)


async def put_target(tx: AsyncConnection, target: Target) -> None:
    """Store a channel's trouble."""
    values = {
        "failures": target.failures,
        "failing_since": target.failing_since,
        "next_try_at": target.next_try_at,
        "reason": target.reason,
        "is_told": False,
    }
    insert = _insert(tx, targets).values(guild_id=target.guild_id, channel_id=target.channel_id, **values)
    await tx.execute(insert.on_conflict_do_update(index_elements=["guild_id", "channel_id"], set_=values))


async def get_accounts_of_message(tx: AsyncConnection, discord_id: int) -> list[str]:
    """Return the accounts that a message on Discord is about, in its order."""
    query = (
        sa.select(deliveries.c.account_id)
        .join(messages, messages.c.id == deliveries.c.message_id)
        .where(messages.c.discord_id == discord_id)
        .order_by(deliveries.c.id)
    )
    return list((await tx.execute(query)).scalars())


async def get_last_message(tx: AsyncConnection, channel_id: int) -> int | None:
    """Return the Discord id of the last message sent to a channel."""
    query = (
        sa.select(messages.c.discord_id)
        .where(messages.c.channel_id == channel_id, messages.c.state == State.SENT)
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    return (await tx.execute(query)).scalar()
