"""Databases that earlier versions wrote, opened by this one."""

import hashlib
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.core.assignments import Assignment
from bot.core.boards import Board
from bot.core.messages import MessageKind, OutgoingMessage
from bot.core.subscriptions import Ping, PingKind
from bot.store.assignments import get_assignments
from bot.store.boards import get_boards
from bot.store.channel_failures import get_failures, put_failure
from bot.store.database import MIGRATIONS, SCHEMA, open_database
from bot.store.messages import get_outdated, get_unsettled
from bot.store.subscriptions import get_subscriptions, put_subscription
from bot.store.tables import metadata
from tests.support.store.samples import DAY, GUILD, NOW, new_subscription
from tests.support.store.schemas import DUMPS, Rows, in_this_schema, lay_dump

# The first schema had no pauses, assignments, boards and edits; since 0004, boards are messages.
WITH_TEAMWORK = [dump for dump in DUMPS if dump.stem > "0001"]
WITH_OWN_BOARDS = [dump for dump in WITH_TEAMWORK if dump.stem < "0004"]
# A migration that has landed has run somewhere, so it never changes: add a new one instead.
LANDED = {
    "0001_initial.py": "647394d5f1addee2",
    "0002_teamwork.py": "fa8dbc9fde726d9c",
    "0003_board_trouble.py": "9d637ed28f0dfdd3",
    "0004_glossary.py": "f709e4ddcda21d95",
    "0005_heard.py": "89b724b8cb9a8263",
    "0006_people_and_jobs.py": "0c568530c27aae0c",
}


def moment(milliseconds: int | None) -> Any:
    """Return the time that is stored as these milliseconds, None if none is."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def ping_of(row: dict[str, Any]) -> Ping | None:
    """Return whom the row of a subscription pings; until 0006, only roles could be pinged."""
    if row["role_id"]:
        return Ping(PingKind.ROLE, row["role_id"])
    return Ping(PingKind.MEMBER, row["user_id"]) if row.get("user_id") else None


async def upgraded_from(dump: Path, url: str, tmp_path: Path) -> Rows:
    """Make a database as an old version left it; return its rows under today's names."""
    return in_this_schema(await lay_dump(dump, url, tmp_path), dump.stem)


