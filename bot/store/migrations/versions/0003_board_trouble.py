"""Trouble with a channel's board, beside the channel's own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# SQLite leaves a primary key without a name; PostgreSQL calls it this.
_NAMING = {"pk": "%(table_name)s_pkey"}


def upgrade() -> None:
    """Take all trouble so far for the channels' own."""
    with op.batch_alter_table("targets", naming_convention=_NAMING) as targets:
        targets.add_column(sa.Column("is_board", sa.Boolean, nullable=False, server_default=sa.false()))
        targets.drop_constraint("targets_pkey", type_="primary")
        targets.create_primary_key("targets_pkey", ["guild_id", "channel_id", "is_board"])
