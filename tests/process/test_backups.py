"""Backups, restores and moves: beside a running bot, and when they are killed themselves."""

import asyncio
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.store.database import open_database, sqlite_file
from tests.support.network import NOWHERE
from tests.support.process.deployment import Deployment
from tests.support.store.samples import count, fill, put, rows_of
from tests.support.wire.launch import Launch
from tests.support.wire.process import run_bot


def _messages_in(backup: Path) -> list[tuple[int, str]]:
    """Return the channels and states of the messages in a backup, which must be intact."""
    with closing(sqlite3.connect(backup)) as opened:
        assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
        return opened.execute("SELECT channel_id, state FROM messages").fetchall()


async def test_backup_amid_reminders(sqlite_deployment: Deployment, tmp_path: Path) -> None:
    """A backup during reminders, and while one hangs at Discord, is intact, and the bot loses no reminder."""
    channels = [await sqlite_deployment.add_subscription() for _ in range(6)]
    seen, accounts = sqlite_deployment.channels, []
    async with sqlite_deployment.run() as bot:
        for number in range(1, 5):
            if number == 4:
                seen.hanging.add(channels[0])
            accounts.append(sqlite_deployment.add_account())
            backup = tmp_path / f"{number}.db"
            result, *_ = await asyncio.gather(
                bot.run_beside("backup", str(backup)),
                seen.posts.find(lambda channel: channel == channels[0], nth=number),
                *(seen.message_in(channel, nth=number) for channel in channels[1:]),
            )
            assert result == (0, f"Backed up 6 reminders to {backup}.")
            assert len(_messages_in(backup)) >= 6 * (number - 1)
        assert (await bot.run_beside("backup", f"{tmp_path}/last.db"))[0] == 0
    messages = _messages_in(tmp_path / "last.db")
    # Discord has the other messages of this poll; the bot may not have stored that yet.
    assert Counter(channel for channel, _ in messages) == dict.fromkeys(channels, 4)
    assert Counter(state for channel, state in messages if channel == channels[0]) == {"sent": 3, "sending": 1}
    seen.hanging.clear()
    await sqlite_deployment.elapse(timedelta(seconds=20))
    await sqlite_deployment.run_through()
    assert {sqlite_deployment.count_mentions(channel, one) for channel in channels for one in accounts} == {1}


async def test_restore_beside_a_bot(sqlite_deployment: Deployment, tmp_path: Path) -> None:
    """A restore is refused while the bot runs; after its end it succeeds, and the bot goes on from the backup."""
    account = sqlite_deployment.add_account()
    channel = await sqlite_deployment.add_subscription()
    backup = f"{tmp_path}/backup.db"
    async with sqlite_deployment.run() as bot:
        await sqlite_deployment.channels.message_in(channel)
        await sqlite_deployment.polls()
        assert (await bot.run_beside("backup", backup))[0] == 0
        status, output = await bot.run_beside("restore", backup)
        assert status == 2
        assert "The bot is running on" in output
        assert await bot.stop() == 0
        status, output = await bot.run_beside("restore", backup)
        assert status == 0, output
    await sqlite_deployment.run_through()
    assert sqlite_deployment.count_mentions(channel, account) == 1


async def test_move_beside_a_bot(deployment: Deployment, new_database: Callable[[], str], tmp_path: Path) -> None:
    """A move is refused while the bot runs; after its end a bot on the new database goes on and repeats no reminder."""
    first = deployment.add_account()
    channel = await deployment.add_subscription()
    target = new_database() if sqlite_file(deployment.database_url) else f"sqlite+aiosqlite:///{tmp_path}/new.db"
    async with deployment.run() as bot:
        await deployment.channels.message_in(channel)
        status, output = await bot.run_beside("migrate-to", target)
        assert status == 2
        assert "The bot is running on" in output
        assert await bot.stop() == 0
        status, output = await bot.run_beside("migrate-to", target)
        assert status == 0, output
    deployment.database_url = target
    second = deployment.add_account()
    await deployment.run_through()
    assert [deployment.count_mentions(channel, one) for one in (first, second)] == [1, 1]


async def _run_until_killed(url: str, *arguments: str, launch: Launch) -> bool:
    """Run a command that may kill itself; returns whether it was completed."""
    async with run_bot(NOWHERE, {"DATABASE_URL": url}, *arguments, launch=launch, is_forked=True) as bot:
        status = await bot.ended()
        assert status in (0, -signal.SIGKILL), bot.output
        return status == 0


async def test_restore_killed_at_each_step(tmp_path: Path) -> None:
    """A restore that is killed at its first, second ... use of a file leaves the old database or the restored one."""
    home, backup = tmp_path / "home", tmp_path / "backup.db"
    home.mkdir()
    async with open_database(f"sqlite+aiosqlite:///{backup}") as database:
        for channel_id in (1, 2):
            await put(database, channel_id)
    async with open_database(f"sqlite+aiosqlite:///{home}/bot.db") as database:
        await put(database)
        await asyncio.to_thread(shutil.copytree, home, tmp_path / "killed")
    ended, subscriptions = False, []
    for number in range(1, 100):
        await asyncio.to_thread(shutil.rmtree, home)
        # The subscription of a killed bot is only in the write-ahead log.
        await asyncio.to_thread(shutil.copytree, tmp_path / "killed", home)
        url = f"sqlite+aiosqlite:///{home}/bot.db"
        ended = await _run_until_killed(url, "restore", str(backup), launch=Launch(die_at_file=number))
        async with open_database(url) as database:
            subscriptions.append(await count(database))
        if ended:
            break
    assert ended
    assert len(subscriptions) > 5
    assert subscriptions == sorted(subscriptions)
    assert set(subscriptions) == {1, 2}


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_move_killed_before_each_commit(
    database_url: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    """A move that is killed before its first, second ... commit has copied all or nothing; the source is unchanged."""
    is_file = sqlite_file(database_url) is not None
    async with open_database(database_url) as source:
        await fill(source, 2)
        before = await rows_of(source)
    ended = False
    for commit in range(1, 20):
        target = new_database() if is_file else f"sqlite+aiosqlite:///{tmp_path}/{commit}.db"
        launch = Launch(die_before_commit=commit)
        ended = await _run_until_killed(database_url, "migrate-to", target, launch=launch)
        async with open_database(target) as database:
            found = await rows_of(database)
        assert found in (before, {name: [] for name in before})
        if ended:
            break
    assert ended
    assert found == before
    assert commit > 3
