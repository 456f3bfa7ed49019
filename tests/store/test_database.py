"""Opening, creating and migrating a database."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import StoreError
from bot.store import database as database_module
from bot.store.database import SCHEMA, Database, find_schema, open_database, sqlite_file
from bot.store.subscriptions import put_subscription
from bot.store.tables import metadata
from tests.support.paths import REPOSITORY
from tests.support.postgres import Postgres
from tests.support.store.samples import count, new_subscription, put, refusal

NEXT_SCHEMA = f"{int(SCHEMA) + 1:04}"
NEXT_MIGRATION = f'''
"""Another schema."""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT_SCHEMA}"
down_revision = "{SCHEMA}"


def upgrade() -> None:
    """Add a table."""
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
'''


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Return a function that turns this version into one that knows one more migration."""

    def upgrade() -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(Path(database_module.__file__).parent / "migrations", folder)
        (folder / "versions" / f"{NEXT_SCHEMA}_later.py").write_text(NEXT_MIGRATION)
        monkeypatch.setattr(database_module, "MIGRATIONS", folder)
        monkeypatch.setattr(database_module, "SCHEMA", NEXT_SCHEMA)

    return upgrade


def lay_open(file: Path, mode: int) -> None:
    """Put an empty database there that has these permissions."""
    file.parent.mkdir()
    file.touch()
    file.chmod(mode)


async def set_version(database_url: str, version: str) -> None:
    """Let a database claim that another version of the bot wrote it."""
    async with open_database(database_url) as database, database.begin() as tx:
        await tx.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


async def test_creates_the_schema_that_the_tables_say(database: Database) -> None:
    """The migrations, run on an empty database, make exactly the tables, columns, keys and indexes in use."""

    def differences(connection: sa.Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    def primary_keys(connection: sa.Connection) -> dict[str, list[str]]:
        inspector = sa.inspect(connection)
        return {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in metadata.tables}

    async with database.begin() as tx:
        assert await tx.run_sync(differences) == []
        assert await tx.run_sync(primary_keys) == {
            name: [column.name for column in table.primary_key] for name, table in metadata.tables.items()
        }


async def test_keeps_saved_rows(database_url: str) -> None:
    """Rows that one process saved the next one finds."""
    async with open_database(database_url) as database:
        await put(database)
    async with open_database(database_url) as database:
        assert await count(database) == 1


async def test_rolls_back_a_failing_block(database: Database) -> None:
    """A block that raises leaves nothing behind, and its error is not disguised."""

    async def fail_midway() -> None:
        async with database.begin() as tx:
            await put_subscription(tx, new_subscription())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_midway()
    assert await count(database) == 0


async def test_creates_a_private_file(file: Path, file_url: str) -> None:
    """The SQLite file and what SQLite puts beside it can be read by their owner alone; folders are made."""
    async with open_database(file_url) as database:
        await put(database)
        modes = {one.name: one.stat().st_mode & 0o777 for one in file.parent.iterdir()}
    assert set(modes) == {"bot.db", "bot.db-wal", "bot.db-shm"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, True), (0o604, True), (0o666, True)])
async def test_warns_of_a_file_that_others_can_read(
    file: Path, file_url: str, caplog: pytest.LogCaptureFixture, mode: int, *, is_warned: bool
) -> None:
    """A SQLite file that more than its owner may read is used, and each start says how to close it."""
    lay_open(file, mode)
    async with open_database(file_url):
        assert (f"{file} can be read by others on this machine. Run: chmod 600 {file}*" in caplog.text) is is_warned


def test_only_sqlite_has_a_file() -> None:
    """Only a SQLite address has a file."""
    assert sqlite_file("sqlite+aiosqlite:///data/bot.db") == Path("data/bot.db")
    assert sqlite_file("sqlite+aiosqlite:////srv/bot.db") == Path("/srv/bot.db")
    assert sqlite_file("postgresql+asyncpg://bot@db/bot") is None


async def test_refuses_a_newer_schema(database_url: str) -> None:
    """A database of a newer version is refused with both versions and advice, and is left as it is."""
    await set_version(database_url, "0999")
    words = await refusal(database_url)
    assert "newer version of this bot" in words
    assert "0999" in words
    assert SCHEMA in words
    assert "restore a backup" in words
    assert await refusal(database_url) == words


async def test_refuses_a_schema_it_does_not_know(database_url: str) -> None:
    """An older schema that no migration leads away from is refused before a copy is kept, and by `find_schema`."""
    await set_version(database_url, "0000")
    assert "a version that is not known" in await refusal(database_url)
    file = sqlite_file(database_url)
    assert file is None or list(file.parent.glob("*.before-*")) == []
    with pytest.raises(StoreError, match="a version that is not known"):
        await find_schema(database_url)


async def test_migrates_an_older_schema(database_url: str, next_version: Callable[[], None]) -> None:
    """The next version adds its table and keeps the saved rows; opening again changes nothing."""
    async with open_database(database_url) as database:
        await put(database)
    next_version()
    for _ in range(2):
        async with open_database(database_url) as database:
            assert await count(database) == 1
            async with database.begin() as tx:
                assert (await tx.execute(sa.text("SELECT count(*) FROM later"))).scalar_one() == 0
                version = (await tx.execute(sa.text("SELECT version_num FROM alembic_version"))).scalar_one()
        assert version == NEXT_SCHEMA


