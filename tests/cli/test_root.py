"""Root in folders of other users: nothing there steers root."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.command import load_settings
from bot.cli.owner import work_as_owner_of
from bot.config import StoreSettings
from bot.errors import SettingsError, WrongUser
from tests.support.paths import REPOSITORY
from tests.support.store.schemas import DUMPS, load_dump

pytestmark = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give folders away")

# A user without a name or a home.
OWNER = 61_234


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a service's folder, with its database, that others may look into."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        load_dump(DUMPS[-1], made / "data" / "bot.db")
        give(made)
        made.chmod(0o755)
        yield made


def give(folder: Path) -> None:
    """Give a folder, and all in it, to the owner."""
    for one in (folder, *folder.rglob("*")):
        os.chown(one, OWNER, OWNER, follow_symlinks=False)


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the bot as root there, as the documents say."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-P", "-m", "bot", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run_python(statement: str) -> tuple[int, str]:
    """Run a statement as root; return its status, and the ids of user and group that it ends with."""
    lines = ("import os", "from pathlib import Path", "from bot.cli.owner import work_as_owner_of")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-P", "-c", "\n".join([*lines, statement, "print(os.getuid(), os.getgid())"])],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout or done.stderr


def is_readable(path: Path | str) -> bool:
    """Whether other users may read a file, through all folders above it."""
    return Path(path).stat().st_mode & 0o004 != 0 and all(one.stat().st_mode & 0o001 for one in Path(path).parents)


@pytest.mark.skipif(
    not (is_readable(os.__file__) and is_readable(pytest.__file__) and is_readable(REPOSITORY / "README.md")),
    reason="this Python, or this clone, is root's alone",
)
def test_backup_and_restore_work_as_the_owner(folder: Path) -> None:
    """What root starts in the service's folder belongs to its owner, and a package planted there is not imported."""
    (folder / "bot").mkdir()
    (folder / "bot" / "__init__.py").write_text("raise SystemExit('planted')")
    (folder / "sqlite3.py").write_text("raise SystemExit('planted')")
    give(folder)
    for arguments in (("backup", "copy.db"), ("restore", "copy.db")):
        status, output = run(folder, *arguments)
        assert status == 0, output
        assert output.startswith(f"Working as user {OWNER} instead of root, because {folder} is theirs.\n")
    files = [folder / "copy.db", *(folder / "data").iterdir()]
    assert len(files) == 4
    assert {file.stat().st_uid for file in files} == {OWNER}
    assert {file.stat().st_mode & 0o777 for file in files if file.suffix != ".lock"} == {0o600}


def test_planted_settings_and_links(folder: Path, tmp_path: Path) -> None:
    """A planted `.env` or link leads only to files that the owner may use anyway."""
    precious = tmp_path / "precious.db"
    load_dump(DUMPS[-1], precious)
    (folder / ".env").write_text(f"DATABASE_URL=sqlite+aiosqlite:///{precious}\n")
    (folder / "link.db").symlink_to(precious)
    give(folder)
    before = precious.read_bytes()
    assert run(folder, "backup", "copy.db")[0] == 2
    (folder / ".env").unlink()
    for arguments in (("backup", "link.db"), ("restore", "link.db")):
        assert run(folder, *arguments)[0] == 2
    assert precious.read_bytes() == before
    assert precious.stat().st_uid == 0
    assert {file.stat(follow_symlinks=False).st_uid for file in folder.rglob("*")} == {OWNER}


def test_an_owner_who_can_not_read_the_bot(folder: Path, tmp_path: Path) -> None:
    """Where the owner can't work, root does not work either, and is told as whom to run the command."""
    inside = Path(shutil.copytree(folder, tmp_path / "inside"))
    give(inside)
    tmp_path.chmod(0o700)
    status, output = run(inside, "backup", "copy.db")
    assert status == 2
    assert output.startswith("Root should not work here.\n")
    assert f"Run this as user {OWNER}" in output
    assert not (inside / "copy.db").exists()
    # As with every other finding of `check`.
    assert run(inside, "check")[0] == 1


def test_check_leaves_nothing_of_roots_beside_the_database(folder: Path, tmp_path: Path) -> None:
    """`check` of root's own folder opens a database elsewhere as its owner, who could else not use it any more."""
    tokens = (
        "DISCORD_TOKEN=MTEw.not.a-token\nUSEAPI_TOKEN=user:1-none\nGUILD_IDS=1\nUSEAPI_BASE_URL=http://127.0.0.1:9\n"
    )
    (tmp_path / ".env").write_text(f"{tokens}DATABASE_URL=sqlite:///{folder}/data/bot.db\n")
    (tmp_path / ".env").chmod(0o600)
    status, output = run(tmp_path, "check")
    assert status == 1
    assert output.splitlines()[0] in (
        f"Working as user {OWNER} instead of root, because {folder / 'data'} is theirs.",
        "Root should not work here.",
    )
    assert {file.stat().st_uid for file in folder.rglob("*")} == {OWNER}


def test_folders_of_several_users(tmp_path: Path) -> None:
    """Root refuses to work where two users could steer it; folders of its own are no matter."""
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        os.chown(tmp_path / str(number), OWNER + number, OWNER)
    work_as_owner_of([tmp_path, tmp_path / "missing" / "folder"])
    with pytest.raises(WrongUser, match="several users"):
        work_as_owner_of([tmp_path / "1", tmp_path / "2" / "missing"])
    assert os.geteuid() == 0


def test_a_link_of_somebody_else(folder: Path, tmp_path: Path) -> None:
    """A folder that somebody else's link leads to was chosen by them: root does not work there, nor as its group."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (folder / "link").symlink_to(private)
    (tmp_path / "near").symlink_to(folder / "link")
    (folder / "loop").symlink_to(folder / "loop")
    os.chown(folder / "link", OWNER, OWNER, follow_symlinks=False)
    for place in (folder / "link", tmp_path / "near" / "below", folder / "loop"):
        status, output = run_python(f"work_as_owner_of([Path({str(place)!r})])")
        assert (status, output) == (0, f"{OWNER} {OWNER}\n") or (status == 1 and "WrongUser" in output), output


@pytest.mark.parametrize("is_link", [False, True])
def test_settings_of_somebody_else(tmp_path: Path, *, is_link: bool) -> None:
    """In a folder of its own, root reads no `.env` of somebody else."""
    dotenv, elsewhere = tmp_path / ".env", tmp_path / "elsewhere"
    (elsewhere if is_link else dotenv).write_text("LOG_LEVEL=DEBUG\n")
    os.chown(elsewhere if is_link else dotenv, OWNER, OWNER)
    if is_link:
        dotenv.symlink_to(elsewhere)
    with pytest.raises(SettingsError, match=r"chown root: \.env"):
        load_settings(StoreSettings)
