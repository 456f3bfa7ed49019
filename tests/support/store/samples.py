"""Sample domain objects, and rows for every table."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.accounts import Account, Capability
from bot.core.channel_failures import ChannelFailure
from bot.core.messages import MessageKind
from bot.core.notifications import Kind, Notification
from bot.core.subscriptions import NewSubscription, Ping, PingKind
from bot.errors import StoreError
from bot.store.database import Database, open_database
from bot.store.subscriptions import get_subscriptions, put_subscription
from bot.store.tables import Moment, leases, metadata

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EXPIRY = NOW + 12 * DAY
GUILD, CHANNEL, OTHER_CHANNEL = 1_200_000_000_000_000_001, 1_300_000_000_000_000_001, 1_300_000_000_000_000_002


ROLE = Ping(PingKind.ROLE, 1_400_000_000_000_000_001)


def new_subscription(
    account_id: str | None = "123456", channel_id: int = CHANNEL, guild_id: int = GUILD
) -> NewSubscription:
    """Return a subscription that mentions a role."""
    return NewSubscription(guild_id, channel_id, account_id, (14, 7), ROLE, 5)


def stage(
    number: int | None, ref: int = 1, account_id: str = "123456", channel_id: int = CHANNEL, kind: Kind = Kind.STAGE
) -> Notification:
    """Return a notification about a stage of a login, or about its renewal."""
    return Notification(GUILD, channel_id, account_id, kind, ref, number, EXPIRY)


def incident(
    kind: Kind, number: int = 1, reached: int = 0, account_id: str | None = "123456", channel_id: int = CHANNEL
) -> Notification:
    """Return a notification about an incident."""
    return Notification(GUILD, channel_id, account_id, kind, number, reached)


def failure(channel_id: int = CHANNEL, **changes: Any) -> ChannelFailure:
    """Return the lasting failure of a channel that has refused once."""
    values: dict[str, Any] = {
        "guild_id": GUILD,
        "channel_id": channel_id,
        "kind": MessageKind.NOTIFICATIONS,
        "failures": 1,
        "failing_since": NOW,
        "next_attempt_at": NOW,
        "reason": "no",
        "is_lasting": True,
    }
    return ChannelFailure(**values | changes)


def account(account_id: str = "123456", *, expires_at: datetime | None = EXPIRY) -> Account:
    """Return an account with a value in most fields."""
    return Account(
        id=account_id,
        name="J\N{LATIN SMALL LETTER U WITH DIAERESIS}rgen \N{FOX FACE}",
        expires_at=expires_at,
        issued_at=None if expires_at is None else expires_at - 30 * DAY,
        max_jobs=2,
        capabilities=(Capability("supportVideo", supported=True), Capability("supportChat", supported=None)),
        masked_token="eyJ\u2022\u2022\u2022W5l",
    )


async def put(database: Database, channel_id: int = CHANNEL) -> None:
    """Save a subscription."""
    async with database.begin() as tx:
        await put_subscription(tx, new_subscription(channel_id=channel_id))


async def count(database: Database) -> int:
    """Return how many subscriptions there are."""
    async with database.begin() as tx:
        return len(await get_subscriptions(tx, GUILD))


def _value(column: sa.Column[Any], number: int) -> Any:
    if column.nullable and number % 2:
        return None
    if isinstance(column.type, Moment):
        return NOW + number * timedelta(milliseconds=1)
    if isinstance(column.type, sa.Boolean):
        return number % 3 == 0
    is_large = isinstance(column.type, sa.BigInteger) and column.name.endswith("_id") and not column.foreign_keys
    return number + GUILD * is_large if isinstance(column.type, sa.Integer) else f"{number} \N{FOX FACE} '%s"


async def fill(database: Database, rows: int) -> None:
    """Put so many rows into each table: a value of its type in each column, or NULL where that is allowed."""
    async with database.begin() as tx:
        for table in metadata.sorted_tables:
            columns = [(column, column.name) for column in table.columns]
            values = [{name: _value(column, number) for column, name in columns} for number in range(1, rows + 1)]
            await tx.execute(table.insert(), values)


async def rows_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each table but the leases, in order."""
    async with database.begin() as tx:
        return {
            table.name: [tuple(row) for row in await tx.execute(sa.select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table is not leases
        }


async def refusal(url: str) -> str:
    """Return the words with which a database is refused."""
    with pytest.raises(StoreError) as refused:
        async with open_database(url):
            pass
    return str(refused.value)
