"""Backups of a SQLite database as one file, made while the bot runs, and restoring them."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.errors import AlreadyRunning, CopyRefused
from bot.store.database import SCHEMA, known_schemas, lay_schema, sqlite_file
from bot.store.files import (
    LOGS,
    PRIVATE,
    copy_file,
    create_file,
    give_to_owner_of,
    lock_file,
    open_draft,
    remove_drafts,
    sync,
)

# The names of columns, by table.
Columns = dict[str, set[str]]

_TABLES = {"alembic_version", "messages", "leases"}
# Where subscriptions are: since schema 0004, and before.
_SUBSCRIPTIONS = ("subscriptions", "watches")


@dataclass(frozen=True, slots=True)
class Restored:
    """The database that was restored, its number of subscriptions, and where the old database is, if there was one."""

    file: Path
    subscriptions: int
    kept: Path | None


def back_up(url: str, copy: Path) -> int:
    """Copy the database to a new file, private to its owner; a bot may use the database meanwhile.

    Returns:
        How many subscriptions the copy holds.

    Raises:
        CopyRefused: there is no such database, the file exists, or it can't be written.
    """
    with _reporting_failures(f"The backup {copy} can't be made"):
        file = _existing(url)
        _check_new(copy)
        remove_drafts(copy.parent)
        with open_draft(copy.parent) as draft:
            subscriptions = _copy(file, draft.file)
            # A file of this name that was made meanwhile is kept.
            os.close(create_file(copy, PRIVATE))
            draft.move_to(copy)
            sync(copy.parent)
    return subscriptions


def restore(url: str, copy: Path, now: datetime) -> Restored:
    """Replace the database with a backup; the old file stays beside it, under a name with the time.

    Raises:
        CopyRefused: a bot runs, or the backup is not of a database that this version can use.
    """
    place = _file_of(url)
    with _reporting_failures(f"The database {place} can't be replaced"):
        _check_backup(copy, place)
        with hold(place), open_draft(place.resolve().parent) as draft:
            # A link stays: the file that it points to is replaced.
            file = place.resolve() if place.is_symlink() else place
            # In its folder, others may change it meanwhile.
            with open_draft(place.resolve().parent) as own:
                shutil.copyfile(copy, own.file)
                subscriptions = _copy_rows(own.file, draft.file, copy)
            give_to_owner_of(file if file.exists() else file.parent, draft.file)
            kept = _set_aside(file, now)
            draft.move_to(file)
            sync(file.parent)
    return Restored(place, subscriptions, kept)


@contextmanager
def hold(file: Path) -> Iterator[None]:
    """Keep bots from using a SQLite file.

    Raises:
        CopyRefused: a bot runs. StoreError: the folder can't be written.
    """
    try:
        with lock_file(file):
            yield
    except AlreadyRunning:
        raise CopyRefused(f"The bot is running on {file}.", "Stop it first.") from None


def _file_of(url: str) -> Path:
    file = sqlite_file(url)
    if file is None:
        raise CopyRefused(
            "The database is PostgreSQL, which has tools of its own.",
            "Back it up with pg_dump, restore it with pg_restore.",
        )
    return file


def is_file(path: Path) -> bool:
    """Whether there is a file.

    Raises:
        OSError: the file system can't say. From Python 3.14 on, `Path.is_file` hides that.
    """
    with suppress(FileNotFoundError):
        path.stat()
        return path.is_file()
    return False


def _existing(url: str) -> Path:
    file = _file_of(url)
    if not is_file(file):
        raise CopyRefused(
            f"There is no database at {file} yet.",
            "Check DATABASE_URL. The bot creates the database at its first start.",
        )
    return file


def _check_new(copy: Path) -> None:
    with suppress(FileNotFoundError):
        copy.lstat()
        raise CopyRefused(f"{copy} exists already, and a backup overwrites nothing.", "Choose another name.")
    if not copy.parent.is_dir():
        raise CopyRefused(f"There is no folder {copy.parent}.", "Make it first, or choose another one.")


def _check_backup(copy: Path, place: Path) -> None:
    if not is_file(copy):
        raise CopyRefused(f"There is no file {copy}.", "Name the backup to restore.")
    if copy.resolve() == place.resolve():
        raise CopyRefused(f"{copy} is the database itself.", "Name the backup to restore.")
    for end in LOGS:
        log = Path(f"{copy}{end}")
        if log.exists() and log.stat().st_size:
            raise CopyRefused(
                f"{copy} is not complete: {log.name} beside it holds changes, or somebody has put it there.",
                "Restore a file that `backup` has made, in a folder where nobody else can write.",
            )


@contextmanager
def _reporting_failures(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CopyRefused(f"{what} ({reason}). Nothing has changed.", "Fix that, then try again.") from None


def _open(file: Path) -> sqlite3.Connection:
    # Unlike a plain path, this creates no missing file.
    opened = sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)
    # A function in the file's own expressions may do what only the bot should do.
    opened.execute("PRAGMA trusted_schema=OFF")
    return opened


def _copy(file: Path, draft: Path) -> int:
    """Copy a database, with the changes still in its log, as of one moment; return its number of subscriptions."""
    with closing(_open(file)) as opened:
        _, table = _read_schema(opened, file)
        opened.execute("VACUUM INTO ?", (str(draft),))
    with closing(_open(draft)) as copied:
        _check_integrity(copied, file)
        subscriptions = _count(copied, table)
    sync(draft)
    return subscriptions


def _copy_rows(file: Path, draft: Path, name: Path) -> int:
    """Copy all rows of a backup into tables of this bot's own making; return the number of subscriptions.

    So nothing else that another program has put into the backup gets into the database.
    """
    with closing(_open(file)) as opened:
        schema, subscriptions = _read_schema(opened, name)
        _check_schema(schema, name)
        lay_schema(draft, schema)
        with closing(_open(draft)) as copied:
            columns = _check_tables(opened, copied, schema, name)
            _check_integrity(opened, name)
            copied.execute("BEGIN")
            for table, names in columns.items():
                listed, marks = ", ".join(map(_quote, names)), ", ".join("?" * len(names))
                copied.execute(f"DELETE FROM {_quote(table)}")  # noqa: S608
                rows = opened.execute(f"SELECT {listed} FROM {_quote(table)}")  # noqa: S608
                copied.executemany(f"INSERT INTO {_quote(table)} ({listed}) VALUES ({marks})", rows)  # noqa: S608
            copied.execute("COMMIT")
            count = _count(copied, subscriptions)
    sync(draft)
    return count


def _count(opened: sqlite3.Connection, table: str) -> int:
    count: int = opened.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    return count


def _check_integrity(opened: sqlite3.Connection, file: Path) -> None:
    ((found, *_), *_) = opened.execute("PRAGMA integrity_check").fetchall()
    if found != "ok":
        raise CopyRefused(f"{file} is damaged ({found}). Nothing has changed.", "Restore a backup that is sound.")


def _read_schema(opened: sqlite3.Connection, file: Path) -> tuple[str, str]:
    """Return a database's schema, and the name of its table of subscriptions."""
    try:
        tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        versions = opened.execute("SELECT version_num FROM alembic_version").fetchall() if tables >= _TABLES else []
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise CopyRefused(f"{file} is no database of this bot ({error}).", "Name another file.") from None
    subscriptions = next((name for name in _SUBSCRIPTIONS if name in tables), None)
    if len(versions) != 1 or subscriptions is None:
        raise CopyRefused(f"{file} is no database of this bot.", "Name another file.")
    return str(versions[0][0]), subscriptions


