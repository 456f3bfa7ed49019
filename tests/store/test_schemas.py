"""Databases as released versions of the bot wrote them, opened by this one.

`tests/data/schema` holds one for each schema. Before a new schema is added, the newest version's is made by letting a
bot work for some days, until there is something in each table, and dumping its database: `sqlite3 bot.db .dump`.
"""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store import database as database_module
from bot.store.assignments import Assignment, get_assignments
from bot.store.boards import Board, get_boards
from bot.store.channel_failures import get_channel_failures, put_channel_failure
from bot.store.database import SCHEMA, open_database, sqlite_file
from bot.store.messages import get_outdated
from bot.store.subscriptions import get_subscriptions, put_subscription
from tests.support.paths import REPOSITORY
from tests.support.store.samples import DAY, GUILD, NOW, new_subscription

FOLDER = REPOSITORY / "tests" / "data" / "schema"
MIGRATIONS = Path(database_module.__file__).parent / "migrations"
DUMPS = sorted(FOLDER.glob("*.sql"))
# The first schema had no pauses, claims, boards and edits yet.
WITH_TEAMWORK = [dump for dump in DUMPS if dump.stem > "0001"]
# Nothing of these may change; of the others, what a later schema still has.
PROMISED = ("watches", "deliveries")

Rows = dict[str, list[dict[str, Any]]]


def load(dump: Path, file: Path) -> Rows:
    """Make the SQLite file that the dump is of; returns all that is in it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as opened:
        opened.executescript(dump.read_text(encoding="utf-8"))
        opened.row_factory = sqlite3.Row
        tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [dict(row) for row in opened.execute(f"SELECT * FROM {table}")] for table in tables}  # noqa: S608


async def copy(written: Rows, schema: str, url: str) -> None:
    """Put the same rows into a PostgreSQL database of the same schema."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    def fill(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, schema)
        there = sa.MetaData()
        there.reflect(connection)
        for table in there.sorted_tables:
            kinds = {column.name: bool if isinstance(column.type, sa.Boolean) else _same for column in table.c}
            rows = [{name: kinds[name](value) for name, value in row.items()} for row in written[table.name]]
            if rows and table.name != "alembic_version":
                connection.execute(table.insert(), rows)
            if "id" in table.c:
                connection.exec_driver_sql(f"SELECT setval('{table.name}_id_seq', 1000)")

    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    await engine.dispose()


def _same(value: Any) -> Any:
    return value


def moment(milliseconds: int | None) -> Any:
    """Return the time that is stored as these milliseconds, None if none is."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


async def lay(dump: Path, url: str, tmp_path: Path) -> Rows:
    """Make a database of either kind as an old version left it; returns all that is in it."""
    file = sqlite_file(url)
    written = load(dump, file or tmp_path / "source.db")
    if file is None:
        await copy(written, dump.stem, url)
    return written


def comparable(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return these columns of the rows, in an order of their own."""
    return sorted(
        repr([int(value) if isinstance(value, bool) else value for value in map(row.get, columns)]) for row in rows
    )


def test_every_schema_before_this_one_is_here() -> None:
    """No schema that was ever released is missing from the folder, and each dump is of the schema it is named after."""
    released = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py")} - {SCHEMA}
    assert released <= {dump.stem for dump in DUMPS}
    for dump in DUMPS:
        assert re.search(rf"INTO \"?alembic_version\"? VALUES\('{dump.stem}'\)", dump.read_text(encoding="utf-8"))


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_what_an_old_version_wrote_is_still_there(dump: Path, database_url: str, tmp_path: Path) -> None:
    """Every watch and every delivery, in whatever state, comes through the migrations as it was written."""
    written = await lay(dump, database_url, tmp_path)
    assert all(written.values())
    assert {row["state"] for row in written["deliveries"]} == {"pending", "sending", "sent", "covered"}
    async with open_database(database_url) as database, database.begin() as tx:
        for table, rows in written.items():
            kept = [dict(row) for row in (await tx.execute(sa.text(f"SELECT * FROM {table}"))).mappings()]  # noqa: S608
            if table != "alembic_version":
                columns = sorted(rows[0].keys() if table in PROMISED else rows[0].keys() & kept[0].keys())
                assert comparable(kept, columns) == comparable(rows, columns), table


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_this_version_works_with_what_an_old_one_wrote(dump: Path, database_url: str, tmp_path: Path) -> None:
    """The old watches are read as they were meant, and a new one is added to them."""
    written = await lay(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        await put_subscription(tx, new_subscription("999"), NOW)
        *old, new = await get_subscriptions(tx, GUILD)
    assert new.account_id == "999"
    assert [(one.id, one.channel_id, one.account_id, one.days, one.role_id) for one in old] == [
        (row["id"], row["channel_id"], row["account_id"], tuple(map(int, row["days"].split(","))), row["role_id"])
        for row in written["watches"]
    ]


@pytest.mark.parametrize("dump", WITH_TEAMWORK, ids=lambda dump: dump.stem)
async def test_people_find_what_they_settled(dump: Path, database_url: str, tmp_path: Path) -> None:
    """What was paused stays paused since then, and whoever is on it stays on it."""
    written = await lay(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        subscriptions = await get_subscriptions(tx, GUILD)
        assignments = await get_assignments(tx, {row["channel_id"] for row in written["claims"]})
    paused_at = {row["id"]: moment(row["paused_at"]) for row in written["watches"]}
    assert {since is None for since in paused_at.values()} == {True, False}
    assert {one.id: one.paused_at for one in subscriptions} == paused_at
    assert assignments == {
        (row["channel_id"], (row["account_id"], row["token_id"])): Assignment(row["user_id"], moment(row["claimed_at"]))
        for row in written["claims"]
    }


@pytest.mark.parametrize("dump", WITH_TEAMWORK, ids=lambda dump: dump.stem)
async def test_what_was_shown_is_kept_true(dump: Path, database_url: str, tmp_path: Path) -> None:
    """Boards are kept where they are, also one that has yet to be posted, and edits that were owed are still owed."""
    written = await lay(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        boards = await get_boards(tx, {GUILD})
        outdated = await get_outdated(tx, NOW + 365 * DAY)
    assert {board.message_id is None for board in boards} == {True, False}
    facts = list(Board.__dataclass_fields__)
    assert comparable([asdict(board) for board in boards], facts) == comparable(written["boards"], facts)
    edit_at = {row["discord_id"]: moment(row["edit_at"]) for row in written["messages"] if row["edit_at"]}
    assert edit_at
    assert {message.discord_id: message.edit_at for message in outdated} == edit_at


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_a_channels_trouble_is_its_own(dump: Path, database_url: str, tmp_path: Path) -> None:
    """Trouble that an old version wrote is the channel's, not its board's, and stays when its board gets some too."""
    written = await lay(dump, database_url, tmp_path)
    async with open_database(database_url) as database, database.begin() as tx:
        own = await get_channel_failures(tx, {GUILD})
        for target in own.values():
            await put_channel_failure(tx, replace(target, reason="the board's", is_board=True))
        assert await get_channel_failures(tx, {GUILD}) == own
        of_boards = await get_channel_failures(tx, {GUILD}, of_boards=True)
    assert {(one.channel_id, one.reason, one.failures, one.is_reported) for one in own.values()} == {
        (row["channel_id"], row["reason"], row["failures"], bool(row["is_told"]))
        for row in written["targets"]
        if not row.get("is_board")
    }
    assert {one.channel_id for one in of_boards.values() if one.reason == "the board's"} == own.keys()
