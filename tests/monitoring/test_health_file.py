"""The report by which `healthcheck` learns whether the running bot is healthy."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.monitoring.health_file import HEALTH_FILE, Verdict, read_verdict, write_report
from tests.support.paths import REPOSITORY

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
HEALTHY = json.loads(Verdict(NOW, ()).to_json())


def judge(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run `healthcheck` in the current folder; return its exit status and output."""
    status = main(["healthcheck"], now=lambda: NOW)
    return status, capsys.readouterr().out.rstrip("\n")


def test_a_healthy_bot(capsys: pytest.CaptureFixture[str]) -> None:
    """A report without problems ends the check with status 0."""
    write_report(HEALTH_FILE, Verdict(NOW, ()))
    assert judge(capsys) == (0, "The bot is healthy.")


def test_a_bot_with_problems(capsys: pytest.CaptureFixture[str]) -> None:
    """Each problem has a line of its own, and the check ends with status 1."""
    write_report(HEALTH_FILE, Verdict(NOW, ("The database can't be written: full.", "No poll was completed.")))
    assert judge(capsys) == (1, "The database can't be written: full.\nNo poll was completed.")


def test_a_standby(capsys: pytest.CaptureFixture[str]) -> None:
    """A healthy standby says what it is; its problems come first."""
    write_report(HEALTH_FILE, Verdict(NOW, (), is_standby=True))
    assert judge(capsys) == (0, "The bot is healthy. It is a standby: another process is active.")
    write_report(HEALTH_FILE, Verdict(NOW, ("The database can't be written: full.",), is_standby=True))
    assert judge(capsys) == (1, "The database can't be written: full.")


def test_no_bot_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a report there is no bot in this folder."""
    status, output = judge(capsys)
    assert (status, "isn't running in this folder" in output) == (1, True)


@pytest.mark.parametrize("settings", ["HEALTH_PORT=9100\n", "HEALTH_PORT=http\nLOG_LEVEL=loud\n", "\x00\n"])
def test_settings_change_nothing(
    settings: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check reads the report alone, whatever the settings are, and connects to no port."""
    Path(".env").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("HEALTH_PORT", "1")
    write_report(HEALTH_FILE, Verdict(NOW, ()))
    assert judge(capsys) == (0, "The bot is healthy.")
    monkeypatch.delenv("HEALTH_PORT")


@pytest.mark.parametrize(
    ("age", "problem"),
    [
        (0, None),
        (60, None),
        (-60, None),
        (61, "The bot has not reported for 61 seconds: it hangs or has ended."),
        (86_400, "The bot has not reported for 86400 seconds: it hangs or has ended."),
        (-61, "The bot's last report is from the future: check the clock of this machine."),
    ],
)
@pytest.mark.parametrize("known", [(), ("The bot has not connected to Discord yet.",)])
def test_a_report_is_good_for_a_minute(age: int, problem: str | None, known: tuple[str, ...]) -> None:
    """An older report means that the bot hangs or has ended, whatever the report says."""
    write_report(HEALTH_FILE, Verdict(NOW - timedelta(seconds=age), known))
    assert read_verdict(HEALTH_FILE, NOW).problems == (known if problem is None else (problem,))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<html>", b"[]", b"{}", b"null", b"7", b'"healthy"', b"\xff", b"[" * 9_000, b'{"healthy": true}'),
        *(
            json.dumps(HEALTHY | change).encode()
            for change in (
                {"at": 1},
                {"at": "yesterday"},
                {"at": NOW.replace(tzinfo=None).isoformat()},
                {"healthy": "yes"},
                {"healthy": False},
                {"healthy": True, "problems": ["The bot has not connected to Discord yet."]},
                {"problems": "none"},
                {"healthy": False, "problems": [1]},
                {"problems": None},
                {"standby": 1},
            )
        ),
    ],
)
def test_a_file_of_another_program_is_no_report(content: bytes) -> None:
    """Any other content is called that, with what to do, instead of a verdict."""
    HEALTH_FILE.parent.mkdir()
    HEALTH_FILE.write_bytes(content)
    (problem,) = read_verdict(HEALTH_FILE, NOW).problems
    assert "is not a report of this bot. Delete it" in problem


def test_a_report_that_cannot_be_read() -> None:
    """A folder in the place of the report is a problem in words."""
    HEALTH_FILE.mkdir(parents=True)
    (problem,) = read_verdict(HEALTH_FILE, NOW).problems
    assert problem == "data/health.json can't be read: Is a directory."


def test_the_check_is_quick_to_load() -> None:
    """Docker runs the check every half a minute, so it loads no package of the bot's requirements."""
    program = """
import sys
from bot.cli.main import main
main(["healthcheck"])
packages = {"aiohttp", "alembic", "discord", "dotenv", "prometheus_client", "pydantic", "sqlalchemy"}
print(sorted(packages & set(sys.modules)))
"""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
