"""The tables. Times are milliseconds since 1970, which both databases store alike; in Python, aware UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.ext.asyncio import AsyncConnection

ALL_ACCOUNTS = ""

# SQLite numbers rows by itself only in an INTEGER column.
_RowId = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC, kept as milliseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the milliseconds."""
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time."""
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("read_at", Moment, nullable=False),
    Column("token_id", BigInteger),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("account_id", String, nullable=False, index=True),
    Column("anchor", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("life_seconds", BigInteger),
    Column("before_id", BigInteger),
    Column("user_id", String),
)

troubles = Table(
    "troubles",
    metadata,
    Column("kind", String, primary_key=True),
    Column("account_id", String, primary_key=True),
    Column("bad_passes", Integer, nullable=False),
    Column("bad_since", Moment),
    Column("good_since", Moment),
    Column("episode", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("channel_name", String, nullable=False),
    Column("account_id", String, nullable=False),
    Column("days", String, nullable=False),
    Column("role_id", BigInteger),
    Column("role_name", String),
    Column("added_by", BigInteger, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("look_at", Moment, nullable=False, index=True),
    Column("paused_at", Moment),
    UniqueConstraint("guild_id", "channel_id", "account_id"),
    Index("watches_by_account", "account_id"),
    Index("watches_by_channel", "channel_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("nonce", String, nullable=False, unique=True),
    Column("payload", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("first_try_at", Moment, nullable=False),
    Column("discord_id", BigInteger, index=True),
    Column("edit_at", Moment, index=True),
    Index("messages_by_state", "state"),
    Index("messages_by_channel", "channel_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("account_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("ref", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("is_late", Boolean, nullable=False),
    Column("message_id", _RowId, ForeignKey("messages.id")),
    UniqueConstraint("guild_id", "channel_id", "account_id", "kind", "ref", "step"),
    Index("deliveries_by_state", "state", "channel_id"),
    Index("deliveries_by_message", "message_id"),
    Index("deliveries_by_ref", "kind", "ref"),
)

targets = Table(
    "targets",
    metadata,
    Column("guild_id", BigInteger, primary_key=True),
    Column("channel_id", BigInteger, primary_key=True),
    Column("is_board", Boolean, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Moment, nullable=False),
    Column("next_try_at", Moment, nullable=False),
    Column("reason", String, nullable=False),
    Column("is_lasting", Boolean, nullable=False),
    Column("is_told", Boolean, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("guild_id", BigInteger, primary_key=True),
    Column("channel_id", BigInteger, primary_key=True),
    Column("account_id", String, primary_key=True),
    Column("token_id", BigInteger, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("claimed_at", Moment, nullable=False),
)

boards = Table(
    "boards",
    metadata,
    Column("guild_id", BigInteger, primary_key=True),
    Column("channel_id", BigInteger, primary_key=True),
    Column("nonce", String, nullable=False),
    Column("message_id", BigInteger),
    Column("shown", String, nullable=False),
    Column("added_by", BigInteger, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("passed_at", Moment),
    Column("audited_at", Moment),
)


def insert_into(tx: AsyncConnection, table: Table) -> Any:
    """Return an insert that knows ON CONFLICT, which both databases spell alike."""
    # Each dialect takes time and memory, and only one is needed.
    if tx.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_sqlite

        return insert_sqlite(table)
    from sqlalchemy.dialects.postgresql import insert as insert_postgresql

    return insert_postgresql(table)
