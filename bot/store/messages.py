"""Saves and loads Discord messages: in flight, sent, and to be edited."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.boards import Board
from bot.core.messages import Message, MessageKind, OutgoingMessage
from bot.core.notifications import Notification, State
from bot.store.boards import release_board, take_board
from bot.store.channel_failures import delete_refusals
from bot.store.heard import put_heard, schedule_last_edits_in_channel
from bot.store.notifications import notification_from
from bot.store.tables import boards, messages, notifications

# After a refusal.
EDIT_AGAIN_AFTER = timedelta(hours=1)
# SQLite gives the id of a deleted message to the next one.
_IS_SAME = messages.c.nonce == sa.bindparam("of_nonce")
_IS_IN_FLIGHT = _IS_SAME & (messages.c.state == State.SENDING)
_IN_GUILDS = messages.c.guild_id.in_(sa.bindparam("guilds", expanding=True))
_INSERT = messages.insert().returning(*messages.c)
_DELETE = messages.delete().where(_IS_SAME)
_START_SENDING = (
    notifications.update()
    .where(notifications.c.id.in_(sa.bindparam("carried", expanding=True)))
    .values(state=State.SENDING, message_id=sa.bindparam("message_id"))
)
_MARK_SENT = (
    messages.update()
    .where(_IS_IN_FLIGHT)
    .values(state=State.SENT, payload=None, discord_id=sa.bindparam("discord_id"), edit_at=sa.bindparam("edit_at"))
)
_MARK_CARRIED_SENT = (
    notifications.update()
    .where(notifications.c.message_id == sa.bindparam("carrier"))
    .values(state=State.SENT, sent_at=sa.bindparam("sent_at"))
    .returning(*notifications.c)
)
_LOCK_IN_FLIGHT = sa.select(messages.c.id).where(_IS_IN_FLIGHT).with_for_update()
_PUT_PAYLOAD = (
    messages.update().where(_IS_IN_FLIGHT, messages.c.payload.is_not(None)).values(payload=sa.bindparam("payload"))
)
_SCHEDULE_EDIT = messages.update().where(_IS_SAME).values(edit_at=sa.bindparam("edit_at"))
# Another edit may have been scheduled meanwhile.
_FINISH_EDIT = _SCHEDULE_EDIT.where(messages.c.edit_at == sa.bindparam("scheduled_at"))
_UNSETTLED = (
    sa.select(messages)
    .where(messages.c.state == State.SENDING, messages.c.kind == sa.bindparam("of_kind"), _IN_GUILDS)
    .order_by(messages.c.id)
)
# A later time than any wait allows was saved by a clock that has been set back since.
_IS_DUE = (messages.c.edit_at <= sa.bindparam("now")) | (messages.c.edit_at > sa.bindparam("latest"))
_OUTDATED = (
    sa.select(messages)
    .where(_IS_DUE, messages.c.kind == MessageKind.NOTIFICATIONS, _IN_GUILDS)
    .order_by(messages.c.edit_at)
)
_MESSAGES_BY_ID = sa.select(messages).where(messages.c.id.in_(sa.bindparam("ids", expanding=True)))
_CARRIED = (
    sa.select(notifications)
    .where(notifications.c.message_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(notifications.c.id)
)


def _message(row: Any) -> Message:
    return Message(
        id=row.id,
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        kind=MessageKind(row.kind),
        nonce=row.nonce,
        payload=row.payload,
        first_attempt_at=row.first_attempt_at,
        discord_id=row.discord_id,
        edit_at=row.edit_at,
    )


async def _insert(
    tx: AsyncConnection, place: tuple[int, int], kind: MessageKind, outgoing: OutgoingMessage, nonce: str, now: datetime
) -> Message:
    guild_id, channel_id = place
    row = {
        "guild_id": guild_id,
        "channel_id": channel_id,
        "kind": kind,
        "nonce": nonce,
        "payload": outgoing.to_json(),
        "state": State.SENDING,
        "first_attempt_at": now,
    }
    return _message((await tx.execute(_INSERT, row)).one())


async def start_sending(
    tx: AsyncConnection,
    carried: Collection[Notification],
    outgoing: OutgoingMessage,
    *,
    nonce: str,
    now: datetime,
) -> Message:
    """Save the message that carries these notifications of one channel, which is about to be sent."""
    first = next(iter(carried))
    place = first.guild_id, first.channel_id
    message = await _insert(tx, place, MessageKind.NOTIFICATIONS, outgoing, nonce, now)
    await tx.execute(_START_SENDING, {"carried": [one.id for one in carried], "message_id": message.id})
    return message


async def start_sending_board(
    tx: AsyncConnection, board: Board, outgoing: OutgoingMessage, *, digest: str, nonce: str, now: datetime
) -> Message | None:
    """Save the message of a board, which is about to be posted; None if the board has one by now, or is gone."""
    message = await _insert(tx, (board.guild_id, board.channel_id), MessageKind.BOARD, outgoing, nonce, now)
    if await take_board(tx, board, message.id, digest):
        return message
    await tx.execute(_DELETE, {"of_nonce": message.nonce})
    return None


async def put_payload(tx: AsyncConnection, message: Message, outgoing: OutgoingMessage) -> bool:
    """Save what a message in flight says now; return whether it is in flight still, and wanted."""
    values = {"of_nonce": message.nonce, "payload": outgoing.to_json()}
    return bool((await tx.execute(_PUT_PAYLOAD, values)).rowcount)


async def get_unsettled(tx: AsyncConnection, guild_ids: Collection[int], kind: MessageKind) -> list[Message]:
    """Return the messages of this kind in these guilds that may have been sent or not, oldest first."""
    return [_message(row) for row in await tx.execute(_UNSETTLED, {"of_kind": kind, "guilds": list(guild_ids)})]


async def mark_sent(
    tx: AsyncConnection, message: Message, discord_id: int | None, now: datetime, *, is_doubtful: bool = False
) -> list[datetime]:
    """Mark a message and its notifications as sent, and save what its channel has heard by it.

    The messages in which the channel heard of the same before are to be edited. So is this one if it was in doubt
    (`is_doubtful`): something may have changed meanwhile.

    Returns:
        When each of its notifications was due; nothing if another process has settled the message.
    """
    values = {"of_nonce": message.nonce, "discord_id": discord_id, "edit_at": now if is_doubtful else None}
    if not (await tx.execute(_MARK_SENT, values)).rowcount:
        return []
    rows = (await tx.execute(_MARK_CARRIED_SENT, {"carrier": message.id, "sent_at": now})).all()
    sent = [notification_from(row) for row in rows]
    await delete_refusals(tx, message.channel_id, message.kind)
    await schedule_last_edits_in_channel(tx, message.channel_id, [one.account_id for one in sent], now)
    await put_heard(tx, sent, now)
    return [row.due_at for row in rows]


async def dissolve(tx: AsyncConnection, message: Message, *, is_late: bool = False) -> bool:
    """Delete a message that did not arrive: its notifications are pending again, its board has none.

    Returns:
        Whether it was in flight still; what another process has settled meanwhile stays as it is.
    """
    if not (await tx.execute(_LOCK_IN_FLIGHT, {"of_nonce": message.nonce})).first():
        return False
    values = {"state": State.PENDING, "message_id": None} | ({"is_late": True} if is_late else {})
    await tx.execute(notifications.update().where(notifications.c.message_id == message.id).values(**values))
    await delete_board_message(tx, message)
    return True


async def delete_board_message(tx: AsyncConnection, message: Message) -> None:
    """Delete a message that carries no notifications; its board, if it has one, has none any more."""
    own = sa.select(messages.c.id).where(messages.c.nonce == message.nonce).scalar_subquery()
    await release_board(tx, own)
    await tx.execute(_DELETE, {"of_nonce": message.nonce})


async def is_wanted(tx: AsyncConnection, message: Message) -> bool:
    """Whether a board still has this message; a message with notifications is always wanted."""
    if message.kind is MessageKind.NOTIFICATIONS:
        return True
    query = sa.select(boards.c.channel_id).join(messages, messages.c.id == boards.c.message_id).where(_IS_SAME)
    return (await tx.execute(query, {"of_nonce": message.nonce})).first() is not None


async def schedule_edit(tx: AsyncConnection, message: Message, edit_at: datetime) -> None:
    """Schedule the edit of one message."""
    await tx.execute(_SCHEDULE_EDIT, {"of_nonce": message.nonce, "edit_at": edit_at})


async def get_outdated(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> list[Message]:
    """Return the messages with notifications in these guilds that are to be edited by now, oldest first."""
    values = {"now": now, "latest": now + EDIT_AGAIN_AFTER, "guilds": list(guild_ids)}
    return [_message(row) for row in await tx.execute(_OUTDATED, values)]


async def finish_edit(tx: AsyncConnection, message: Message, edit_at: datetime | None = None) -> None:
    """Mark a message as edited, or to be edited later; not if another edit was scheduled meanwhile."""
    values = {"of_nonce": message.nonce, "scheduled_at": message.edit_at, "edit_at": edit_at}
    await tx.execute(_FINISH_EDIT, values)


async def get_message(tx: AsyncConnection, guild_id: int, discord_id: int) -> Message | None:
    """Return the message with this Discord id in this guild, None if the bot did not send it."""
    where = (messages.c.discord_id == discord_id) & (messages.c.guild_id == guild_id)
    row = (await tx.execute(sa.select(messages).where(where))).first()
    return None if row is None else _message(row)


async def get_sent(tx: AsyncConnection, message_ids: Collection[int]) -> dict[int, tuple[int | None, datetime]]:
    """Return the Discord ids of these messages, and when each was first attempted."""
    if not message_ids:
        return {}
    rows = await tx.execute(_MESSAGES_BY_ID, {"ids": list(message_ids)})
    return {row.id: (row.discord_id, row.first_attempt_at) for row in rows}


async def get_board_message(tx: AsyncConnection, guild_id: int, channel_id: int) -> Message | None:
    """Return the message of a channel's board, None if the board has none, or there is no board."""
    where = (boards.c.guild_id == guild_id) & (boards.c.channel_id == channel_id)
    row = (
        await tx.execute(sa.select(messages).join(boards, boards.c.message_id == messages.c.id).where(where))
    ).first()
    return None if row is None else _message(row)


