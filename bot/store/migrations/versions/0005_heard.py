"""What each channel has heard, in place of plans that depend on transitions; follow-ups; expiries in doubt."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_IS_UNSENT = "state IN ('pending', 'sending')"
_FOLLOW_UPS = (-1, -3, -7, -14, -21, -28)
_DAY = 86_400_000


class _Pair(NamedTuple):
    guild_id: int
    channel_id: int
    account_id: str | None


def upgrade() -> None:
    """Save what channels have heard, then copy the notifications that were sent or are in flight into the new shape."""
    _create_heard()
    logins = {row.id: row for row in _rows("SELECT * FROM logins")}
    heard = list(_find_heard(logins))
    _move_notifications()
    if heard:
        op.get_bind().execute(sa.text(_INSERT_HEARD), heard)
    op.add_column("accounts", sa.Column("doubted_expires_at", sa.BigInteger))
    op.add_column("accounts", sa.Column("doubted_since", sa.BigInteger))
    op.add_column("incidents", sa.Column("began_at", sa.BigInteger))
    op.execute("UPDATE incidents SET began_at = bad_since WHERE is_open")
    op.add_column("boards", sa.Column("absent_since", sa.BigInteger))
    op.drop_column("logins", "first_expires_at")
    op.drop_index("ix_subscriptions_next_check_at", "subscriptions")
    op.drop_column("subscriptions", "next_check_at")
    op.add_column("subscriptions", sa.Column("follow_ups", sa.Boolean, nullable=False, server_default=sa.true()))
    with op.batch_alter_table("subscriptions") as subscriptions:
        # It was for the rows that were there.
        subscriptions.alter_column("follow_ups", existing_type=sa.Boolean, existing_nullable=False, server_default=None)


_INSERT_HEARD = (
    "INSERT INTO heard (guild_id, channel_id, account_id, kind, ref, stage, expires_at, heard_at, message_id) "
    "VALUES (:guild_id, :channel_id, :account_id, :kind, :ref, :stage, :expires_at, :heard_at, :message_id)"
)


_NOTIFICATIONS = (
    "SELECT n.*, coalesce(m.first_attempt_at, n.due_at) AS at FROM notifications n "
    "LEFT JOIN messages m ON m.id = n.message_id WHERE n.state IN ('sent', 'superseded') ORDER BY n.id"
)


def _rows(query: str) -> list[Any]:
    return list(op.get_bind().execute(sa.text(query)))


def _create_unique(table: str, *key: str, where: str = "") -> None:
    """Keep a key unique with and without an account."""
    suffix = f" AND {where}" if where else ""
    for name, columns, condition in (
        (f"{table}_of_account", [*key, "account_id"], sa.text(f"account_id IS NOT NULL{suffix}")),
        (f"{table}_of_all", list(key), sa.text(f"account_id IS NULL{suffix}")),
    ):
        op.create_index(name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition)


def _create_heard() -> None:
    op.create_table(
        "heard",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("ref", sa.BigInteger, nullable=False),
        sa.Column("stage", sa.Integer),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("heard_at", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger),
    )
    _create_unique("heard", "guild_id", "channel_id", "kind")
    op.create_index("heard_by_channel", "heard", ["channel_id"])
    op.create_index("heard_by_account", "heard", ["account_id"])


def _find_heard(logins: Mapping[int, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of what each channel has heard."""
    # Follow-ups that would have been due before the update count as heard.
    read_at = _rows("SELECT max(read_at) AS read_at FROM accounts")[0].read_at or 0
    current = {row.account_id: row.login_id for row in _rows("SELECT account_id, login_id FROM accounts")}
    begun = {(row.kind, row.account_id): row.bad_since for row in _rows("SELECT * FROM incidents WHERE is_open")}
    by_pair: dict[_Pair, list[Any]] = {}
    for row in _rows(_NOTIFICATIONS):
        by_pair.setdefault(_Pair(row.guild_id, row.channel_id, row.account_id), []).append(row)
    for pair, rows in by_pair.items():
        yield from _find_heard_incidents(pair, rows, begun, read_at)
        found = _find_heard_stage(rows, current.get(pair.account_id or ""), logins)
        if found is not None:
            login, stage, last = found
            about = {"ref": login.id, "stage": _follow_up(stage, login.expires_at, read_at)}
            about |= {"expires_at": login.expires_at, "heard_at": last.at, "message_id": last.message_id}
            yield {**pair._asdict(), "kind": "stage", **about}


def _find_heard_incidents(
    pair: _Pair, rows: list[Any], begun: Mapping[tuple[str, str | None], int], read_at: int
) -> Iterator[dict[str, Any]]:
    """Yield the last incident of each kind that was announced."""
    for kind in ("error", "missing", "unreadable"):
        sent = [row for row in rows if row.kind == kind and row.state == "sent"]
        if sent:
            last = max(sent, key=lambda row: row.ref)
            since = begun.get((kind, pair.account_id))
            stage = 0 if since is None or kind == "missing" else _follow_up(0, since, read_at)
            about = {"ref": last.ref, "stage": stage, "expires_at": None, "heard_at": last.at}
            yield {**pair._asdict(), "kind": kind, "message_id": last.message_id, **about}


