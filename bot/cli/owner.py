"""Keeps root from trusting a folder of somebody weaker: there the bot works as the owner of the folder."""

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from bot.errors import WrongUser

_ROOT = 0
# As many as Linux follows.
_MOST_LINKS = 40


def work_beside(*database_urls: str, folders: Sequence[Path] = ()) -> None:
    """Become the owner of the folders of these databases, and of the others, as `work_as_owner_of`."""
    from bot.store.database import sqlite_file

    files = [sqlite_file(url) for url in database_urls]
    work_as_owner_of([*(file.parent for file in files if file is not None), *folders])


def work_as_owner_of(folders: Sequence[Path]) -> None:
    """Become the user who owns these folders, or the nearest ones above them that exist, if root runs this process.

    A link to a folder counts as a folder too.

    Raises:
        WrongUser: they belong to several users, or this process may not become another one.
    """
    if sys.platform == "win32" or os.geteuid() != _ROOT:
        return
    owners: dict[int, Path] = {}
    for found in chain.from_iterable(map(_find_existing, folders)):
        owners.setdefault(found.lstat().st_uid, found)
    owners.pop(_ROOT, None)
    if not owners:
        return
    if len(owners) > 1:
        raise WrongUser("they belong to several users", [_name_of(uid) for uid in owners])
    ((uid, folder),) = owners.items()
    _become(uid, folder)
    print(f"Working as {_name_of(uid)} instead of root, because {folder} is theirs.", file=sys.stderr)


def is_trusted(file: Path) -> bool:
    """Whether a file, and a link in its place, is this user's own or root's; others count for root alone."""
    if sys.platform == "win32" or os.geteuid() != _ROOT:
        return True
    return {file.lstat().st_uid, file.stat().st_uid} == {_ROOT}


def _find_existing(folder: Path) -> Iterator[Path]:
    """Yield a folder, or the nearest one above it that exists, and each link on the way: its owner chose where to."""
    waiting, links = [folder.absolute()], 0
    while waiting:
        folder = waiting.pop()
        way = (folder, *folder.parents)
        yield next(one for one in way if one.exists())
        for link in filter(Path.is_symlink, way):
            yield link
            if links < _MOST_LINKS:
                links += 1
                waiting.append(link.parent / link.readlink())


def _name_of(uid: int) -> str:
    if sys.platform == "win32":
        raise NotImplementedError
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _become(uid: int, folder: Path) -> None:
    if sys.platform == "win32":
        raise NotImplementedError
    import pwd

    try:
        try:
            user = pwd.getpwuid(uid)
        except KeyError:
            os.setgroups([])
            os.setgid(folder.lstat().st_gid)
            home = "/"
        else:
            os.initgroups(user.pw_name, user.pw_gid)
            os.setgid(user.pw_gid)
            home = user.pw_dir
        os.seteuid(uid)
        _check_reach(folder)
        os.seteuid(_ROOT)
        os.setuid(uid)
    except OSError:
        raise WrongUser("it may not become the owner, who may not read the bot", [_name_of(uid)]) from None
    # Libraries look for files of their own there.
    os.environ["HOME"] = home


def _check_reach(folder: Path) -> None:
    """Check that this process can go on: modules are loaded when they are needed.

    Raises:
        OSError: the folder, or a module, is out of reach.
    """
    folder.stat()
    library = importlib.util.find_spec("sqlalchemy")
    assert library is not None
    for module in (__file__, os.__file__, library.origin):
        Path(str(module)).open("rb").close()
