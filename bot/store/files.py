"""Writes files beside the database: with explicit permissions, and never through a link."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.errors import AlreadyRunning, StoreError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FOLDER, PRIVATE, READABLE = 0o755, 0o600, 0o644
# Files beside a SQLite database that hold changes which are not in it yet, or may have to be undone.
LOGS = ("-wal", "-journal")
_DRAFT, _DRAFT_END = ".minimax-bot-", ".part"
# What a file system says that another process holds the lock; every other failure is one of the file system.
_HELD = (BlockingIOError, PermissionError)
_OPENING = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, that only its owner may write in.

    Raises:
        OSError: it can't be made.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=_FOLDER, exist_ok=True)


def open_file(file: Path, mode: int) -> int:
    """Open a file for writing, made with these permissions if it is missing; its content stays.

    Raises:
        OSError: it can't be opened, or is a link.
    """
    return _open(file, os.O_CREAT, mode)


def create_file(file: Path, mode: int) -> int:
    """Make a file with these permissions, and open it for writing.

    Raises:
        OSError: it can't be made, or there is something of this name.
    """
    return _open(file, os.O_CREAT | os.O_EXCL, mode)


def _open(file: Path, flags: int, mode: int) -> int:
    if sys.platform == "win32" and file.is_symlink():  # it has no O_NOFOLLOW
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return os.open(file, os.O_RDWR | flags | _OPENING, mode)


def replace_text(file: Path, text: str, mode: int = READABLE) -> None:
    """Replace a file in one step.

    Raises:
        OSError: it can't be written.
    """
    make_folder(file.parent)
    draft = Path(f"{file}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(create_file(draft, mode), "w", encoding="utf-8") as opened:
        opened.write(text)
    draft.replace(file)


def copy_file(file: Path, copy: Path) -> None:
    """Copy a file to a new private one, of the same owner if root does it.

    Raises:
        OSError: it can't be copied, or there is something of this name.
    """
    with file.open("rb") as source, os.fdopen(create_file(copy, PRIVATE), "wb") as target:
        try:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        except OSError:
            copy.unlink()
            raise
    give_to_owner_of(file, copy)


def give_to_owner_of(model: Path, file: Path) -> None:
    """Give a file the owner of another one, if root does it; links are not followed."""
    if sys.platform != "win32" and os.geteuid() == 0:
        owner = model.stat()
        descriptor = open_file(file, PRIVATE)
        try:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)


def sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk."""
    if sys.platform == "win32" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Draft:
    """A new private file for a database; `opened` keeps `remove_drafts` from taking it for one of a killed process."""

    file: Path
    opened: IO[bytes]

    def move_to(self, place: Path) -> None:
        """Put the file in its place; what was there is replaced.

        Raises:
            OSError: it can't be moved.
        """
        if sys.platform == "win32":  # it moves no open file
            self.opened.close()
        self.file.replace(place)


@contextmanager
def open_draft(folder: Path) -> Iterator[Draft]:
    """Make an empty private file for a database, gone at the end unless it was moved."""
    draft = _create_draft(folder.resolve())
    try:
        yield draft
    finally:
        draft.opened.close()
        _remove_draft(draft.file)


def remove_drafts(folder: Path) -> None:
    """Remove the drafts of killed processes from a folder; those that are locked or open elsewhere stay."""
    for file in folder.glob(f"{_DRAFT}*{_DRAFT_END}"):
        with suppress(OSError):
            if sys.platform == "win32":  # it removes no open file
                _remove_draft(file)
            else:
                with os.fdopen(os.open(file, os.O_RDWR | _OPENING), "wb") as opened:
                    _lock(opened)
                    _remove_draft(file)


def _create_draft(folder: Path) -> Draft:
    while True:
        descriptor, name = tempfile.mkstemp(prefix=_DRAFT, suffix=_DRAFT_END, dir=folder)
        draft = Draft(Path(name), os.fdopen(descriptor, "wb"))
        if sys.platform != "win32":
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        if draft.file.exists():
            return draft
        # Somebody took it for one of a killed process, before it was locked.
        draft.opened.close()


def _remove_draft(file: Path) -> None:
    for end in ("", *LOGS):
        Path(f"{file}{end}").unlink(missing_ok=True)


def _lock(opened: IO[bytes]) -> None:
    """Lock a file until it is closed, or the process ends in any way.

    Raises:
        OSError: one of `_HELD` if another process holds the lock, any other one if the file system has no locks.
    """
    if sys.platform == "win32":
        msvcrt.locking(opened.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock_of(database_file: Path) -> Path:
    """Return the file whose lock stands for a database, the same one for every link to it."""
    return Path(f"{database_file.resolve()}.lock")


@contextmanager
def lock_file(database_file: Path) -> Iterator[None]:
    """Hold the lock of a SQLite file; the system frees it even if the process is killed.

    Raises:
        AlreadyRunning: another process of this bot holds it.
        StoreError: it is a folder, its folder can't be written, it has two names, or its file system has no locks.
    """
    if database_file.is_dir():
        raise StoreError(f"{database_file} is a folder. Name a file in it")
    lock = lock_of(database_file)
    try:
        make_folder(lock.parent)
        descriptor = open_file(lock, PRIVATE)
    except OSError as error:
        raise StoreError(f"{lock} can't be written ({error.strerror})") from None
    with os.fdopen(descriptor, "wb") as opened:
        try:
            _lock(opened)
        except _HELD:
            raise AlreadyRunning(str(database_file)) from None
        except OSError as error:
            reason = f"its file system can't lock files ({error.strerror}). Move it to a disk of this machine"
            raise StoreError(reason) from None
        if database_file.exists() and database_file.stat().st_nlink > 1:
            raise StoreError("the file has another name too (a hard link), under which another bot could use it")
        yield