def _check_schema(schema: str, file: Path) -> None:
    if schema in known_schemas():
        return
    if schema > SCHEMA:
        raise CopyRefused(
            f"{file} was written by a newer version of this bot (schema {schema}, this one knows {SCHEMA}).",
            "Restore it with that version.",
        )
    raise CopyRefused(
        f"{file} was written by a version of this bot that is not known (schema {schema}).",
        "Restore it with that version.",
    )


def _check_tables(opened: sqlite3.Connection, model: sqlite3.Connection, schema: str, file: Path) -> Columns:
    """Return the columns of each table; refuse triggers, views, and other tables or columns than those of the model."""
    query = "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index')"
    strange = [name for (name,) in opened.execute(query)]
    columns = _columns_of(model)
    if strange or _columns_of(opened) != columns:
        what = f"holds {', '.join(strange)}" if strange else f"has other tables than schema {schema}"
        raise CopyRefused(f"{file} {what}: another program has changed it.", "Restore a file that `backup` has made.")
    return columns


def _columns_of(opened: sqlite3.Connection) -> Columns:
    # SQLite's own tables hold statistics, and are made anew.
    query = r"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"
    tables = [name for (name,) in opened.execute(query)]
    return {table: {row[1] for row in opened.execute(f"PRAGMA table_xinfo({_quote(table)})")} for table in tables}


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _set_aside(file: Path, now: datetime) -> Path | None:
    """Copy the database to a name with the time, and remove its logs, which would be applied to the new file."""
    kept = file.with_suffix(f".before-restore-{now:%Y%m%dT%H%M%SZ}{file.suffix}")
    has_old = file.exists()
    for end in ("", *LOGS):
        old_file = Path(f"{file}{end}")
        if old_file.exists():
            copy_file(old_file, Path(f"{kept}{end}"))
    sync(file.parent)
    with suppress(sqlite3.Error), closing(_open(file)) as old:
        # If a crash follows the removal of the logs, the file must be complete without them.
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in (*LOGS, "-shm"):
        Path(f"{file}{end}").unlink(missing_ok=True)
    return kept if has_old else None
