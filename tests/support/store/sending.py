"""What the tests of deliveries and messages share."""

from dataclasses import replace

from bot.core.stages import Heard
from bot.store.database import Database
from bot.store.messages import (
    Message,
    claim,
    dissolve,
    get_unsettled,
    mark_sent,
)
from bot.store.notifications import (
    Notification,
    get_heard,
    get_pending,
    plan,
)
from tests.support.store.samples import CHANNEL, NOW

DISCORD_ID = 1_500_000_000_000_000_001


async def owe(database: Database, *owed: Notification) -> None:
    """Plan deliveries."""
    async with database.begin() as tx:
        for one in owed:
            await plan(tx, [one], NOW)


async def pending(database: Database, channel_id: int = CHANNEL) -> list[Notification]:
    """Return what is owed to a channel, without row numbers."""
    async with database.begin() as tx:
        return [replace(one, id=0) for one in await get_pending(tx, channel_id)]


async def heard(database: Database, ref: int = 1) -> Heard:
    """Return what the channel was told of a token."""
    async with database.begin() as tx:
        return (await get_heard(tx, {CHANNEL}, {ref})).get((CHANNEL, "123456", ref), Heard())


async def claim_all(database: Database, nonce: str = "0123456789abcdef01234567") -> Message:
    """Put all that is owed to the channel into one message."""
    async with database.begin() as tx:
        carried = await get_pending(tx, CHANNEL)
        return await claim(tx, carried, nonce=nonce, payload='{"content": "\N{FOX FACE}"}', epoch=3, now=NOW)


async def sent(database: Database, message: Message, discord_id: int | None = DISCORD_ID) -> None:
    """Mark a message as sent."""
    async with database.begin() as tx:
        await mark_sent(tx, message, discord_id, NOW)


async def dissolved(database: Database, message: Message, *, is_late: bool = False) -> None:
    """Take a message apart."""
    async with database.begin() as tx:
        await dissolve(tx, message, is_late=is_late)


async def unsettled(database: Database) -> list[Message]:
    """Return the messages under way."""
    async with database.begin() as tx:
        return await get_unsettled(tx)
