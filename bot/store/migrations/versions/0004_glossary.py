"""Tables and columns named after the glossary, NULL in place of empty strings, and boards as messages."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_KINDS = "CASE kind WHEN 'step' THEN 'stage' WHEN 'gone' THEN 'missing' WHEN 'blind' THEN 'unreadable' ELSE kind END"


def upgrade() -> None:
    """Copy every row into the new shape."""
    _move_logins()
    _move_incidents()
    _move_subscriptions()
    _move_messages()
    _move_boards()
    _move_channel_failures()
    _move_assignments()
    op.alter_column("leases", "passed_at", new_column_name="polled_at")
    op.alter_column("leases", "audited_at", new_column_name="channels_checked_at")
    op.execute("UPDATE leases SET name = 'poll'")


def _row_id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True)


def _create_unique(table: str, *key: str) -> None:
    """Keep a key unique with and without an account."""
    for name, columns, where in (
        (f"{table}_of_account", [*key, "account_id"], sa.text("account_id IS NOT NULL")),
        (f"{table}_of_all", list(key), sa.text("account_id IS NULL")),
    ):
        op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def _continue_numbering(table: str) -> None:
    """Let PostgreSQL number new rows after those that were copied with their numbers."""
    if op.get_bind().dialect.name == "postgresql":
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        op.execute(f"SELECT setval({sequence}, coalesce(max(id), 1), max(id) IS NOT NULL) FROM {table}")  # noqa: S608


def _move_logins() -> None:
    op.create_table(
        "logins",
        _row_id(),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("first_expires_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("life_seconds", sa.BigInteger),
        sa.Column("previous_id", sa.BigInteger),
        sa.Column("user_id", sa.String),
    )
    op.create_index("ix_logins_account_id", "logins", ["account_id"])
    op.execute(
        "INSERT INTO logins (id, account_id, first_expires_at, expires_at, life_seconds, previous_id, user_id) "
        "SELECT id, account_id, anchor, expires_at, life_seconds, before_id, user_id FROM tokens"
    )
    op.drop_table("tokens")
    _continue_numbering("logins")
    op.alter_column("accounts", "token_id", new_column_name="login_id")


def _move_incidents() -> None:
    op.create_table(
        "incidents",
        _row_id(),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("account_id", sa.String),
        sa.Column("bad_polls", sa.Integer, nullable=False),
        sa.Column("bad_since", sa.BigInteger),
        sa.Column("good_since", sa.BigInteger),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
    )
    _create_unique("incidents", "kind")
    op.execute(
        "INSERT INTO incidents (kind, account_id, bad_polls, bad_since, good_since, number, is_open) "  # noqa: S608
        f"SELECT {_KINDS}, nullif(account_id, ''), bad_passes, bad_since, good_since, episode, is_open FROM troubles"
    )
    op.drop_table("troubles")


def _move_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        _row_id(),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("channel_name", sa.String, nullable=False),
        sa.Column("account_id", sa.String),
        sa.Column("lead_times", sa.String, nullable=False),
        sa.Column("role_id", sa.BigInteger),
        sa.Column("added_by", sa.BigInteger, nullable=False),
        sa.Column("next_check_at", sa.BigInteger, nullable=False),
        sa.Column("paused_at", sa.BigInteger),
    )
    _create_unique("subscriptions", "guild_id", "channel_id")
    op.create_index("ix_subscriptions_next_check_at", "subscriptions", ["next_check_at"])
    op.create_index("subscriptions_by_account", "subscriptions", ["account_id"])
    op.create_index("subscriptions_by_channel", "subscriptions", ["channel_id"])
    op.execute(
        "INSERT INTO subscriptions (id, guild_id, channel_id, channel_name, account_id, lead_times, role_id, added_by, "
        "next_check_at, paused_at) SELECT id, guild_id, channel_id, channel_name, nullif(account_id, ''), days, "
        "role_id, added_by, look_at, paused_at FROM watches"
    )
    op.drop_table("watches")
    _continue_numbering("subscriptions")


def _move_messages() -> None:
    # Without the references to it: SQLite changes a table by making it anew.
    op.execute("CREATE TABLE copied_deliveries AS SELECT * FROM deliveries")
    op.drop_table("deliveries")
    with op.batch_alter_table("messages") as messages:
        messages.add_column(sa.Column("kind", sa.String, nullable=False, server_default="notifications"))
        messages.alter_column("payload", existing_type=sa.Text, nullable=True)
        messages.alter_column("first_try_at", new_column_name="first_attempt_at")
        messages.drop_column("epoch")
    with op.batch_alter_table("messages") as messages:
        # It was for the rows that were there.
        messages.alter_column("kind", existing_type=sa.String, existing_nullable=False, server_default=None)
    op.execute("UPDATE messages SET payload = NULL WHERE payload = ''")
    op.create_table(
        "notifications",
        _row_id(),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("ref", sa.BigInteger, nullable=False),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("is_late", sa.Boolean, nullable=False),
        sa.Column("message_id", _ROW_ID, sa.ForeignKey("messages.id")),
    )
    op.execute(
        "INSERT INTO notifications (id, guild_id, channel_id, account_id, kind, ref, stage, state, due_at, is_late, "  # noqa: S608
        f"message_id) SELECT id, guild_id, channel_id, nullif(account_id, ''), {_KINDS}, ref, step, "
        "CASE state WHEN 'covered' THEN 'superseded' ELSE state END, due_at, is_late, message_id FROM copied_deliveries"
    )
    op.drop_table("copied_deliveries")
    _create_unique("notifications", "guild_id", "channel_id", "kind", "ref", "stage")
    op.create_index("notifications_by_state", "notifications", ["state", "channel_id"])
    op.create_index("notifications_by_message", "notifications", ["message_id"])
    op.create_index("notifications_by_ref", "notifications", ["kind", "ref"])
    _continue_numbering("notifications")


def _move_boards() -> None:
    connection = op.get_bind()
    boards = connection.execute(
        sa.text("SELECT guild_id, channel_id, nonce, message_id, shown, added_by FROM boards")
    ).all()
    op.drop_table("boards")
    op.create_table(
        "boards",
        sa.Column("guild_id", sa.BigInteger, primary_key=True),
        sa.Column("channel_id", sa.BigInteger, primary_key=True),
        sa.Column("added_by", sa.BigInteger, nullable=False),
        sa.Column("message_id", _ROW_ID, sa.ForeignKey("messages.id")),
        sa.Column("digest", sa.String),
    )
    op.create_index("ix_boards_message_id", "boards", ["message_id"])
    message = sa.text(
        "INSERT INTO messages (guild_id, channel_id, kind, nonce, state, first_attempt_at, discord_id) "
        "VALUES (:guild_id, :channel_id, 'board', :nonce, :state, :first_attempt_at, :discord_id)"
    )
    board = sa.text(
        "INSERT INTO boards (guild_id, channel_id, added_by, message_id, digest) "
        "SELECT :guild_id, :channel_id, :added_by, id, :digest FROM messages WHERE nonce = :nonce"
    )
    for row in boards:
        place = {"guild_id": row.guild_id, "channel_id": row.channel_id, "nonce": row.nonce}
        state = "sending" if row.message_id is None else "sent"
        fate = {"state": state, "first_attempt_at": _made_at(row.nonce), "discord_id": row.message_id}
        connection.execute(message, place | fate)
        connection.execute(board, place | {"added_by": row.added_by, "digest": row.shown or None})


def _made_at(nonce: str) -> int:
    """Return when a board's nonce was made, in milliseconds: eight of its hexadecimal digits are seconds."""
    try:
        return int(nonce[8:16], 16) * 1000
    except ValueError:
        return round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)


