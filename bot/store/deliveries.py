"""What is owed to each channel, and what was said there: once each, whatever happens."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.reminders import Told
from bot.store.tables import deliveries, insert_into, targets

# Milliseconds since 1970, as times are stored.
_LONG_AGO = 0
# What a delivery is about, and by which it is owed once.
_KEY = ("guild_id", "channel_id", "account_id", "kind", "ref", "step")


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


def owed_from(row: Any) -> Owed:
    """Return what a row of the deliveries says."""
    key = row.guild_id, row.channel_id, row.account_id, Kind(row.kind), row.ref, row.step
    return Owed(*key, is_late=row.is_late, id=row.id)


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


async def get_lately_told(
    tx: AsyncConnection, channel_ids: Collection[int], since: datetime, now: datetime
) -> dict[tuple[int, str], set[int]]:
    """Return of which tokens these channels were told, or are owed, since then; by (channel id, account id)."""
    # The kind is not asked for: SQLite would go through all of one kind rather than those of these channels.
    query = sa.select(deliveries).where(
        deliveries.c.state.in_([State.PENDING, State.SENDING, State.SENT]),
        deliveries.c.channel_id.in_(channel_ids),
        deliveries.c.due_at > since,
        deliveries.c.due_at <= now,
    )
    told: dict[tuple[int, str], set[int]] = {}
    for row in await tx.execute(query) if channel_ids else ():
        if row.kind in (Kind.STEP, Kind.RENEWED):
            told.setdefault((row.channel_id, row.account_id), set()).add(row.ref)
    return told


async def plan(tx: AsyncConnection, owed: Iterable[Owed], now: datetime) -> None:
    """Owe these, but for those that were ever owed before."""
    if rows := [_row(one, State.PENDING, now) for one in owed]:
        await tx.execute(insert_into(tx, deliveries).on_conflict_do_nothing(), rows)


async def cover(tx: AsyncConnection, owed: Iterable[Owed], now: datetime) -> None:
    """Mark these steps as needless, whether they were already owed or not; what was sent stays sent."""
    if rows := [_row(one, State.COVERED, now) for one in owed]:
        insert = insert_into(tx, deliveries)
        covering = insert.on_conflict_do_update(
            index_elements=list(_KEY),
            set_={"state": State.COVERED, "due_at": insert.excluded.due_at},
            where=deliveries.c.state == State.PENDING,
        )
        await tx.execute(covering, rows)


def _row(owed: Owed, state: State, now: datetime) -> dict[str, Any]:
    return {name: getattr(owed, name) for name in _KEY} | {"state": state, "due_at": now, "is_late": False}


async def get_ready_channels(
    tx: AsyncConnection, guild_ids: Collection[int], now: datetime, waits: Sequence[timedelta]
) -> list[int]:
    """Return the channels of these servers that may be tried now and are owed something, longest waiting first.

    `waits`, ever longer, is how long a channel waits at most after its first, second ... failure.
    """
    # A next try further away than that was set by a clock that has been set back since.
    may_be = ((targets.c.failures >= n) & (targets.c.next_try_at <= now + wait) for n, wait in enumerate(waits, 1))
    is_waiting = ~targets.c.is_board & (targets.c.next_try_at > now) & sa.or_(*may_be)
    waiting = sa.select(targets.c.channel_id).where(is_waiting)
    query = (
        sa.select(deliveries.c.channel_id)
        .where(deliveries.c.state == State.PENDING, deliveries.c.channel_id.not_in(waiting))
        .where(deliveries.c.guild_id.in_(guild_ids))
        .group_by(deliveries.c.channel_id)
        .order_by(sa.func.min(deliveries.c.id))
    )
    return list((await tx.execute(query)).scalars())


async def get_next_try(tx: AsyncConnection, guild_ids: Collection[int]) -> datetime | None:
    """Return when the first of these servers' channels may be tried again that something is owed to, None if none is.

    What is owed to a channel without trouble can be tried at once, which is told as a time long ago.
    """
    of_channel = (targets.c.channel_id == deliveries.c.channel_id) & ~targets.c.is_board
    query = (
        sa.select(sa.func.min(sa.func.coalesce(sa.type_coerce(targets.c.next_try_at, sa.BigInteger), _LONG_AGO)))
        .select_from(deliveries.outerjoin(targets, of_channel))
        .where(deliveries.c.state == State.PENDING, deliveries.c.guild_id.in_(guild_ids))
    )
    first = (await tx.execute(query)).scalar()
    return None if first is None else datetime.fromtimestamp(first / 1000, UTC)


async def get_pending(tx: AsyncConnection, channel_id: int) -> list[Owed]:
    """Return what is owed to a channel, oldest first."""
    query = (
        sa.select(deliveries)
        .where(deliveries.c.state == State.PENDING, deliveries.c.channel_id == channel_id)
        .order_by(deliveries.c.id)
    )
    return [owed_from(row) for row in await tx.execute(query)]


async def count_deliveries(tx: AsyncConnection, guild_id: int, since: datetime) -> Mapping[str, int]:
    """Return how many deliveries of a server are in each state; of those that were sent, the ones due since then."""
    is_counted = (deliveries.c.state != State.SENT) | (deliveries.c.due_at >= since)
    query = (
        sa.select(deliveries.c.state, sa.func.count().label("number"))
        .where(deliveries.c.guild_id == guild_id, is_counted)
        .group_by(deliveries.c.state)
    )
    return {row.state: row.number for row in await tx.execute(query)}


async def drop(tx: AsyncConnection, delivery_ids: Iterable[int]) -> None:
    """Delete what is not owed any more; nothing that was sent is ever deleted."""
    await _drop(tx, deliveries.c.id.in_(list(delivery_ids)))


async def drop_overdue(tx: AsyncConnection, channel_id: int, before: datetime) -> None:
    """Delete what could not be delivered to a channel since this time."""
    await _drop(tx, (deliveries.c.channel_id == channel_id) & (deliveries.c.due_at < before))


async def _drop(tx: AsyncConnection, of: sa.ColumnElement[bool]) -> None:
    """Delete pending deliveries, and what they covered: it was made needless by something that was never said."""
    pending = of & (deliveries.c.state == State.PENDING)
    for row in (await tx.execute(sa.select(deliveries).where(pending))).all():
        covered = (
            (deliveries.c.channel_id == row.channel_id)
            & (deliveries.c.account_id == row.account_id)
            & (deliveries.c.kind == row.kind)
            & (deliveries.c.ref == row.ref)
            & (deliveries.c.due_at == row.due_at)
            & (deliveries.c.step > row.step)
        )
        await tx.execute(deliveries.delete().where(covered & (deliveries.c.state == State.COVERED)))
    await tx.execute(deliveries.delete().where(pending))
