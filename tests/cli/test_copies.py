"""Tests of `backup`, `restore` and `migrate-to`, run as real processes."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.cli.data import hide_password
from bot.core.database_url import parse_database_url, spell
from bot.store.database import open_database
from tests.support.store.samples import count, put
from tests.support.wire.process import run_bot

# Without an address discord.py is not even loaded.
NOWHERE = ""
SERVER = "postgresql+asyncpg://bot:s3cret%2Fword@127.0.0.1:9/bot"


@pytest.fixture
async def sqlite_url(tmp_path: Path) -> str:
    """Store a reminder in a SQLite database, and return its address."""
    url = f"sqlite+aiosqlite:///{tmp_path}/data/bot.db"
    async with open_database(url) as database:
        await put(database)
    return url


async def run(database_url: str, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run the bot with DATABASE_URL as its only setting; returns its exit status and output."""
    async with run_bot(NOWHERE, {"DATABASE_URL": database_url, **settings}, *arguments, is_forked=True) as bot:
        return await bot.ended(), bot.output


async def test_a_backup_is_one_line(sqlite_url: str, tmp_path: Path) -> None:
    """A backup needs no token, and reports in one line where it is and what it holds."""
    status, output = await run(sqlite_url, "backup", f"{tmp_path}/backup.db")
    assert (status, output) == (0, f"Backed up 1 reminder to {tmp_path}/backup.db.")
    status, output = await run(sqlite_url, "backup", f"{tmp_path}/backup.db")
    assert status == 2
    assert "exists already" in output


async def test_a_restore_reports_what_it_did(sqlite_url: str, tmp_path: Path) -> None:
    """A restore reports what is restored, where the old file is, and that messages may come again."""
    await run(sqlite_url, "backup", f"{tmp_path}/backup.db")
    status, output = await run(sqlite_url, "restore", f"{tmp_path}/backup.db")
    first, second, third = output.splitlines()
    assert status == 0
    assert first == f"Restored 1 reminder from {tmp_path}/backup.db to {tmp_path}/data/bot.db."
    assert second.startswith(f"The previous database is kept in {tmp_path}/data/bot.before-restore-20")
    assert third == "Reminders sent after this backup may be sent again."
    async with open_database(sqlite_url) as database:
        assert await count(database) == 1


async def test_a_restore_onto_nothing_keeps_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """Without a database before, none is reported as kept."""
    await run(sqlite_url, "backup", f"{tmp_path}/backup.db")
    status, output = await run(f"sqlite+aiosqlite:///{tmp_path}/new.db", "restore", f"{tmp_path}/backup.db")
    assert status == 0
    assert "kept" not in output


async def test_there_and_back_again(sqlite_url: str, new_database: Callable[[], str], tmp_path: Path) -> None:
    """To PostgreSQL and back to a file each move ends with the line to set, with which the next one works."""
    urls = [sqlite_url, new_database(), f"sqlite+aiosqlite:///{tmp_path}/back.db"]
    for source, target in itertools.pairwise(urls):
        status, output = await run(source, "migrate-to", target)
        assert status == 0
        assert "***" not in output
        assert "Copied and counted: 1 reminder, 1 row in all." in output
        (line,) = (line for line in output.splitlines() if line.startswith("DATABASE_URL="))
        assert line == f"DATABASE_URL={spell(parse_database_url(target))}"
    async with open_database(urls[-1]) as database:
        assert await count(database) == 1


async def test_the_password_is_left_out(sqlite_url: str, new_database: Callable[[], str]) -> None:
    """The line to set has *** in the place of the password, with a note."""
    url = sa.make_url(new_database()).set(password="s3cret/word")
    status, output = await run(sqlite_url, "migrate-to", url.render_as_string(hide_password=False), LOG_LEVEL="DEBUG")
    assert status == 0
    assert f"DATABASE_URL={spell(url.render_as_string(hide_password=True))}\n" in output
    assert "Replace *** by the password" in output
    assert "s3cret" not in output
    assert "word@" not in output