def _move_channel_failures() -> None:
    op.create_table(
        "channel_failures",
        sa.Column("guild_id", sa.BigInteger, primary_key=True),
        sa.Column("channel_id", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.BigInteger, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("is_lasting", sa.Boolean, nullable=False),
        sa.Column("is_reported", sa.Boolean, nullable=False),
    )
    op.execute(
        "INSERT INTO channel_failures (guild_id, channel_id, kind, failures, failing_since, next_attempt_at, reason, "
        "is_lasting, is_reported) SELECT guild_id, channel_id, "
        "CASE WHEN is_board THEN 'board' ELSE 'notifications' END, failures, failing_since, next_try_at, "
        "reason, is_lasting, is_told FROM targets"
    )
    op.drop_table("targets")


def _move_assignments() -> None:
    op.create_table(
        "assignments",
        sa.Column("guild_id", sa.BigInteger, primary_key=True),
        sa.Column("channel_id", sa.BigInteger, primary_key=True),
        sa.Column("account_id", sa.String, primary_key=True),
        sa.Column("login_id", sa.BigInteger, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("assigned_at", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO assignments (guild_id, channel_id, account_id, login_id, user_id, assigned_at) "
        "SELECT guild_id, channel_id, account_id, token_id, user_id, claimed_at FROM claims"
    )
    op.drop_table("claims")
