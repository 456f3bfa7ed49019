"""The messages that carry what is owed: under way, sent, and to be edited."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.deliveries import Kind, Owed, State, owed_from
from bot.store.tables import deliveries, messages, targets


@dataclass(frozen=True, slots=True)
class Message:
    """One POST to Discord: the exact payload with its nonce, from the first try to the last edit."""

    id: int
    guild_id: int
    channel_id: int
    nonce: str
    payload: str
    first_try_at: datetime
    discord_id: int | None
    edit_at: datetime | None


def _message(row: Any) -> Message:
    return Message(**{name: getattr(row, name) for name in Message.__dataclass_fields__})


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
    )
    row = (await tx.execute(insert.returning(*messages.c))).one()
    of = deliveries.c.id.in_([owed.id for owed in carried])
    await tx.execute(deliveries.update().where(of).values(state=State.SENDING, message_id=row.id))
    return _message(row)


async def get_unsettled(tx: AsyncConnection) -> list[Message]:
    """Return the messages whose fate is not known, oldest first."""
    query = sa.select(messages).where(messages.c.state == State.SENDING).order_by(messages.c.id)
    return [_message(row) for row in await tx.execute(query)]


async def mark_sent(tx: AsyncConnection, message: Message, discord_id: int | None, now: datetime) -> list[datetime]:
    """Mark a message and what it carries as sent, its channel as working, and wider reminders there as outdated.

    Returns when each of what it carries was due.
    """
    of = messages.c.id == message.id
    await tx.execute(messages.update().where(of).values(state=State.SENT, discord_id=discord_id, payload=""))
    carried = deliveries.c.message_id == message.id
    marked = deliveries.update().where(carried).values(state=State.SENT)
    due = list((await tx.execute(marked.returning(deliveries.c.due_at))).scalars())
    # What an audit found, say of a role, is no matter of whether messages arrive.
    refused = (targets.c.channel_id == message.channel_id) & ~targets.c.is_board & (targets.c.failures > 0)
    await tx.execute(targets.delete().where(refused))
    await _mark_wider(tx, message, now)
    return due


async def _mark_wider(tx: AsyncConnection, message: Message, now: datetime) -> None:
    """Let the last wider reminder of each step be folded; those before it are already."""
    # One by one: joined with themselves, all deliveries of a token would be gone through for each that is sent.
    for owed in await get_carried(tx, message):
        if owed.kind is Kind.STEP:
            wider = sa.select(deliveries.c.message_id).where(
                deliveries.c.guild_id == owed.guild_id,
                deliveries.c.channel_id == owed.channel_id,
                deliveries.c.account_id == owed.account_id,
                deliveries.c.kind == owed.kind,
                deliveries.c.ref == owed.ref,
                deliveries.c.step > owed.step,
                deliveries.c.state == State.SENT,
            )
            await _mark_outdated(tx, wider.order_by(deliveries.c.step).limit(1), now)


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


async def mark_outdated(tx: AsyncConnection, kind: Kind, refs: Iterable[tuple[str, int]], now: datetime) -> None:
    """Let the messages be edited that tell of these: each an account's id, and a token's id or an episode's number.

    Of a token's steps only the last that was said in each channel; the others are folded already.
    """
    tighter = deliveries.alias()
    same = ("guild_id", "channel_id", "account_id", "kind", "ref", "state")
    is_folded = sa.exists().where(
        *(tighter.c[name] == deliveries.c[name] for name in same), tighter.c.step < deliveries.c.step
    )
    for account_id, ref in refs:
        of = (deliveries.c.kind == kind) & (deliveries.c.account_id == account_id) & (deliveries.c.ref == ref)
        said = sa.select(deliveries.c.message_id).where(of, deliveries.c.state == State.SENT, ~is_folded)
        await _mark_outdated(tx, said, now)


async def _mark_outdated(tx: AsyncConnection, message_ids: sa.Select[Any], now: datetime) -> None:
    of = messages.c.id.in_(message_ids) & messages.c.discord_id.is_not(None)
    await tx.execute(messages.update().where(of).values(edit_at=now))


async def get_outdated(tx: AsyncConnection, now: datetime) -> list[Message]:
    """Return the messages to be edited now, oldest first."""
    # Sorted here: asked for the order, SQLite reads the whole table in it rather than use an index.
    rows = (await tx.execute(sa.select(messages).where(messages.c.edit_at <= now))).all()
    return [_message(row) for row in sorted(rows, key=lambda row: row.id)]


async def mark_for_edit(tx: AsyncConnection, message: Message, now: datetime) -> None:
    """Let a message be edited in the next pass."""
    await tx.execute(messages.update().where(messages.c.id == message.id).values(edit_at=now))


async def mark_edited(tx: AsyncConnection, message: Message, edit_at: datetime | None = None) -> None:
    """Mark a message as edited, or as to be edited later; not if it has become outdated once more meanwhile."""
    of = (messages.c.id == message.id) & (messages.c.edit_at == message.edit_at)
    await tx.execute(messages.update().where(of).values(edit_at=edit_at))


async def get_message(tx: AsyncConnection, guild_id: int, discord_id: int) -> Message | None:
    """Return the message with this Discord id in this server, None if it is none of ours."""
    of = (messages.c.discord_id == discord_id) & (messages.c.guild_id == guild_id)
    row = (await tx.execute(sa.select(messages).where(of))).first()
    return None if row is None else _message(row)


async def get_carried(tx: AsyncConnection, message: Message) -> list[Owed]:
    """Return what a message tells of, in its order."""
    query = sa.select(deliveries).where(deliveries.c.message_id == message.id).order_by(deliveries.c.id)
    return [owed_from(row) for row in await tx.execute(query)]


async def get_last_messages(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[int, int]:
    """Return the Discord id of the last message sent to each of these channels."""
    last = (
        sa.select(sa.func.max(messages.c.id))
        .where(messages.c.channel_id.in_(channel_ids), messages.c.discord_id.is_not(None))
        .group_by(messages.c.channel_id)
    )
    rows = await tx.execute(sa.select(messages.c.channel_id, messages.c.discord_id).where(messages.c.id.in_(last)))
    return {row.channel_id: row.discord_id for row in rows}
