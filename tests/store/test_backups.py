"""Backups of a SQLite database, and restoring them."""

import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.errors import CopyRefused
from bot.store.backups import back_up, restore
from bot.store.database import SCHEMA, open_database
from bot.store.files import lock_file, open_draft
from bot.store.subscriptions import put_subscription
from tests.support.store.samples import HOUR, NOW, count, fill, new_subscription, put, rows_of
from tests.support.store.schemas import DUMPS, load_dump

SERVER = "postgresql+asyncpg://bot:s3cret@127.0.0.1:9/bot"


@pytest.fixture
async def filled(file_url: str) -> str:
    """Fill a database that no bot uses, and return its address."""
    async with open_database(file_url) as database:
        await fill(database, 3)
    return file_url


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a path for a backup."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "bot 100%.db"


@contextmanager
def refused(words: str, *folders: Path) -> Iterator[None]:
    """Expect a refusal in these words, which leaves all files in the folders as they are."""
    before = contents(*folders)
    with pytest.raises(CopyRefused, match=words) as refusal:
        yield
    assert "s3cret" not in str(refusal.value)
    assert contents(*folders) == before


def contents(*folders: Path) -> dict[Path, bytes]:
    """Return the contents of the files in these folders, without locks."""
    files = [file for folder in folders for file in folder.iterdir() if file.suffix != ".lock"]
    return {file: file.read_bytes() for file in files if file.is_file()}


def schema_of(file: Path) -> set[tuple[str, str]]:
    """Return the name and the definition of everything in a database."""
    with closing(sqlite3.connect(file)) as opened:
        return set(opened.execute("SELECT name, sql FROM sqlite_master"))


def mode_of(file: Path) -> int:
    """Return the permissions of a file."""
    return file.stat().st_mode & 0o777


def edit(file: Path, statement: str, *values: str) -> None:
    """Change a database behind the bot's back."""
    with closing(sqlite3.connect(file, isolation_level=None)) as opened:
        opened.execute(statement, values)


async def test_a_backup_holds_everything(filled: str, copy: Path) -> None:
    """The backup is one private file with every row of every table, and the number of subscriptions is returned."""
    assert back_up(filled, copy) == 3
    assert [one.name for one in copy.parent.iterdir()] == [copy.name]
    assert mode_of(copy) == 0o600
    async with open_database(filled) as old, open_database(f"sqlite+aiosqlite:///{copy}") as new:
        assert await rows_of(new) == await rows_of(old)


def test_what_a_killed_backup_left_is_removed(filled: str, copy: Path) -> None:
    """A copy in progress that was left by a killed `backup` is gone after the next one in its folder."""
    with open_draft(copy.parent) as locked:
        (copy.parent / ".minimax-bot-killed.part").touch()
        back_up(filled, copy)
        assert sorted(copy.parent.iterdir()) == sorted([copy, locked.file])


async def test_a_backup_amid_a_transaction(filled: str, copy: Path) -> None:
    """While a transaction is running the backup neither waits for it nor holds any of it."""
    async with open_database(filled) as database, database.begin() as tx:
        await put_subscription(tx, new_subscription())
        assert back_up(filled, copy) == 3


async def test_a_backup_holds_changes_that_are_only_in_the_log(file: Path, file_url: str, copy: Path) -> None:
    """Changes that a killed bot left in the write-ahead log are in the backup."""
    async with open_database(file_url) as database:
        await put(database)
        killed = file.parent / "killed.db"
        for end in ("", "-wal"):
            shutil.copy(f"{file}{end}", f"{killed}{end}")
    assert back_up(f"sqlite+aiosqlite:///{killed}", copy) == 1


def subscriptions_in(file: Path) -> int:
    """Return how many subscriptions a file holds."""
    with closing(sqlite3.connect(file)) as opened:
        found: int = opened.execute("SELECT count(*) FROM subscriptions").fetchone()[0]
        return found


