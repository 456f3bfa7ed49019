"""Notes, pings of people, accounts that appear, failing jobs and credits; no names of channels any more."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables and columns; drop the names, which grew old when somebody renamed a channel."""
    op.create_table(
        "notes",
        sa.Column("guild_id", sa.BigInteger, primary_key=True),
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("changed_by", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "credit_levels",
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("threshold", sa.BigInteger, primary_key=True),
        sa.Column("total", sa.BigInteger),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.Column("bad_polls", sa.Integer, nullable=False),
        sa.Column("bad_since", sa.BigInteger),
        sa.Column("good_since", sa.BigInteger),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("began_at", sa.BigInteger),
    )
    # When the accounts of today appeared is not known.
    op.add_column("accounts", sa.Column("appeared_at", sa.BigInteger))
    op.add_column("incidents", sa.Column("reason", sa.String))
    op.add_column("subscriptions", sa.Column("user_id", sa.BigInteger))
    op.add_column("subscriptions", sa.Column("credits_below", sa.BigInteger))
    op.drop_column("subscriptions", "channel_name")
