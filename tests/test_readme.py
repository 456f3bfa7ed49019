"""What the README tells to type is what there is, and what CI runs."""

import argparse
import re

from bot.cli.main import build_parser
from tests.support.paths import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_readmes_test_command() -> None:
    """The test command stands in `.ci/run` to the letter."""
    (command,) = re.findall(r"^python3 -m venv .* -m pytest$", README, re.MULTILINE)
    assert command in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_demo_is_one_line_from_a_fresh_clone() -> None:
    """One line makes the environment and starts the demo from the lock of its own."""
    (command,) = re.findall(r"^python3 -m venv .* -m bot demo$", README, re.MULTILINE)
    assert "-r requirements/demo.txt" in command


def test_the_readme_names_every_command_and_option() -> None:
    """The README's tables list the command line's commands and options, no more and no fewer."""
    (choices,) = (a.choices for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001
    rows = re.findall(r"^\| `python -m bot.*$", README, re.MULTILINE)
    named = set(re.findall(r"`python -m bot (\w[\w-]*)", "\n".join(rows)))
    assert named == set(choices)
    for name, command in choices.items():
        (row,) = (row for row in rows if re.search(rf"`python -m bot {name}\b", row))
        options = {option for action in command._actions for option in action.option_strings} - {"-h", "--help"}  # noqa: SLF001
        assert set(re.findall(r"--[a-z-]+", row.split("|")[1])) == options


def test_every_path_that_the_readme_names_exists() -> None:
    """Files and folders that the README speaks of are in the repository."""
    paths = set(re.findall(r"`((?:bot|tests|requirements|deploy|docs|\.ci)/[\w./-]+)`", README))
    assert len(paths) > 5
    assert not [path for path in paths if not (REPOSITORY / path).exists()]
