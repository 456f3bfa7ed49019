"""Backups of a SQLite database as one file, made while the bot runs, and restoring them."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.errors import AlreadyRunning, CopyRefused
from bot.store.database import SCHEMA, columns_at, known_schemas, sqlite_file
from bot.store.files import lock_file

_TABLES = {"alembic_version", "messages", "leases"}
# Where subscriptions are: since schema 0004, and before.
_SUBSCRIPTIONS = ("subscriptions", "watches")
# Files beside a SQLite database that hold changes which are not in it yet, or may have to be undone.
_LOGS = ("-wal", "-journal")


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
        with _draft_in(copy.parent) as draft:
            subscriptions = _copy(file, draft)
            # A file of this name that was made meanwhile is kept.
            copy.touch(mode=0o600, exist_ok=False)
            draft.replace(copy)
            _sync(copy.parent)
    return subscriptions


def restore(url: str, copy: Path, now: datetime) -> Restored:
    """Replace the database with a backup; the old file stays beside it, under a name with the time.

    Raises:
        CopyRefused: a bot runs, or the backup is not of a database that this version can use.
    """
    place = _file_of(url)
    with _reporting_failures(f"The database {place} can't be replaced"):
        _check_backup(copy, place)
        with hold(place), _draft_in(place.resolve().parent) as draft:
            # A link stays: the file that it points to is replaced.
            file = place.resolve() if place.is_symlink() else place
            # In its folder, others may change it meanwhile.
            with _draft_in(place.resolve().parent) as own:
                shutil.copyfile(copy, own)
                subscriptions = _copy(own, draft, name=copy, is_known=True)
            give_to_owner_of(file if file.exists() else file.parent, draft)
            kept = _set_aside(file, now)
            draft.replace(file)
            _sync(file.parent)
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


def give_to_owner_of(model: Path, file: Path) -> None:
    """Give a file the owner of another one: root may run this for the bot's user."""
    if os.name == "posix":
        with suppress(PermissionError):
            os.chown(file, model.stat().st_uid, model.stat().st_gid)


def _file_of(url: str) -> Path:
    file = sqlite_file(url)
    if file is None:
        raise CopyRefused(
            "The database is PostgreSQL, which has tools of its own.",
            "Back it up with pg_dump, restore it with pg_restore.",
        )
    return file


def _existing(url: str) -> Path:
    file = _file_of(url)
    if not file.is_file():
        raise CopyRefused(
            f"There is no database at {file} yet.",
            "Check DATABASE_URL. The bot creates the database at its first start.",
        )
    return file


def _check_new(copy: Path) -> None:
    if copy.exists() or copy.is_symlink():
        raise CopyRefused(f"{copy} exists already, and a backup overwrites nothing.", "Choose another name.")
    if not copy.parent.is_dir():
        raise CopyRefused(f"There is no folder {copy.parent}.", "Make it first, or choose another one.")


def _check_backup(copy: Path, place: Path) -> None:
    if not copy.is_file():
        raise CopyRefused(f"There is no file {copy}.", "Name the backup to restore.")
    if copy.resolve() == place.resolve():
        raise CopyRefused(f"{copy} is the database itself.", "Name the backup to restore.")
    for end in _LOGS:
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


@contextmanager
def _draft_in(folder: Path) -> Iterator[Path]:
    """Make an empty private file, gone at the end unless it was moved."""
    descriptor, name = tempfile.mkstemp(prefix=".minimax-bot-", suffix=".part", dir=folder.resolve())
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        for end in ("", *_LOGS):
            Path(f"{name}{end}").unlink(missing_ok=True)


def _open(file: Path) -> sqlite3.Connection:
    # Unlike a plain path, this creates no missing file.
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)


def _copy(file: Path, draft: Path, *, name: Path | None = None, is_known: bool = False) -> int:
    """Copy a database, with the changes still in its log, as of one moment; return its number of subscriptions.

    Errors call it by its `name`, if it has another one. It must have exactly the tables of a known version if
    `is_known`.
    """
    name = name or file
    with closing(_open(file)) as opened:
        # A function in the file's own expressions may do what only the bot should do.
        opened.execute("PRAGMA trusted_schema=OFF")
        schema, table = _read_schema(opened, name)
        if is_known:
            _check_schema(schema, name)
            _check_tables(opened, schema, name)
        opened.execute("VACUUM INTO ?", (str(draft),))
    with closing(_open(draft)) as copied:
        ((found, *_), *_) = copied.execute("PRAGMA integrity_check").fetchall()
        if found != "ok":
            raise CopyRefused(f"{name} is damaged ({found}). Nothing has changed.", "Restore a backup that is sound.")
        subscriptions: int = copied.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    _sync(draft)
    return subscriptions


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


def _check_tables(opened: sqlite3.Connection, schema: str, file: Path) -> None:
    """Refuse triggers, views, and other tables or columns than those of the schema."""
    objects = opened.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    tables = [name for kind, name in objects if kind == "table"]
    columns = {table: {row[1] for row in opened.execute(f"PRAGMA table_xinfo({_quote(table)})")} for table in tables}
    strange = sorted(name for kind, name in objects if kind not in ("table", "index"))
    if strange or columns != columns_at(schema):
        what = f"holds {', '.join(strange)}" if strange else f"has other tables than schema {schema}"
        raise CopyRefused(f"{file} {what}: another program has changed it.", "Restore a file that `backup` has made.")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _set_aside(file: Path, now: datetime) -> Path | None:
    """Copy the database to a name with the time, and remove its logs, which would be applied to the new file."""
    kept = file.with_suffix(f".before-restore-{now:%Y%m%dT%H%M%SZ}{file.suffix}")
    has_old = file.exists()
    for end in ("", *_LOGS):
        old_file = Path(f"{file}{end}")
        if old_file.exists():
            _copy_bytes(old_file, Path(f"{kept}{end}"))
    _sync(file.parent)
    with suppress(sqlite3.Error), closing(_open(file)) as old:
        # If a crash follows the removal of the logs, the file must be complete without them.
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in (*_LOGS, "-shm"):
        Path(f"{file}{end}").unlink(missing_ok=True)
    return kept if has_old else None


def _copy_bytes(file: Path, copy: Path) -> None:
    """Copy a file to a new one of the same owner."""
    copy.touch(mode=0o600, exist_ok=False)
    try:
        shutil.copyfile(file, copy)
        give_to_owner_of(file, copy)
        _sync(copy)
    except OSError:
        copy.unlink()
        raise


def _sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
