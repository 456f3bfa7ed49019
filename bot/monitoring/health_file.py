"""Tells other processes, by a small file, whether the running bot is well."""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

_LOG = logging.getLogger(__name__)

HEALTH_FILE = Path("data/health.json")
REPORT_EVERY = timedelta(seconds=15)
# A report this old means that the process hangs or is gone.
STALE_AFTER = 4 * REPORT_EVERY
# Long enough for an ordinary reconnect.
DISCONNECTED_FOR = timedelta(minutes=2)


def write_report(file: Path, *, at: datetime, connected_at: datetime | None) -> None:
    """Replace the report in one step; `connected_at` is None until the first connection.

    Raises:
        OSError: the file can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    connected = connected_at.isoformat() if connected_at else None
    draft.write_text(json.dumps({"at": at.isoformat(), "connected_at": connected}), encoding="utf-8")
    draft.replace(file)


def find_trouble(file: Path, now: datetime) -> str | None:
    """Return what is wrong with the running bot, in words; None if it is well."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        silent = now - datetime.fromisoformat(report["at"])
        connected_at = report["connected_at"]
        disconnected = None if connected_at is None else now - datetime.fromisoformat(connected_at)
    except OSError:
        return f"No bot reports to {file} from this folder: it is not running, or started a moment ago."
    except (ValueError, KeyError, TypeError):
        return f"{file} is not a report of this bot. Delete it; a running bot writes it anew."
    return _judge(silent, disconnected)


def _judge(silent: timedelta, disconnected: timedelta | None) -> str | None:
    if silent > STALE_AFTER:
        return f"The bot has not reported for {silent.total_seconds():.0f} seconds: it hangs or is gone."
    if silent < -STALE_AFTER:
        return "The bot's last report is from the future: see that this machine's clock is right."
    return _judge_connection(disconnected)


def _judge_connection(disconnected: timedelta | None) -> str | None:
    if disconnected is None:
        return "The bot has not connected to Discord yet."
    if disconnected > DISCONNECTED_FOR:
        return f"The bot has not been connected to Discord for {disconnected.total_seconds():.0f} seconds."
    return None


class Presence:
    """Remembers when the bot was last seen connected to Discord."""

    def __init__(self, is_connected: Callable[[], bool], now: Callable[[], datetime]) -> None:
        self._is_connected = is_connected
        self._now = now
        self._connected_at: datetime | None = None

    def look(self) -> bool:
        """Return whether the bot is connected now, and remember it."""
        is_connected = self._is_connected()
        if is_connected:
            self._connected_at = self._now()
        return is_connected

    def find_trouble(self) -> str | None:
        """Look, and return what is wrong, in words; None if the bot was connected within the last two minutes."""
        self.look()
        return _judge_connection(None if self._connected_at is None else self._now() - self._connected_at)


async def keep_reporting(file: Path, is_connected: Callable[[], bool], now: Callable[[], datetime]) -> None:
    """Write a report every 15 seconds; a file that can't be written is a warning, not the end."""
    connected_at: datetime | None = None
    was_written = True
    while True:
        if is_connected():
            if connected_at is None:
                _LOG.info("Connected to Discord")
            connected_at = now()
        try:
            write_report(file, at=now(), connected_at=connected_at)
            was_written = True
        except OSError as error:
            if was_written:
                _LOG.warning("%s can't be written (%s), so healthcheck will fail", file, error.strerror)
            was_written = False
        # The first connection is what somebody may be waiting for.
        await asyncio.sleep(REPORT_EVERY.total_seconds() if connected_at else 1.0)
