"""How texts name this program, and what a Python without the bot's packages says."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bot.cli.command import print_error
from bot.cli.program import PACKAGES, spell_program, spell_start
from bot.errors import SettingsError
from tests.support.paths import REPOSITORY


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run with a Python in `my bot/.venv/bin`, which is not in the search path."""
    file = tmp_path / "my bot" / ".venv" / "bin" / "python"
    file.parent.mkdir(parents=True)
    for one in (file, file.with_name("minimax-bot")):
        one.touch(0o700)
    monkeypatch.setattr(sys, "executable", str(file))
    monkeypatch.setenv("PATH", "/nowhere")
    return file


def test_the_program_is_spelled_as_it_is_typed(python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is spelled from the current folder, in quotes if it needs them; bare if the search path has it."""
    monkeypatch.chdir(python.parents[3])
    assert spell_program("python -m bot") == "'my bot/.venv/bin/python' -m bot"
    monkeypatch.chdir(python.parents[2])
    assert spell_program("python -m bot") == ".venv/bin/python -m bot"
    assert spell_program("minimax-bot") == ".venv/bin/minimax-bot"
    monkeypatch.chdir(REPOSITORY)
    assert spell_program("python -m bot") == f"'{python}' -m bot"
    monkeypatch.setenv("PATH", str(python.parent))
    assert (spell_program("python -m bot"), spell_program("minimax-bot")) == ("python -m bot", "minimax-bot")


def test_in_a_container_the_next_step_is_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The image and the service set what starts the bot; nobody is sent to `setup` there."""
    assert spell_start("bin/python -m bot") == "bin/python -m bot"
    dockerfile = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    (start,) = re.findall(r'^ENV BOT_START_COMMAND="(.+)"$', dockerfile, re.MULTILINE)
    monkeypatch.setenv("BOT_START_COMMAND", start)
    assert spell_start("bin/python -m bot") == "docker compose up --detach"
    print_error(SettingsError(["GUILD_IDS is missing."]), "bin/python -m bot")
    assert capsys.readouterr().err.splitlines()[1:] == [
        "  GUILD_IDS is missing.",
        "Then run `docker compose up --detach`.",
    ]


@pytest.mark.parametrize("command", ["run", "check", "backup"])
def test_a_python_without_the_packages_says_what_to_do(command: str) -> None:
    """A Python that lacks the bot's packages gets two lines: which one, and what to type instead."""
    # -S leaves the installed packages out.
    arguments = [sys.executable, "-S", "-m", "bot", command, *(["new.db"] if command == "backup" else [])]
    done = subprocess.run(  # noqa: S603  (our own program)
        arguments, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    missing, advice = done.stderr.splitlines()
    assert done.returncode == 2
    assert re.fullmatch(rf"{sys.executable} lacks packages that the bot needs, such as \w+\.", missing)
    assert re.match(r"Use `\.venv/bin/python -m bot`|Install them: `.* -m pip install -r requirements/run.txt`", advice)


def test_the_packages_are_those_of_the_project() -> None:
    """Each dependency of the project counts as a package of the bot, and nothing else does."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\[<>=]", dependency)[0] for dependency in project["dependencies"]}
    found = importlib.metadata.packages_distributions()
    assert {re.sub(r"[-_]", "-", found[package][0]).lower() for package in PACKAGES} == names
