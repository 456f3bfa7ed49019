"""Steps of sending: planning notifications, and what becomes of the message that carries them."""

from dataclasses import replace
from datetime import datetime

from bot.core.messages import Message, MessageKind, OutgoingMessage
from bot.core.notifications import Notification
from bot.core.rules import NOTHING_HEARD, Heard
from bot.store.database import Database
from bot.store.heard import get_heard
from bot.store.messages import dissolve, get_unsettled, mark_sent, start_sending
from bot.store.notifications import add_pending, get_pending
from tests.support.store.samples import CHANNEL, GUILD, NOW

DISCORD_ID = 1_500_000_000_000_000_001
OUTGOING = OutgoingMessage("\N{FOX FACE}", ({"description": "a card"},), roles=(7,))


async def planned(database: Database, *notifications: Notification) -> None:
    """Plan notifications."""
    async with database.begin() as tx:
        for one in notifications:
            await add_pending(tx, [one], NOW)


async def pending(database: Database, channel_id: int = CHANNEL) -> list[Notification]:
    """Return the pending notifications of a channel, without row ids."""
    async with database.begin() as tx:
        return [replace(one, id=0) for one in await get_pending(tx, channel_id)]


async def heard(database: Database, account_id: str | None = "123456", now: datetime = NOW) -> Heard:
    """Return what the channel has heard about an account."""
    async with database.begin() as tx:
        return (await get_heard(tx, {GUILD}, now)).get((CHANNEL, account_id), NOTHING_HEARD)


async def in_flight(
    database: Database, nonce: str = "0123456789abcdef01234567", *, channel_id: int = CHANNEL
) -> Message:
    """Put all pending notifications of a channel into one message that is about to be sent."""
    async with database.begin() as tx:
        return await start_sending(tx, await get_pending(tx, channel_id), OUTGOING, nonce=nonce, now=NOW)


async def sent(
    database: Database, message: Message, discord_id: int | None = DISCORD_ID, *, now: datetime = NOW
) -> None:
    """Mark a message as sent."""
    async with database.begin() as tx:
        await mark_sent(tx, message, discord_id, now)


async def dissolved(database: Database, message: Message, *, is_late: bool = False) -> None:
    """Dissolve a message."""
    async with database.begin() as tx:
        await dissolve(tx, message, is_late=is_late)


async def arrived(
    database: Database, *notifications: Notification, nonce: str, discord_id: int | None = None, now: datetime = NOW
) -> None:
    """Plan notifications of the channel and send them in one message."""
    await planned(database, *notifications)
    await sent(database, await in_flight(database, nonce), discord_id, now=now)


async def unsettled(database: Database) -> list[Message]:
    """Return the messages in flight."""
    async with database.begin() as tx:
        return await get_unsettled(tx, {GUILD}, MessageKind.NOTIFICATIONS)
