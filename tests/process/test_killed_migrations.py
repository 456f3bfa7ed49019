"""Migrations that are killed."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

from bot.store.database import SCHEMA, open_database
from tests.support.network import NOWHERE
from tests.support.store.samples import rows_of
from tests.support.store.schemas import DUMPS, load_dump
from tests.support.wire.launch import Launch
from tests.support.wire.process import run_bot
from tests.support.wire.standins import build_settings

_OTHERS = 0o077


def _lay(file: Path) -> None:
    load_dump(DUMPS[-1], file)
    file.chmod(0o600)


def _modes_in(folder: Path) -> dict[str, int]:
    return {one.name: one.stat().st_mode for one in folder.iterdir()}


async def _start(url: str, launch: Launch) -> int:
    """Start a bot that may kill itself, and stop it once it has migrated; return its exit status."""
    settings = build_settings(NOWHERE, DATABASE_URL=url)
    async with run_bot(NOWHERE, settings, launch=launch, is_forked=True) as bot:
        with suppress(AssertionError):
            await bot.says(f"to {SCHEMA}")
            bot.signal(signal.SIGTERM)
        return await bot.ended()


async def test_killed_at_each_step(tmp_path: Path) -> None:
    """A start that is killed at its first, second ... use of a file leaves private files, and the next one migrates.

    Then every row is there, one complete copy of the old database is left, and nothing else of the killed start.
    """
    found, status, number = [], -signal.SIGKILL, 0
    while status:
        number += 1
        folder = tmp_path / str(number)
        file, copy = folder / "bot.db", folder / f"bot.before-{SCHEMA}.db"
        await asyncio.to_thread(_lay, file)
        status = await _start(f"sqlite+aiosqlite:///{file}", Launch(die_at_file=number))
        assert status in (0, -signal.SIGKILL)
        assert {mode & _OTHERS for mode in _modes_in(folder).values()} == {0}
        async with open_database(f"sqlite+aiosqlite:///{file}") as database:
            found.append(await rows_of(database))
        assert _modes_in(folder).keys() - {"bot.db.lock"} == {file.name, copy.name}
        async with open_database(f"sqlite+aiosqlite:///{copy}") as database:
            found.append(await rows_of(database))
    assert number > 5
    assert all(rows == found[0] for rows in found)