async def get_carried(tx: AsyncConnection, message: Message) -> list[Notification]:
    """Return the notifications that a message carries, in its order."""
    (carried,) = await get_carried_by_each(tx, [message])
    return carried


async def get_carried_by_each(tx: AsyncConnection, some: Sequence[Message]) -> list[list[Notification]]:
    """Return the notifications that each of these messages carries, in its order."""
    carried: dict[int, list[Notification]] = {message.id: [] for message in some}
    for row in await tx.execute(_CARRIED, {"ids": list(carried)}):
        carried[row.message_id].append(notification_from(row))
    return [carried[message.id] for message in some]


async def get_last_messages(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[tuple[int, str | None], int]:
    """Return the Discord id of the last message in each of these channels about each account, by both ids.

    None in place of an account's id stands for the accounts as a whole.
    """
    last = (
        sa.select(notifications.c.account_id, sa.func.max(messages.c.id).label("id"))
        .join(messages, messages.c.id == notifications.c.message_id)
        .where(messages.c.channel_id.in_(channel_ids), messages.c.discord_id.is_not(None))
        .group_by(messages.c.channel_id, notifications.c.account_id)
        .subquery()
    )
    query = sa.select(last.c.account_id, messages.c.channel_id, messages.c.discord_id).join(
        messages, messages.c.id == last.c.id
    )
    return {(row.channel_id, row.account_id): row.discord_id for row in await tx.execute(query)}