async def test_keeps_a_copy_before_it_migrates(file: Path, file_url: str, next_version: Callable[[], None]) -> None:
    """A SQLite file is copied first: complete, private, and as good as the old one for the old version."""
    async with open_database(file_url) as database:
        await put(database)
        # As a killed process leaves it: the subscription is only in the write-ahead log.
        killed = file.parent / "killed.db"
        for end in ("", "-wal"):
            shutil.copy(f"{file}{end}", f"{killed}{end}")
    next_version()
    async with open_database(f"sqlite+aiosqlite:///{killed}"):
        pass
    copy = file.parent / f"killed.before-{NEXT_SCHEMA}.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as opened:
        assert opened.execute("SELECT count(*) FROM subscriptions").fetchone() == (1,)
        assert opened.execute("SELECT version_num FROM alembic_version").fetchone() == (SCHEMA,)


async def test_makes_no_copy_of_a_current_file(file: Path, file_url: str) -> None:
    """Neither a new file nor a current one is copied."""
    for _ in range(2):
        async with open_database(file_url):
            pass
    assert [one.name for one in file.parent.iterdir()] == ["bot.db"]


async def test_a_migration_that_fails_leaves_nothing(database_url: str) -> None:
    """A migration that ends midway is undone as a whole, so that the next start can do it."""
    engine = create_async_engine(database_url)
    if path := sqlite_file(database_url):
        path.touch()
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE logins (id INTEGER)"))
    assert "logins" in await refusal(database_url)
    async with engine.begin() as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == ["logins"]
        await connection.execute(sa.text("DROP TABLE logins"))
    await engine.dispose()
    async with open_database(database_url) as database:
        await put(database)


@pytest.mark.parametrize("folder", ["100% video team", "%(here)s", "a b#c"])
def test_a_clone_in_a_folder_with_any_name(tmp_path: Path, folder: str) -> None:
    """The bot creates its database wherever its code is."""
    clone = tmp_path / folder
    shutil.copytree(REPOSITORY / "bot", clone / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    work = "import asyncio; from bot.store.database import open_database as o; asyncio.run(o(U).__aenter__())"
    code = work.replace("U", repr("sqlite+aiosqlite:///bot.db"))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(clone / "bot.db")) as opened:
        assert opened.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA,)]


async def test_a_look_at_the_schema_changes_nothing(database_url: str, next_version: Callable[[], None]) -> None:
    """A database is neither created nor migrated; one that a newer version wrote is refused."""
    file = sqlite_file(database_url)
    assert await find_schema(database_url) is None
    assert file is None or list(file.parent.glob("bot.db*")) == []
    async with open_database(database_url):
        pass
    before = file and file.read_bytes()
    assert await find_schema(database_url) == SCHEMA
    next_version()
    assert await find_schema(database_url) == SCHEMA
    assert (file and file.read_bytes()) == before
    await set_version(database_url, "9999")
    with pytest.raises(StoreError, match="newer version") as refused:
        await find_schema(database_url)
    assert not refused.value.operator_advice


async def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    """A SQLite file with tables of another program is refused, and gets none of the bot's."""
    file = tmp_path / "songs.db"
    url = f"sqlite+aiosqlite:///{file}"
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StoreError, match="another program has made tables in it, such as songs"):
        await find_schema(url)
    assert "such as songs" in await refusal(url)
    with closing(sqlite3.connect(file)) as opened:
        assert opened.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


async def test_a_server_is_shared_with_other_tables(postgres: Postgres) -> None:
    """On PostgreSQL other tables are no obstacle, unless one has a name that the bot needs."""
    url = postgres.create()
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE songs (name TEXT)"))
    assert await find_schema(url) is None
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE messages (name TEXT)"))
    with pytest.raises(StoreError, match="such as messages"):
        await find_schema(url)
    await engine.dispose()


async def test_tables_without_their_schema_are_refused(database_url: str) -> None:
    """The bot's own tables whose schema is lost are neither taken for a new database nor created again."""
    async with open_database(database_url) as database, database.begin() as tx:
        await tx.execute(sa.text("DELETE FROM alembic_version"))
    with pytest.raises(StoreError, match="such as accounts"):
        await find_schema(database_url)
    assert "such as accounts" in await refusal(database_url)


async def test_a_server_that_the_user_may_not_write_is_found_before(postgres: Postgres) -> None:
    """A user of PostgreSQL who may not create tables, or may only read, is found without a start."""
    url = make_url(postgres.create())
    engine = create_async_engine(url)
    weak = url.set(username="weak").render_as_string(hide_password=False)
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE ROLE weak LOGIN"))
    with pytest.raises(StoreError, match="may not create tables"):
        await find_schema(weak)
    async with engine.begin() as connection:
        await connection.execute(sa.text("ALTER ROLE weak SET default_transaction_read_only = on"))
    with pytest.raises(StoreError, match="is read-only"):
        await find_schema(weak)
    await engine.dispose()


async def test_a_database_that_can_not_be_created_is_found_before(tmp_path: Path) -> None:
    """A folder, or a path through a file, is refused without a start; missing folders are created by it."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is a folder"):
        await find_schema(f"sqlite+aiosqlite:///{tmp_path}")
    with pytest.raises(StoreError, match="file is no folder"):
        await find_schema(f"sqlite+aiosqlite:///{tmp_path}/file/bot.db")
    assert await find_schema(f"sqlite+aiosqlite:///{tmp_path}/a/b/bot.db") is None
    assert not (tmp_path / "a").exists()