def still_kept(notifications: list[dict[str, Any]], logins: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the notifications that schema 0005 keeps: the settled past and what is in flight.

    A renewal is about the login that came then, and about no stage.
    """
    after = {row["previous_id"]: row["id"] for row in logins}
    return [
        row | ({"ref": after[row["ref"]], "stage": None} if row["kind"] == "renewed" else {})
        for row in notifications
        if row["state"] in ("sent", "sending")
    ]


def comparable(rows: list[dict[str, Any]], columns: set[str]) -> list[str]:
    """Return these columns of the rows, in an order of their own."""
    return sorted(
        repr([int(value) if isinstance(value, bool) else value for value in map(row.get, sorted(columns))])
        for row in rows
    )


def test_landed_migrations_never_change() -> None:
    """A migration that has landed reads as it did then, and every migration but the newest is known here."""
    versions = {path.name: path for path in (MIGRATIONS / "versions").glob("0*.py")}
    newest = next(name for name in versions if name.startswith(SCHEMA))
    assert versions.keys() - {newest} == LANDED.keys()
    assert {name: hashlib.sha256(versions[name].read_bytes()).hexdigest()[:16] for name in LANDED} == LANDED


def test_every_earlier_schema_has_a_dump() -> None:
    """No schema that was ever released is missing, and each dump is of the schema it is named after."""
    released = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py")} - {SCHEMA}
    assert released == {dump.stem for dump in DUMPS}
    for dump in DUMPS:
        assert re.search(rf"INTO \"?alembic_version\"? VALUES\('{dump.stem}'\)", dump.read_text(encoding="utf-8"))


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_every_row_survives_the_migrations(dump: Path, database_url: str, tmp_path: Path) -> None:
    """Each row of each table comes through as it was, under its new name; only unread columns are gone."""
    written = await upgraded_from(dump, database_url, tmp_path)
    assert all(written.values())
    states = {"pending", "sending", "sent"} | ({"superseded"} if dump.stem < "0005" else set())
    assert {row["state"] for row in written["notifications"]} == states
    expected = dict(written)
    if dump.stem < "0005":
        expected["notifications"] = still_kept(written["notifications"], written["logins"])
    del expected["alembic_version"]
    async with open_database(database_url) as database, database.begin() as tx:
        kept = {
            table: [dict(row) for row in (await tx.execute(sa.text(f"SELECT * FROM {table}"))).mappings()]  # noqa: S608
            for table in expected
        }
    if dump.stem < "0004":
        expected.pop("boards", None)
        kept["messages"] = [row for row in kept["messages"] if row["kind"] != MessageKind.BOARD]
    for table, rows in expected.items():
        columns = set(rows[0])
        assert columns <= set(kept[table][0]), table
        assert comparable(kept[table], columns) == comparable(rows, columns), table


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_a_migrated_database_has_this_schema(dump: Path, database_url: str, tmp_path: Path) -> None:
    """Tables, columns and indexes are those of a new database, also where an early 0002 lacked an index."""
    await lay_dump(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        differences = await tx.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), metadata))
    assert list(differences) == []


async def test_a_missing_index_is_repaired(tmp_path: Path) -> None:
    """A database of schema 0002 that lacks `watches_by_channel` has it, under its new name, after the migration."""
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    (dump,) = (dump for dump in DUMPS if dump.stem == "0002")
    await lay_dump(dump, url, tmp_path)
    with closing(sqlite3.connect(tmp_path / "bot.db")) as opened:
        opened.execute("DROP INDEX watches_by_channel")
    async with open_database(url) as database, database.begin() as tx:
        indexes = await tx.run_sync(lambda sync: sa.inspect(sync).get_indexes("subscriptions"))
    assert "subscriptions_by_channel" in {index["name"] for index in indexes}


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_this_version_works_with_old_rows(dump: Path, database_url: str, tmp_path: Path) -> None:
    """Old subscriptions are read as they were meant, with follow-ups, and a new one is added to them."""
    written = await upgraded_from(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        await put_subscription(tx, new_subscription("999"))
        *old, new = await get_subscriptions(tx, GUILD)
    assert new.account_id == "999"
    assert any(one.is_for_all for one in old)
    assert all(one.follow_ups for one in old)
    assert [(one.id, one.channel_id, one.account_id, one.lead_times, one.ping) for one in old] == [
        (
            row["id"],
            row["channel_id"],
            row["account_id"],
            tuple(map(int, row["lead_times"].split(","))),
            ping_of(row),
        )
        for row in written["subscriptions"]
    ]


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_a_message_in_flight_is_still_sent(dump: Path, database_url: str, tmp_path: Path) -> None:
    """A message that an old version left in flight has its exact content and nonce."""
    written = await upgraded_from(dump, database_url, tmp_path)
    in_flight = [row for row in written["messages"] if row["state"] == "sending" and row["payload"] is not None]
    assert in_flight
    async with open_database(database_url) as database, database.begin() as tx:
        unsettled = await get_unsettled(tx, {GUILD}, MessageKind.NOTIFICATIONS)
    assert [(one.nonce, one.outgoing) for one in unsettled] == [
        (row["nonce"], OutgoingMessage.from_json(row["payload"])) for row in in_flight
    ]
    assert all(one.outgoing and one.outgoing.content for one in unsettled)


@pytest.mark.parametrize("dump", WITH_TEAMWORK, ids=lambda dump: dump.stem)
async def test_pauses_and_assignments_survive(dump: Path, database_url: str, tmp_path: Path) -> None:
    """A paused reminder stays paused since then, and an assigned person stays assigned."""
    written = await upgraded_from(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        subscriptions = await get_subscriptions(tx, GUILD)
        assignments = await get_assignments(tx, {row["channel_id"] for row in written["assignments"]})
    paused_at = {row["id"]: moment(row["paused_at"]) for row in written["subscriptions"]}
    assert {since is None for since in paused_at.values()} == {True, False}
    assert {one.id: one.paused_at for one in subscriptions} == paused_at
    assert assignments == {
        (row["channel_id"], (row["account_id"], row["login_id"])): Assignment(
            row["user_id"], moment(row["assigned_at"])
        )
        for row in written["assignments"]
    }


@pytest.mark.parametrize("dump", WITH_OWN_BOARDS, ids=lambda dump: dump.stem)
async def test_boards_keep_their_messages(dump: Path, database_url: str, tmp_path: Path) -> None:
    """Boards keep their messages, and one that may not have arrived is settled."""
    written = await upgraded_from(dump, database_url, tmp_path)
    rows = sorted(written["boards"], key=lambda row: row["channel_id"])
    async with open_database(database_url) as database, database.begin() as tx:
        boards = await get_boards(tx, {GUILD})
        unsettled = {one.id: one for one in await get_unsettled(tx, {GUILD}, MessageKind.BOARD)}
    assert {board.discord_id is None for board in boards} == {True, False}
    assert [replace(board, message_id=None) for board in boards] == [
        Board(row["guild_id"], row["channel_id"], row["added_by"], None, row["message_id"], row["shown"] or None)
        for row in rows
    ]
    for board, row in zip(boards, rows, strict=True):
        if board.discord_id is None:
            message = unsettled[board.message_id or 0]
            assert (message.nonce, message.outgoing) == (row["nonce"], None)
            assert message.first_attempt_at < NOW + 365 * DAY


@pytest.mark.parametrize("dump", WITH_TEAMWORK, ids=lambda dump: dump.stem)
async def test_due_edits_are_still_due(dump: Path, database_url: str, tmp_path: Path) -> None:
    """A message that was to be edited is edited when it was due."""
    written = await upgraded_from(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        outdated = await get_outdated(tx, {GUILD}, NOW + 365 * DAY)
    edit_at = {row["discord_id"]: moment(row["edit_at"]) for row in written["messages"] if row["edit_at"]}
    assert edit_at
    assert {message.discord_id: message.edit_at for message in outdated} == edit_at


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_failures_keep_their_kind(dump: Path, database_url: str, tmp_path: Path) -> None:
    """An old failure of a channel or of its board stays that, and a channel can have one of each."""
    written = await lay_dump(dump, database_url, tmp_path)
    of_boards = {"board": True, "notifications": False}
    expected = [
        (row["channel_id"], of_boards.get(row.get("kind", ""), bool(row.get("is_board"))), row["reason"])
        for row in written["channel_failures" if "channel_failures" in written else "targets"]
    ]
    async with open_database(database_url) as database, database.begin() as tx:
        found = {kind: await get_failures(tx, {GUILD}, kind) for kind in MessageKind}
        for one in found[MessageKind.NOTIFICATIONS].values():
            await put_failure(tx, replace(one, reason="the board's", kind=MessageKind.BOARD))
        assert await get_failures(tx, {GUILD}, MessageKind.NOTIFICATIONS) == found[MessageKind.NOTIFICATIONS]
    kept = [
        (one.channel_id, one.kind is MessageKind.BOARD, one.reason) for each in found.values() for one in each.values()
    ]
    assert sorted(kept) == sorted(expected)
