"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _row_id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True)


def upgrade() -> None:
    """Create all tables."""
    _create_account_tables()
    _create_watch_tables()
    _create_delivery_tables()


def _create_account_tables() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.Column("token_id", sa.BigInteger),
    )
    op.create_table(
        "tokens",
        _row_id(),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("anchor", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("life_seconds", sa.BigInteger),
        sa.Column("before_id", sa.BigInteger),
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"])
    op.create_table(
        "troubles",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("bad_passes", sa.Integer, nullable=False),
        sa.Column("bad_since", sa.BigInteger),
        sa.Column("good_since", sa.BigInteger),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
    )


def _create_watch_tables() -> None:
    op.create_table(
        "watches",
        _row_id(),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("channel_name", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("days", sa.String, nullable=False),
        sa.Column("role_id", sa.BigInteger),
        sa.Column("role_name", sa.String),
        sa.Column("added_by", sa.BigInteger, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("look_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("guild_id", "channel_id", "account_id"),
    )
    op.create_index("ix_watches_look_at", "watches", ["look_at"])
    op.create_index("watches_by_account", "watches", ["account_id"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )


def _create_delivery_tables() -> None:
    op.create_table(
        "messages",
        _row_id(),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.String, nullable=False, unique=True),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("first_try_at", sa.BigInteger, nullable=False),
        sa.Column("next_try_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("discord_id", sa.BigInteger),
    )
    op.create_index("messages_by_state", "messages", ["state", "next_try_at"])
    op.create_table(
        "deliveries",
        _row_id(),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("ref", sa.BigInteger, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("is_late", sa.Boolean, nullable=False),
        sa.Column("message_id", _ROW_ID, sa.ForeignKey("messages.id")),
        sa.UniqueConstraint("guild_id", "channel_id", "account_id", "kind", "ref", "step"),
    )
    op.create_index("deliveries_by_state", "deliveries", ["state", "channel_id"])
    op.create_index("deliveries_by_message", "deliveries", ["message_id"])
    op.create_table(
        "targets",
        sa.Column("guild_id", sa.BigInteger, primary_key=True),
        sa.Column("channel_id", sa.BigInteger, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.BigInteger, nullable=False),
        sa.Column("next_try_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("is_told", sa.Boolean, nullable=False),
    )
