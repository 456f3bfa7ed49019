"""When a login replaced another one."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; when the logins of today began is not known."""
    op.add_column("logins", sa.Column("began_at", sa.BigInteger))