async def test_the_place_of_a_separate_password_is_named(sqlite_url: str, new_database: Callable[[], str]) -> None:
    """A password that came as PGPASSWORD gets a line of its own among the settings, without its value."""
    address = spell(new_database())
    status, output = await run(sqlite_url, "migrate-to", address, PGPASSWORD="s3cret/word")
    assert status == 0
    assert f"\nDATABASE_URL={address}\nPGPASSWORD=***\n\nReplace *** by the password" in output
    assert "s3cret" not in output


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+asyncpg://bot:s3cret@db/bot", "postgresql://bot:***@db/bot"),
        ("postgresql+asyncpg://bot@db/bot", "postgresql://bot@db/bot"),
        ("postgresql+asyncpg://bot@db/bot?password=s3cret", "postgresql://bot@db/bot?password=***"),
        ("sqlite+aiosqlite:///data/bot.db", "sqlite:///data/bot.db"),
    ],
)
def test_where_a_password_may_stand(address: str, shown: str) -> None:
    """A password is hidden wherever an address may hold one; the rest is shown as it is."""
    assert hide_password(address) == shown


@pytest.mark.parametrize(
    ("database_url", "arguments", "reason"),
    [
        ("sqlite+aiosqlite:///data/bot.db", ["backup", "copy.db"], "no database at data/bot.db yet"),
        ("sqlite+aiosqlite:///data/bot.db", ["restore", "copy.db"], "no file copy.db"),
        ("sqlite+aiosqlite:///data/bot.db", ["migrate-to", SERVER], "nothing to copy"),
        (SERVER, ["backup", "copy.db"], "pg_dump"),
        (SERVER, ["restore", ".env"], "pg_restore"),
        (SERVER, ["migrate-to", "sqlite+aiosqlite:///copy.db"], "the source failed: it can't be opened"),
        (f"{SERVER}?colour=blue", ["migrate-to", "sqlite+aiosqlite:///copy.db"], "does not know: colour"),
        ("mysql://bot:s3cret@db/bot", ["backup", "copy.db"], "DATABASE_URL must begin with"),
        ("sqlite+aiosqlite:///data/bot.db", ["migrate-to", "mysql://bot:s3cret@db/bot"], "URL: must begin with"),
        (
            "sqlite+aiosqlite:///data/bot.db",
            ["migrate-to", f"{SERVER}?shiny=1"],
            "URL: has options that the bot does not know: shiny",
        ),
        ("sqlite+aiosqlite:///data/bot.db", ["migrate-to", "postgresql+asyncpg://bot:s3cret/@db/bot"], "%2F"),
        (f"sqlite+aiosqlite:///{'a' * 300}", ["backup", "copy.db"], "name too long"),
        (f"sqlite+aiosqlite:///{'a' * 300}", ["migrate-to", SERVER], "name too long"),
        ("sqlite+aiosqlite:///.env", ["backup", "a" * 300], "name too long"),
        ("sqlite+aiosqlite:///.env", ["restore", "a" * 300], "name too long"),
        ("sqlite+aiosqlite:///.env", ["migrate-to", f"sqlite+aiosqlite:///{'a' * 300}"], "name too long"),
        ("sqlite+aiosqlite:///.env", ["migrate-to", SERVER], "not a database"),
        ("sqlite+aiosqlite:////proc/nowhere/bot.db", ["restore", ".env"], "bot.db.lock can't be written"),
    ],
)
async def test_a_failure_is_reported_in_words(database_url: str, arguments: list[str], reason: str) -> None:
    """Each failure to copy the data ends with status 2, in words, without a password or a traceback."""
    async with run_bot(NOWHERE, {"DATABASE_URL": database_url}, *arguments, dotenv="#\n") as bot:
        assert await bot.ended() == 2
        assert reason in bot.output
        assert "s3cret" not in bot.output
        assert "Traceback" not in bot.output


async def test_a_failed_restore_says_so(sqlite_url: str) -> None:
    """A restore that is refused is not called a copy."""
    status, output = await run(sqlite_url, "restore", "missing.db")
    assert (status, output.splitlines()[:2]) == (2, ["Nothing was restored.", "There is no file missing.db."])


async def test_a_folder_that_is_missing(sqlite_url: str) -> None:
    """A backup into a folder that is not there is refused."""
    status, output = await run(sqlite_url, "backup", "missing/backup.db")
    assert status == 2
    assert output.splitlines() == [
        "No backup was made.",
        "There is no folder missing.",
        "Make it first, or choose another one.",
    ]
