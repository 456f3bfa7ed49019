"""The tables. Times are milliseconds since 1970, which both databases store alike; in Python, aware UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

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


def _unique(table: str, *key: str, where: str = "") -> tuple[Index, Index]:
    """Return the two indexes that keep a key unique with and without an account, since no NULL equals another."""
    suffix = f" AND {where}" if where else ""
    has_account = text(f"account_id IS NOT NULL{suffix}")
    has_none = text(f"account_id IS NULL{suffix}")
    return (
        Index(
            f"{table}_of_account",
            *key,
            "account_id",
            unique=True,
            sqlite_where=has_account,
            postgresql_where=has_account,
        ),
        Index(f"{table}_of_all", *key, unique=True, sqlite_where=has_none, postgresql_where=has_none),
    )


accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("read_at", Moment, nullable=False),
    Column("login_id", BigInteger),
    Column("doubted_expires_at", Moment),
    Column("doubted_since", Moment),
    Column("appeared_at", Moment),
)

logins = Table(
    "logins",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("account_id", String, nullable=False, index=True),
    Column("expires_at", Moment, nullable=False),
    Column("life_seconds", BigInteger),
    Column("previous_id", BigInteger),
    Column("user_id", String),
    Column("began_at", Moment),
)

# Without an account: the accounts as a whole.
incidents = Table(
    "incidents",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("account_id", String),
    Column("bad_polls", Integer, nullable=False),
    Column("bad_since", Moment),
    Column("good_since", Moment),
    Column("number", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("began_at", Moment),
    Column("reason", String),
    *_unique("incidents", "kind"),
)

# The credits of an account, compared with a threshold that a subscription names.
credit_levels = Table(
    "credit_levels",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("threshold", BigInteger, primary_key=True),
    Column("total", BigInteger),
    Column("read_at", Moment, nullable=False),
    Column("bad_polls", Integer, nullable=False),
    Column("bad_since", Moment),
    Column("good_since", Moment),
    Column("number", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("began_at", Moment),
)

# Without an account: all accounts.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("account_id", String),
    Column("lead_times", String, nullable=False),
    # Whom it pings: at most one of both.
    Column("role_id", BigInteger),
    Column("user_id", BigInteger),
    Column("added_by", BigInteger, nullable=False),
    Column("follow_ups", Boolean, nullable=False),
    Column("credits_below", BigInteger),
    Column("paused_at", Moment),
    *_unique("subscriptions", "guild_id", "channel_id"),
    Index("subscriptions_by_account", "account_id"),
    Index("subscriptions_by_channel", "channel_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("nonce", String, nullable=False, unique=True),
    Column("payload", Text),
    Column("state", String, nullable=False),
    Column("first_attempt_at", Moment, nullable=False),
    Column("discord_id", BigInteger, index=True),
    Column("edit_at", Moment, index=True),
    Index("messages_by_state", "state"),
    Index("messages_by_channel", "channel_id"),
)

_IS_UNSENT = "state IN ('pending', 'sending')"

# Without an account: the accounts as a whole.
notifications = Table(
    "notifications",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("account_id", String),
    Column("kind", String, nullable=False),
    Column("ref", BigInteger, nullable=False),
    Column("stage", Integer),
    Column("expires_at", Moment),
    Column("state", String, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("is_late", Boolean, nullable=False),
    Column("is_follow_up", Boolean, nullable=False),
    Column("message_id", _RowId, ForeignKey("messages.id")),
    *_unique("notifications", "guild_id", "channel_id", "kind", where=_IS_UNSENT),
    Index("notifications_by_state", "state", "channel_id"),
    Index("notifications_by_message", "message_id"),
    Index("notifications_by_sent_at", "sent_at"),
)

# What each channel last heard of an account, in each kind of notification; without an account: of all as a whole.
heard = Table(
    "heard",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("account_id", String),
    Column("kind", String, nullable=False),
    Column("ref", BigInteger, nullable=False),
    Column("stage", Integer),
    Column("expires_at", Moment),
    Column("heard_at", Moment, nullable=False),
    Column("message_id", BigInteger),
    *_unique("heard", "guild_id", "channel_id", "kind"),
    Index("heard_by_channel", "channel_id"),
    Index("heard_by_account", "account_id"),
)

boards = Table(
    "boards",
    metadata,
    Column("guild_id", BigInteger, primary_key=True),
    Column("channel_id", BigInteger, primary_key=True),
    Column("added_by", BigInteger, nullable=False),
    Column("message_id", _RowId, ForeignKey("messages.id"), index=True),
    Column("digest", String),
    Column("absent_since", Moment),
)

channel_failures = Table(
    "channel_failures",
    metadata,
    Column("guild_id", BigInteger, primary_key=True),
    Column("channel_id", BigInteger, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Moment, nullable=False),
    Column("next_attempt_at", Moment, nullable=False),
    Column("reason", String, nullable=False),
    Column("is_lasting", Boolean, nullable=False),
    Column("is_reported", Boolean, nullable=False),
)

assignments = Table(
    "assignments",
    metadata,
    Column("guild_id", BigInteger, primary_key=True),
    Column("channel_id", BigInteger, primary_key=True),
    Column("account_id", String, primary_key=True),
    Column("login_id", BigInteger, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("assigned_at", Moment, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("guild_id", BigInteger, primary_key=True),
    Column("account_id", String, primary_key=True),
    Column("text", String, nullable=False),
    Column("changed_by", BigInteger, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("polled_at", Moment),
    Column("channels_checked_at", Moment),
)


def insert_into(tx: AsyncConnection, table: Table) -> Any:
    """Return an insert with ON CONFLICT, which both databases spell alike."""
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(table)


def unique_target(key: list[str], account_id: str | None) -> dict[str, Any]:
    """Return the arguments that name, to ON CONFLICT, the index that keeps a key unique."""
    if account_id is None:
        return {"index_elements": key, "index_where": text("account_id IS NULL")}
    return {"index_elements": [*key, "account_id"], "index_where": text("account_id IS NOT NULL")}


def is_account(table: Table, account_id: str | None) -> ColumnElement[bool]:
    """Return the condition that a row is about this account, or about all (None)."""
    return table.c.account_id.is_(None) if account_id is None else table.c.account_id == account_id