def _find_heard_stage(
    rows: list[Any], current_id: int | None, logins: Mapping[int, Any]
) -> tuple[Any, int | None, Any] | None:
    """Return the login that a channel last heard of, at which stage (None: renewed), and the last row about it.

    A renewal names the login before the new one. A stage that was superseded counts as heard beside a stage of the same
    login that was sent, or beside its renewal.
    """
    sent: dict[int, list[Any]] = {}
    for row in rows:
        if row.kind == "stage" and row.state == "sent" and row.ref in logins:
            sent.setdefault(row.ref, []).append(row)
    renewals = {row.ref: row for row in rows if row.kind == "renewed" and row.state == "sent"}
    # The newest login of which the channel has heard, be it by its renewal.
    announced = {login.id: renewals[login.previous_id] for login in logins.values() if login.previous_id in renewals}
    heard_ids = sent.keys() | announced.keys()
    if not heard_ids:
        return None
    login_id = current_id if current_id in heard_ids and current_id is not None else max(heard_ids)
    stages = [row.stage for row in rows if row.kind == "stage" and row.ref == login_id]
    last = max(
        [*sent.get(login_id, []), *([announced[login_id]] if login_id in announced else [])], key=lambda row: row.id
    )
    return logins[login_id], min(stages, default=None), last


def _follow_up(stage: int | None, since: int, read_at: int) -> int | None:
    """Return the follow-up that has come since a login that was heard of as expired, or an incident, began."""
    if stage is None or stage > 0:
        return stage
    return min((days for days in _FOLLOW_UPS if read_at - since >= -days * _DAY), default=stage)


def _move_notifications() -> None:
    op.execute("CREATE TABLE copied_notifications AS SELECT * FROM notifications")
    op.drop_table("notifications")
    op.create_table(
        "notifications",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("ref", sa.BigInteger, nullable=False),
        sa.Column("stage", sa.Integer),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("is_late", sa.Boolean, nullable=False),
        sa.Column("is_follow_up", sa.Boolean, nullable=False),
        sa.Column("message_id", _ROW_ID, sa.ForeignKey("messages.id")),
    )
    # What is pending is due again at the first poll. A renewal is about the login after the one that was heard of.
    # Of two in flight about the same, which an outage in the middle of a change may have left, the newer one counts.
    op.execute(
        "INSERT INTO notifications (id, guild_id, channel_id, account_id, kind, ref, stage, expires_at, state, due_at, "
        "sent_at, is_late, is_follow_up, message_id) "
        "SELECT n.id, n.guild_id, n.channel_id, n.account_id, n.kind, "
        "CASE WHEN n.kind = 'renewed' THEN coalesce(after.id, n.ref) ELSE n.ref END, "
        "CASE WHEN n.kind = 'renewed' THEN (SELECT min(reached.stage) FROM copied_notifications reached "
        "WHERE reached.kind = 'stage' AND reached.state = 'superseded' AND reached.ref = after.id "
        "AND reached.channel_id = n.channel_id) ELSE n.stage END, "
        "CASE n.kind WHEN 'stage' THEN login.expires_at WHEN 'renewed' THEN after.expires_at END, "
        "n.state, n.due_at, CASE WHEN n.state = 'sent' THEN coalesce(m.first_attempt_at, n.due_at) END, "
        "n.is_late, (1 = 0), n.message_id FROM copied_notifications n "
        "LEFT JOIN messages m ON m.id = n.message_id "
        "LEFT JOIN logins login ON login.id = n.ref AND n.kind = 'stage' "
        "LEFT JOIN logins after ON n.kind = 'renewed' AND after.id = "
        "(SELECT max(id) FROM logins WHERE previous_id = n.ref) "
        "WHERE n.state = 'sent' OR n.state = 'sending' AND NOT EXISTS (SELECT 1 FROM copied_notifications newer "
        "WHERE newer.state = 'sending' AND newer.channel_id = n.channel_id AND newer.kind = n.kind "
        "AND coalesce(newer.account_id, '') = coalesce(n.account_id, '') AND newer.id > n.id)"
    )
    op.drop_table("copied_notifications")
    _create_unique("notifications", "guild_id", "channel_id", "kind", where=_IS_UNSENT)
    op.create_index("notifications_by_state", "notifications", ["state", "channel_id"])
    op.create_index("notifications_by_message", "notifications", ["message_id"])
    op.create_index("notifications_by_sent_at", "notifications", ["sent_at"])
    if op.get_bind().dialect.name == "postgresql":
        sequence = "pg_get_serial_sequence('notifications', 'id')"
        op.execute(f"SELECT setval({sequence}, coalesce(max(id), 1), max(id) IS NOT NULL) FROM notifications")  # noqa: S608
