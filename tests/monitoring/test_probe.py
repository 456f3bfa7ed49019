"""What `healthcheck` makes of what answers on the port, and of its settings."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.cli.healthcheck import judge
from bot.monitoring.health_file import HEALTH_FILE, write_report
from bot.monitoring.probe import ask_health
from tests.support.api import Script, closed_port, serve_bare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WELL = b'{"is_well": true, "troubles": []}'


def answer(body: bytes, status: int = 200) -> Script:
    """Return what answers with this body."""
    return Script(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


async def ask(script: Script, host: str = "127.0.0.1") -> str | None:
    """Return what is told of a server that does this."""
    async with serve_bare(script) as server:
        port = urlsplit(server.base_url).port
        assert port is not None
        return await asyncio.to_thread(ask_health, host, port)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
async def test_a_bot_that_is_well(host: str) -> None:
    """A bot that listens on all addresses is asked on this machine's own."""
    assert await ask(answer(WELL), host) is None


async def test_a_bot_that_is_not_well_says_why() -> None:
    """Each trouble stands on a line of its own."""
    body = json.dumps({"is_well": False, "troubles": ["One.", "Two."]}).encode()
    assert await ask(answer(body, 503)) == "One.\nTwo."


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"is_well": false}', b'"is_well"', b"\xff", b"[" * 9000]
)
async def test_another_program_is_told_apart(body: bytes) -> None:
    """Whatever else listens there is not taken for the bot, however it answers."""
    assert "is not this bot" in (await ask(answer(body)) or "")


async def test_no_http_is_not_this_bot() -> None:
    """Neither is what speaks another protocol."""
    assert "is not this bot" in (await ask(Script(b"SSH-2.0-OpenSSH\r\n")) or "")


async def test_a_broken_connection_is_a_bot_that_is_gone() -> None:
    """A connection that ends without an answer is told as such."""
    assert "does not answer" in (await ask(Script(reset=True)) or "")


async def test_a_bot_that_hangs_is_told_in_time() -> None:
    """A port that takes a question and never answers is told as such."""
    async with serve_bare(Script(hang=True)) as server:
        port = urlsplit(server.base_url).port
        assert port is not None
        told = await asyncio.to_thread(ask_health, "127.0.0.1", port, seconds=0.1)
    assert "it hangs or is gone" in (told or "")


def test_nobody_listens() -> None:
    """A port that refuses means that no bot runs."""
    assert "No bot listens" in (ask_health("127.0.0.1", closed_port()) or "")


@pytest.mark.parametrize("dotenv", [None, "LOG_LEVEL=DEBUG\n", "# HEALTH_PORT=\n", "HEALTH_PORT=\n"])
def test_without_a_port_the_report_is_read(tmp_path: Path, dotenv: str | None) -> None:
    """Where HEALTH_PORT is not set, the file tells, as ever."""
    file = tmp_path / ".env"
    if dotenv is not None:
        file.write_text(dotenv, encoding="utf-8")
    write_report(HEALTH_FILE, at=NOW, connected_at=NOW)
    assert judge({"HEALTH_PORT": ""}, file, NOW) is None


def test_a_port_in_the_dotenv_counts(tmp_path: Path) -> None:
    """HEALTH_PORT may be set in `.env` as well; the file is not believed then."""
    file = tmp_path / ".env"
    file.write_text(f"HEALTH_PORT={closed_port()}\n", encoding="utf-8")
    write_report(HEALTH_FILE, at=NOW, connected_at=NOW)
    assert "No bot listens" in (judge({}, file, NOW) or "")


def test_a_port_that_makes_no_sense_is_told() -> None:
    """A setting that can't be read is what is wrong."""
    assert judge({"HEALTH_PORT": "http"}, Path("none"), NOW) == "HEALTH_PORT must be a port, from 1 to 65535."
