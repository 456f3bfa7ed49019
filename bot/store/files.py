"""Writes files beside the database: with explicit permissions, and never through a link."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import AlreadyRunning, StoreError

_FOLDER, PRIVATE, READABLE = 0o755, 0o600, 0o644
# What a file system says that another process holds the lock; every other failure is one of the file system.
_HELD = (BlockingIOError, PermissionError)


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
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(file, flags, mode)


def replace_text(file: Path, text: str) -> None:
    """Replace a file that everybody may read, in one step.

    Raises:
        OSError: it can't be written.
    """
    make_folder(file.parent)
    draft = Path(f"{file}.new")
    with os.fdopen(open_file(draft, READABLE), "w", encoding="utf-8") as opened:
        opened.truncate()
        opened.write(text)
    draft.replace(file)


def lock_of(database_file: Path) -> Path:
    """Return the file whose lock stands for a database, the same one for every link to it."""
    return Path(f"{database_file.resolve()}.lock")


@contextmanager
def lock_file(database_file: Path) -> Iterator[None]:
    """Hold the lock of a SQLite file; the system frees it even if the process is killed.

    Raises:
        AlreadyRunning: another process of this bot holds it.
        StoreError: the folder can't be written, the file has two names, or its file system has no locks.
    """
    try:
        import fcntl
    except ImportError:  # Windows: the operator must start one process only
        yield
        return
    lock = lock_of(database_file)
    try:
        make_folder(lock.parent)
        descriptor = open_file(lock, PRIVATE)
    except OSError as error:
        raise StoreError(f"its folder can't be written ({error.strerror})") from None
    with os.fdopen(descriptor, "w"):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except _HELD:
            raise AlreadyRunning(str(database_file)) from None
        except OSError as error:
            reason = f"its file system can't lock files ({error.strerror}). Move it to a disk of this machine"
            raise StoreError(reason) from None
        if database_file.exists() and database_file.stat().st_nlink > 1:
            raise StoreError("the file has another name too (a hard link), under which another bot could use it")
        yield
