"""The files beside a database: their permissions, links, and the lock."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from bot.errors import AlreadyRunning, StoreError
from bot.monitoring.health_file import Verdict, write_report
from bot.store.database import open_database
from bot.store.files import lock_file
from tests.support.paths import REPOSITORY
from tests.support.store.samples import NOW

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions and locks")


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Let new files have the permissions that their maker names."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
async def test_nothing_is_writable_by_others(tmp_path: Path) -> None:
    """Whatever the umask, only the owner may write the files and folders of a running bot."""
    file = tmp_path / "some" / "folder" / "bot.db"
    with lock_file(file):
        async with open_database(f"sqlite+aiosqlite:///{file}"):
            write_report(file.parent / "health.json", Verdict(NOW, ()))
            made = [tmp_path / "some", file.parent, *file.parent.iterdir()]
    assert len(made) > 4
    assert [one.name for one in made if one.exists() and one.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["bot.db.lock", "health.json.new"])
def test_a_planted_link_is_not_followed(tmp_path: Path, name: str) -> None:
    """A link in place of a file that the bot writes leaves the file behind it as it is."""
    precious = tmp_path / "precious"
    precious.write_text("precious", encoding="utf-8")
    (tmp_path / name).symlink_to(precious)
    if name.endswith(".lock"):
        with pytest.raises(StoreError, match="lock can't be written"), lock_file(tmp_path / "bot.db"):
            pass
    else:
        write_report(tmp_path / "health.json", Verdict(NOW, ()))
        assert not (tmp_path / "health.json").is_symlink()
    assert precious.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("name", ["bot.db", "bot", "bot.lock", "bot.db.lock"])
def test_the_lock_is_another_file_than_the_database(tmp_path: Path, name: str) -> None:
    """A database may have any name: the lock leaves its content alone."""
    file = tmp_path / name
    file.write_bytes(b"SQLite format 3\0")
    with lock_file(file):
        assert file.read_bytes() == b"SQLite format 3\0"


def test_a_link_to_a_database_in_use(tmp_path: Path) -> None:
    """The lock belongs to the file: a bot that reaches it by another path is refused."""
    (tmp_path / "data").mkdir()
    file, link, folder = tmp_path / "data" / "bot.db", tmp_path / "link.db", tmp_path / "elsewhere"
    file.touch()
    link.symlink_to(file)
    folder.symlink_to(file.parent)
    with lock_file(file):
        for other in (file, link, folder / "bot.db"):
            with pytest.raises(AlreadyRunning), lock_file(other):
                pass


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """A folder in place of the file is refused in words, and gets no lock."""
    (tmp_path / "data").mkdir()
    with pytest.raises(StoreError, match="is a folder"), lock_file(tmp_path / "data"):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


def test_a_database_with_two_names(tmp_path: Path) -> None:
    """A hard link is another name of the same file, which no lock beside it can cover."""
    file, other = tmp_path / "bot.db", tmp_path / "other.db"
    file.touch()
    other.hardlink_to(file)
    for name in (file, other):
        with pytest.raises(StoreError, match="another name"), lock_file(name):
            pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network disk that can't lock is named as the cause, instead of another bot."""

    def fail(_descriptor: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(StoreError, match=r"can.t lock files .*disk of this machine"), lock_file(tmp_path / "bot.db"):
        pass


_WINDOWS = """
import errno, fcntl, sys, types
import bot.errors, tempfile  # which load what looks at the platform

def locking(descriptor, mode, length):
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_EX)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied")

sys.platform = "win32"
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=fcntl.LOCK_NB)
sys.modules["fcntl"] = None

from pathlib import Path
from bot.store.files import lock_file
with lock_file(Path(sys.argv[1])):
    print("locked")
"""


@pytest.mark.parametrize("is_held", [False, True])
def test_a_second_bot_on_windows(tmp_path: Path, *, is_held: bool) -> None:
    """With the means of Windows, which are other ones, a second bot is refused too."""
    file = tmp_path / "bot.db"
    with lock_file(file) if is_held else nullcontext():
        done = subprocess.run(  # noqa: S603  (our own program)
            [sys.executable, "-c", _WINDOWS, str(file)], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
    assert ("locked" in done.stdout, "AlreadyRunning" in done.stderr) == (not is_held, is_held), done.stderr
