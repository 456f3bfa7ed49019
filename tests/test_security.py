"""SECURITY.md names the secrets, tables and files that exist."""

import re
from fnmatch import fnmatch
from pathlib import Path

from pydantic import SecretStr

from bot.config import Settings
from bot.monitoring.health_file import HEALTH_FILE, Verdict, write_report
from bot.store.backups import back_up, restore
from bot.store.database import open_database
from bot.store.files import lock_file, open_draft
from bot.store.tables import metadata
from tests.support.paths import REPOSITORY
from tests.support.store.samples import NOW
from tests.support.store.schemas import DUMPS, load_dump

TEXT = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")


def rows_of(heading: str, first: str) -> set[str]:
    """Return the code words in the first column of a table, found by its section and the head of that column."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = section.partition(f"| {first} |")[2].partition("\n\n")[0]
    return {
        name
        for row in table.splitlines()
        if row.startswith("| ")
        for name in re.findall(r"`([\w./*-]+)`", row.split("|")[1])
    }


def test_every_table_is_named() -> None:
    """The document lists the tables of the database, no more and no fewer."""
    assert rows_of("What the bot stores", "Table") == set(metadata.tables)


def test_every_secret_can_be_changed() -> None:
    """The document explains the change of every setting that is or holds a secret."""
    secrets = {
        str(field.alias)
        for field in Settings.model_fields.values()
        if field.annotation in (SecretStr, SecretStr | None)
    }
    assert rows_of("Change a secret", "Secret") == secrets | {"DATABASE_URL"}


async def test_every_file_that_the_bot_writes_is_named() -> None:
    """An upgrade, a run, a backup and a restore leave the files that the document lists, no more and no fewer."""
    file, written = Path("data/bot.db"), set[str]()

    def look() -> None:
        written.update(map(str, Path("data").iterdir()))

    load_dump(DUMPS[0], file)
    with lock_file(file):
        async with open_database(f"sqlite+aiosqlite:///{file}"):
            write_report(HEALTH_FILE, Verdict(NOW, ()))
            look()
    back_up(f"sqlite+aiosqlite:///{file}", Path("copy.db"))
    restore(f"sqlite+aiosqlite:///{file}", Path("copy.db"), NOW)
    with open_draft(file.parent):
        look()
    named = {name for name in rows_of("What the bot stores", "Where") if name.startswith("data/")}
    # It is there for a moment only.
    named.remove("data/health.json.new")
    assert {name for name in written if not any(fnmatch(name, pattern) for pattern in named)} == set()
    assert {pattern for pattern in named if not any(fnmatch(name, pattern) for name in written)} == set()
