"""Pauses, claims, boards, edits of what was sent, and whether a channel's trouble lasts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what is new; what the first schema holds stays."""
    op.add_column("tokens", sa.Column("user_id", sa.String))
    op.add_column("watches", sa.Column("paused_at", sa.BigInteger))
    op.create_index("watches_by_channel", "watches", ["channel_id"])
    op.add_column("targets", sa.Column("is_lasting", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("leases", sa.Column("passed_at", sa.BigInteger))
    op.add_column("leases", sa.Column("audited_at", sa.BigInteger))
    _change_messages()
    _create_claims()
    _create_boards()


def _change_messages() -> None:
    op.drop_index("messages_by_state", "messages")
    op.drop_column("messages", "next_try_at")
    op.drop_column("messages", "attempts")
    op.add_column("messages", sa.Column("edit_at", sa.BigInteger))
    op.create_index("messages_by_state", "messages", ["state"])
    op.create_index("messages_by_channel", "messages", ["channel_id"])
    op.create_index("ix_messages_edit_at", "messages", ["edit_at"])
    op.create_index("ix_messages_discord_id", "messages", ["discord_id"])
    op.create_index("deliveries_by_ref", "deliveries", ["kind", "ref"])


def _create_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("guild_id", sa.BigInteger, primary_key=True),
        sa.Column("channel_id", sa.BigInteger, primary_key=True),
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("token_id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("claimed_at", sa.BigInteger, nullable=False),
    )


def _create_boards() -> None:
    op.create_table(
        "boards",
        sa.Column("guild_id", sa.BigInteger, primary_key=True),
        sa.Column("channel_id", sa.BigInteger, primary_key=True),
        sa.Column("nonce", sa.String, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("shown", sa.String, nullable=False),
        sa.Column("added_by", sa.BigInteger, nullable=False),
    )