def test_a_backup_overwrites_nothing(filled: str, copy: Path) -> None:
    """A file, a folder or a dangling link of that name is left as it is."""
    copy.write_text("precious")
    with refused("exists already", copy.parent):
        back_up(filled, copy)
    with refused("exists already", copy.parent):
        back_up(filled, copy.parent)
    (link := copy.with_name("link")).symlink_to("nowhere")
    with refused("exists already", copy.parent):
        back_up(filled, link)


def test_a_backup_needs_a_folder(filled: str, copy: Path) -> None:
    """A missing folder is reported, not made."""
    with refused("no folder .*/none.*Make it first", copy.parent):
        back_up(filled, copy.parent / "none" / "bot.db")


def test_a_backup_needs_a_database(file: Path, file_url: str, copy: Path) -> None:
    """Before the bot's first start there is nothing to back up, and nothing is made."""
    with refused("no database at .* yet", copy.parent):
        back_up(file_url, copy)
    assert not file.parent.exists()


@pytest.mark.parametrize("held", [b"", b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_database_of_this_bot(file: Path, filled: str, copy: Path, held: bytes) -> None:
    """A file that holds something else is neither backed up nor restored."""
    copy.write_bytes(held)
    with refused("is no database of this bot", file.parent, copy.parent):
        restore(filled, copy, NOW)
    with refused("is no database of this bot", copy.parent):
        back_up(f"sqlite+aiosqlite:///{copy}", copy.with_name("other"))


def test_a_database_of_another_program(filled: str, file: Path, copy: Path) -> None:
    """Tables of another program are not restored."""
    edit(copy, "CREATE TABLE messages (id INTEGER)")
    with refused("is no database of this bot", file.parent):
        restore(filled, copy, NOW)


def test_a_server_has_tools_of_its_own(copy: Path) -> None:
    """For PostgreSQL its own tools are named."""
    with refused("pg_dump", copy.parent):
        back_up(SERVER, copy)
    copy.touch()
    with refused("pg_restore", copy.parent):
        restore(SERVER, copy, NOW)


@contextmanager
def small_disk(free: int) -> Iterator[None]:
    """Let no file grow beyond this many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("free", [0, 8192])
def test_a_disk_that_takes_no_more(filled: str, file: Path, copy: Path, free: int) -> None:
    """A backup or restore that does not fit is reported, and leaves nothing behind."""
    with refused("The backup .* can't be made .*Nothing has changed", copy.parent), small_disk(free):
        back_up(filled, copy)
    back_up(filled, copy)
    with refused("can't be replaced .*Nothing has changed", file.parent), small_disk(free):
        restore(filled, copy, NOW)


async def test_a_restore_puts_the_backup_in_place(filled: str, file: Path, copy: Path) -> None:
    """After a restore the database is as it was when backed up, private, and the newer one is kept beside it."""
    back_up(filled, copy)
    async with open_database(filled) as database:
        before = await rows_of(database)
        await put(database)
    done = restore(filled, copy, NOW)
    kept = file.with_name("bot.before-restore-20260101T000000Z.db")
    assert (done.file, done.subscriptions, done.kept) == (file, 3, kept)
    assert {one.name for one in file.parent.iterdir()} == {file.name, kept.name, "bot.db.lock"}
    assert [mode_of(one) for one in (file, kept)] == [0o600, 0o600]
    async with open_database(filled) as database, open_database(f"sqlite+aiosqlite:///{kept}") as old:
        assert await rows_of(database) == before
        assert await count(old) == 1


async def test_a_restore_ignores_the_log_of_the_old_file(filled: str, file: Path, copy: Path) -> None:
    """Changes that a killed bot left in its write-ahead log stay with the old file, out of the restored one."""
    back_up(filled, copy)
    async with open_database(filled) as database:
        await put(database)
        killed = file.with_name("killed.db")
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{file}{end}", f"{killed}{end}")
    url = f"sqlite+aiosqlite:///{killed}"
    done = restore(url, copy, NOW)
    assert done.kept is not None
    async with open_database(url) as database, open_database(f"sqlite+aiosqlite:///{done.kept}") as old:
        assert (await count(database), await count(old)) == (0, 1)


def test_a_damaged_database_is_replaced(filled: str, file: Path, copy: Path) -> None:
    """A database that can't be read any more is what a backup is for; it is kept with its log, byte by byte."""
    back_up(filled, copy)
    file.write_bytes(b"scrambled " * 1000)
    Path(f"{file}-wal").write_bytes(b"log")
    done = restore(filled, copy, NOW)
    assert done.kept is not None
    assert done.kept.read_bytes() == b"scrambled " * 1000
    assert Path(f"{done.kept}-wal").read_bytes() == b"log"
    assert not Path(f"{file}-wal").exists()
    assert subscriptions_in(file) == 3


def test_a_restore_onto_nothing(filled: str, copy: Path, tmp_path: Path) -> None:
    """On a new machine there is no old database to keep, and the folder is made."""
    back_up(filled, copy)
    done = restore(f"sqlite+aiosqlite:///{tmp_path}/new/bot.db", copy, NOW)
    assert (done.subscriptions, done.kept) == (3, None)
    assert sorted(one.name for one in (tmp_path / "new").iterdir()) == ["bot.db", "bot.db.lock"]


def test_a_restore_through_a_link(filled: str, file: Path, copy: Path, tmp_path: Path) -> None:
    """Where the database is a link, the link stays, and the file that it leads to is replaced."""
    back_up(filled, copy)
    link = tmp_path / "link.db"
    link.symlink_to(file)
    edit(file, "DELETE FROM subscriptions")
    done = restore(f"sqlite+aiosqlite:///{link}", copy, NOW)
    assert done.kept is not None
    assert (link.is_symlink(), done.kept.parent) == (True, file.parent)
    assert subscriptions_in(file) == 3


def test_a_restore_keeps_every_old_file(filled: str, file: Path, copy: Path) -> None:
    """Restored twice, both old databases are kept; twice within a second is refused."""
    back_up(filled, copy)
    kept = {restore(filled, copy, now).kept for now in (NOW, NOW + HOUR)}
    assert len(kept) == 2
    with refused("File exists.*Nothing has changed", file.parent):
        restore(filled, copy, NOW)


def test_a_restore_while_a_bot_runs(filled: str, file: Path, copy: Path) -> None:
    """Under a running bot nothing is restored."""
    back_up(filled, copy)
    with refused("The bot is running on .*Stop it first", file.parent), lock_file(file):
        restore(filled, copy, NOW)


@pytest.mark.parametrize(
    ("schema", "words"),
    [("0999", f"newer version of this bot .schema 0999, this one knows {SCHEMA}"), ("0000", "not known .schema 0000")],
)
def test_a_schema_that_is_not_known(filled: str, file: Path, copy: Path, schema: str, words: str) -> None:
    """A database of an unknown version can be backed up, but is restored only by a version that knows it."""
    back_up(filled, copy)
    edit(copy, "UPDATE alembic_version SET version_num = ?", schema)
    with refused(words, file.parent, copy.parent):
        restore(filled, copy, NOW)
    assert back_up(f"sqlite+aiosqlite:///{copy}", copy.with_name("other.db")) == 3


def test_a_restore_of_itself_or_of_nothing(filled: str, file: Path, copy: Path) -> None:
    """The database itself is no backup, nor is a file that is not there, nor a folder."""
    with refused("is the database itself", file.parent):
        restore(filled, file, NOW)
    for none in (copy, copy.parent):
        with refused("There is no file", file.parent):
            restore(filled, none, NOW)


def test_a_damaged_backup(filled: str, file: Path, copy: Path) -> None:
    """A backup whose pages were lost is refused, and the database stays."""
    back_up(filled, copy)
    held = bytearray(copy.read_bytes())
    held[8192:] = b"\xff" * (len(held) - 8192)
    copy.write_bytes(held)
    with refused("malformed|damaged|no database", file.parent, copy.parent):
        restore(filled, copy, NOW)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_root_restores_for_the_bots_user(filled: str, file: Path, copy: Path) -> None:
    """A file that root restores belongs to the owner of the old one, and so does the kept one."""
    back_up(filled, copy)
    os.chown(file, 12_345, 23_456)
    done = restore(filled, copy, NOW)
    assert done.kept is not None
    assert {(one.stat().st_uid, one.stat().st_gid) for one in (file, done.kept)} == {(12_345, 23_456)}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER planted AFTER DELETE ON messages BEGIN DELETE FROM subscriptions; END",
        "CREATE VIEW planted AS SELECT * FROM messages",
        "CREATE TABLE planted (id INTEGER)",
        'CREATE TABLE "planted""" (id INTEGER)',
        "ALTER TABLE messages ADD COLUMN planted TEXT",
        "ALTER TABLE messages ADD COLUMN planted TEXT GENERATED ALWAYS AS (nonce) VIRTUAL",
        "DROP TABLE boards",
    ],
)
def test_a_backup_that_another_program_changed(filled: str, file: Path, copy: Path, statement: str) -> None:
    """Only the tables of a version of this bot are restored."""
    back_up(filled, copy)
    edit(copy, statement)
    with refused("another program has changed it", file.parent, copy.parent):
        restore(filled, copy, NOW)


