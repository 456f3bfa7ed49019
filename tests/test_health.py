"""Tests of the report that tells other processes whether the bot is well."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.monitoring.health_file import HEALTH_FILE, find_trouble, keep_reporting, write_report

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "disconnected", "trouble"),
    [
        (0, 0, None),
        (60, 60, None),
        (0, 120, None),
        (61, 61, "has not reported for 61 seconds"),
        (0, 121, "has not been connected to Discord for 121 seconds"),
    ],
)
def test_judges_a_report_by_its_age(tmp_path: Path, age: int, disconnected: int, trouble: str | None) -> None:
    """A report is good for a minute, a lost connection for two."""
    file = tmp_path / "health.json"
    at, connected_at = NOW - timedelta(seconds=age), NOW - timedelta(seconds=disconnected)
    write_report(file, at=at, connected_at=connected_at)
    found = find_trouble(file, NOW)
    assert found == trouble if trouble is None else found is not None and trouble in found


def test_says_that_no_bot_runs(tmp_path: Path) -> None:
    """Without a report there is no bot."""
    assert "not running" in (find_trouble(tmp_path / "health.json", NOW) or "")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"at": 1, "connected_at": 2}', '{"at": "x", "connected_at": ""}'])
def test_does_not_trust_a_report(tmp_path: Path, content: str) -> None:
    """A file that is no report is told as such."""
    file = tmp_path / "health.json"
    file.write_text(content, encoding="utf-8")
    assert "is not a report" in (find_trouble(file, NOW) or "")


def test_a_report_without_time_zone_is_none(tmp_path: Path) -> None:
    """A naive time can't be compared, and is not guessed at."""
    file = tmp_path / "health.json"
    write_report(file, at=NOW.replace(tzinfo=None), connected_at=NOW.replace(tzinfo=None))
    assert "is not a report" in (find_trouble(file, NOW) or "")


async def test_reports_while_running(tmp_path: Path) -> None:
    """The report carries when the bot was last connected."""
    file = tmp_path / HEALTH_FILE
    asked = asyncio.Event()

    def is_connected() -> bool:
        asked.set()
        return True

    task = asyncio.create_task(keep_reporting(file, is_connected, lambda: NOW))
    await asked.wait()
    await asyncio.sleep(0)
    task.cancel()
    assert find_trouble(file, NOW) is None


async def test_warns_once_when_it_cannot_report(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder that can't be written is a warning, and the bot goes on."""
    (tmp_path / "data").write_text("a file where the folder should be", encoding="utf-8")
    asked = asyncio.Event()

    def is_connected() -> bool:
        asked.set()
        return True

    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(keep_reporting(tmp_path / HEALTH_FILE, is_connected, lambda: NOW))
        await asked.wait()
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
