"""Copies of a SQLite database as one file: a backup while the bot runs, and the way back."""

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
from bot.store.database import SCHEMA, known_schemas, sqlite_file
from bot.store.leader import lock_file

_TABLES = {"alembic_version", "watches", "deliveries", "messages"}
# What SQLite may keep beside a file: what is not yet in it, or not yet certain.
_LOGS = ("-wal", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done: the database's file, its number of watches, and where the old one is, if any."""

    file: Path
    watches: int
    kept: Path | None


def back_up(url: str, copy: Path) -> int:
    """Copy the database to a new file, private to its owner; a bot may work with it meanwhile.

    Returns:
        How many watches the copy holds.

    Raises:
        CopyRefused: there is no such database, the file exists, or it can't be written.
    """
    with _trouble_told(f"The backup {copy} can't be made"):
        file = _existing(url)
        _check_new(copy)
        with _draft_in(copy.parent) as draft:
            watches = _copy(file, draft)
            # Whoever made a file of this name meanwhile keeps it.
            copy.touch(mode=0o600, exist_ok=False)
            draft.replace(copy)
            _sync(copy.parent)
    return watches


def restore(url: str, copy: Path, now: datetime) -> Restored:
    """Put a copy in the database's place; the old file stays beside it, under a name with the time.

    Raises:
        CopyRefused: a bot runs, or the copy is none of a database that this version can use.
    """
    place = _file_of(url)
    with _trouble_told(f"The database {place} can't be replaced"):
        _check_backup(copy, place)
        with hold(place), _draft_in(place.resolve().parent) as draft:
            # A link stays one: the file that it leads to is replaced.
            file = place.resolve() if place.is_symlink() else place
            watches = _copy(copy, draft, is_known=True)
            give_to_owner_of(file if file.exists() else file.parent, draft)
            kept = _set_aside(file, now)
            draft.replace(file)
            _sync(file.parent)
    return Restored(place, watches, kept)


@contextmanager
def hold(file: Path) -> Iterator[None]:
    """Keep every bot from a SQLite file.

    Raises:
        CopyRefused: a bot runs. StoreError: the folder can't be written.
    """
    try:
        with lock_file(file):
            yield
    except AlreadyRunning:
        raise CopyRefused(f"A bot works with {file}. Stop it first.") from None


def give_to_owner_of(model: Path, file: Path) -> None:
    """Let a file have the owner of another: root may work for the user that the bot runs as."""
    if os.name == "posix":
        with suppress(PermissionError):
            os.chown(file, model.stat().st_uid, model.stat().st_gid)


def _file_of(url: str) -> Path:
    file = sqlite_file(url)
    if file is None:
        raise CopyRefused(
            "The database is PostgreSQL, which has tools of its own: back it up with pg_dump, restore with pg_restore."
        )
    return file


def _existing(url: str) -> Path:
    file = _file_of(url)
    if not file.is_file():
        raise CopyRefused(f"There is no database at {file} yet; the bot makes it at its first start.")
    return file


def _check_new(copy: Path) -> None:
    if copy.exists() or copy.is_symlink():
        raise CopyRefused(f"{copy} exists already, and a backup overwrites nothing. Choose another name.")
    if not copy.parent.is_dir():
        raise CopyRefused(f"There is no folder {copy.parent}. Make it first, or choose another one.")


def _check_backup(copy: Path, place: Path) -> None:
    if not copy.is_file():
        raise CopyRefused(f"There is no file {copy}.")
    if copy.resolve() == place.resolve():
        raise CopyRefused(f"{copy} is the database itself. Name the backup to restore.")


@contextmanager
def _trouble_told(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CopyRefused(f"{what} ({reason}). Nothing has changed.") from None


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
    # Unlike a plain path this makes no file that is not there.
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)


def _copy(file: Path, draft: Path, *, is_known: bool = False) -> int:
    """Copy a database, with what is still in its log, as it is at one moment; returns the number of watches."""
    with closing(_open(file)) as opened:
        schema = _read_schema(opened, file)
        if is_known:
            _check_schema(schema, file)
        opened.execute("VACUUM INTO ?", (str(draft),))
    with closing(_open(draft)) as copied:
        ((found, *_), *_) = copied.execute("PRAGMA integrity_check").fetchall()
        if found != "ok":
            raise CopyRefused(f"{file} is damaged ({found}). Nothing has changed.")
        watches: int = copied.execute("SELECT count(*) FROM watches").fetchone()[0]
    _sync(draft)
    return watches


def _read_schema(opened: sqlite3.Connection, file: Path) -> str:
    try:
        tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        versions = opened.execute("SELECT version_num FROM alembic_version").fetchall() if tables >= _TABLES else []
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise CopyRefused(f"{file} is no database of this bot ({error}).") from None
    if len(versions) != 1:
        raise CopyRefused(f"{file} is no database of this bot.")
    return str(versions[0][0])


def _check_schema(schema: str, file: Path) -> None:
    if schema in known_schemas():
        return
    if schema > SCHEMA:
        raise CopyRefused(
            f"{file} was written by a newer version of this bot (schema {schema}, this one knows {SCHEMA}). "
            "Restore it with that version."
        )
    raise CopyRefused(f"{file} was written by a version of this bot that is not known (schema {schema}).")


def _set_aside(file: Path, now: datetime) -> Path | None:
    """Copy the database to a name with the time, and remove the logs, which would be played into the new file."""
    kept = file.with_suffix(f".before-restore-{now:%Y%m%dT%H%M%SZ}{file.suffix}")
    has_old = file.exists()
    for end in ("", *_LOGS):
        old_file = Path(f"{file}{end}")
        if old_file.exists():
            _copy_bytes(old_file, Path(f"{kept}{end}"))
    _sync(file.parent)
    with suppress(sqlite3.Error), closing(_open(file)) as old:
        # A crash after the logs have gone must find a file that is whole without them.
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
    """See to it that a file, or what a folder says of its files, is on the disk."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