def test_a_trigger_under_a_name_of_sqlite(filled: str, file: Path, copy: Path) -> None:
    """A trigger that passes for SQLite's own is refused as well."""
    back_up(filled, copy)
    trigger = "CREATE TRIGGER sqlite_own AFTER DELETE ON messages BEGIN DELETE FROM subscriptions; END"
    with closing(sqlite3.connect(copy, isolation_level=None)) as opened:
        opened.execute("PRAGMA writable_schema=ON")
        opened.execute("INSERT INTO sqlite_master VALUES ('trigger', 'sqlite_own', 'messages', 0, ?)", [trigger])
    with refused("holds sqlite_own: another program", file.parent, copy.parent):
        restore(filled, copy, NOW)


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE INDEX planted ON messages (lower(nonce))"],
        ["CREATE UNIQUE INDEX planted ON subscriptions (id, channel_id)"],
        ["ANALYZE"],
        [
            "PRAGMA writable_schema=ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'guild_id BIGINT', 'guild_id BIGINT CHECK (abs(guild_id))')",
        ],
        [
            "DROP TABLE boards",
            "CREATE TABLE boards (guild_id, channel_id, added_by, message_id AS (1), digest, absent_since)",
        ],
    ],
    ids=["index", "unique index", "statistics", "check", "generated column"],
)
def test_rows_alone_are_restored(filled: str, file: Path, copy: Path, statements: list[str]) -> None:
    """Whatever else is in a backup, the restored database has the tables and indexes that this bot makes."""
    before = schema_of(file)
    back_up(filled, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as opened:
        for statement in statements:
            opened.execute(statement)
    assert schema_of(copy) != before
    assert restore(filled, copy, NOW).subscriptions == 3
    assert schema_of(file) == before


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_a_log_beside_a_backup(filled: str, file: Path, copy: Path, end: str) -> None:
    """A log that lies beside a backup is not applied to it: anybody who can write there could have planted it."""
    back_up(filled, copy)
    Path(f"{copy}{end}").write_bytes(b"planted")
    with refused(f"{end} beside it", file.parent, copy.parent):
        restore(filled, copy, NOW)


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_a_backup_of_any_known_schema(dump: Path, filled: str, copy: Path) -> None:
    """A backup that an earlier version made is restored."""
    load_dump(dump, copy)
    assert restore(filled, copy, NOW).subscriptions > 0
