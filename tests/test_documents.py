"""The documents name commands, paths, rooms and functions that exist."""

import argparse
import ast
import re
from pathlib import Path

import pytest

from bot.cli.main import build_parser
from tests.support.paths import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
CODE = {path: path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "bot").rglob("*.py"))}
DOCUMENTS = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
# Every room may import these.
COMMON = {"bot/core", "bot/errors.py"}


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """`.ci/run` contains the README's test command to the letter."""
    (command,) = re.findall(r"^python3 -m venv .* -m pytest$", README, re.MULTILINE)
    assert command in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_demo_is_one_line_from_a_fresh_clone() -> None:
    """One line creates the environment from the demo's own lock and starts the demo."""
    (command,) = re.findall(r"^python3 -m venv .* -m bot demo$", README, re.MULTILINE)
    assert "-r requirements/demo.txt" in command


def test_the_readme_is_one_screen() -> None:
    """The front page is short, in lines and in words; everything else is linked from it."""
    assert len(README.splitlines()) <= 80
    assert len(README.split()) <= 600
    linked = set(re.findall(r"\]\((docs/\w+\.md)\)", README))
    pages = {f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")}
    assert pages - linked == {"docs/LICENSES.md", "docs/scaling.md"}


def test_the_documents_name_every_command_and_option() -> None:
    """The table of the command line lists its commands and options, no more and no fewer."""
    (choices,) = (a.choices for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001
    rows = re.findall(r"^\| `python -m bot.*$", SETTINGS, re.MULTILINE)
    named = set(re.findall(r"`python -m bot (\w[\w-]*)", "\n".join(rows)))
    assert named == set(choices)
    for name, command in choices.items():
        (row,) = (row for row in rows if re.search(rf"`python -m bot {name}\b", row))
        options = {option for action in command._actions for option in action.option_strings} - {"-h", "--help"}  # noqa: SLF001
        assert set(re.findall(r"--[a-z-]+", row.split("|")[1])) == options


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_in_a_document_exists(document: Path) -> None:
    """Each file and folder that a document names or links to is in the repository."""
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:bot|tests|requirements|deploy|docs|benchmarks|\.ci)/[\w./-]+)`", text)
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [path for path in named if not (REPOSITORY / path).exists()]
    missing += [path for path in linked if not (document.parent / path).exists()]
    assert missing == []


def test_every_promise_names_its_test() -> None:
    """The last cell of each promise and mechanism names tests."""
    text = (REPOSITORY / "docs" / "guarantees.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.endswith("| Proved by |")]
    assert len(rows) > 30
    assert [row for row in rows if not re.search(r"\| `tests/[^|]+ \|$", row)] == []


def test_every_name_in_the_architecture_exists() -> None:
    """Each class, method and function that the document names is defined in the code."""
    defined = set[str]()
    for text in CODE.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                methods = (one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
                defined |= {node.name, *(f"{node.name}.{name}" for name in methods)}
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                defined.add(node.name)
    named = set(re.findall(r"`((?:[A-Z][a-z]\w*)(?:\.\w+)?|[a-z]+(?:_[a-z]+)+)`", ARCHITECTURE))
    named -= {"enforce_nonce", "SecretStr", "Date"}
    assert len(named) > 30
    assert named - defined == set()


def rooms_in_the_architecture() -> list[tuple[tuple[str, ...], set[str]]]:
    """Return the rows of the table of rooms: the paths of each room, and the rooms it may import."""
    table = ARCHITECTURE.partition("| Room | Content | May import |")[2].partition("\n\n")[0]
    rows: list[tuple[tuple[str, ...], set[str]]] = []
    for line in table.splitlines()[2:]:
        _, rooms, _, cell, _ = line.split("|")
        allowed = {f"bot/{name}" for name in re.findall(r"`([\w./]+)`", cell)}
        if "everything above" in cell:
            allowed = {room for above, _ in rows for room in above}
        rows.append((tuple(re.findall(r"`(bot/[\w./]+)`", rooms)), allowed))
    return rows


def room_of(module: str) -> str:
    """Return the path of the room that a module of the bot belongs to."""
    parts = module.split(".")
    depth = 3 if parts[:2] == ["bot", "chat"] else 2
    path = "/".join(parts[:depth])
    return path if (REPOSITORY / path).is_dir() else f"{path}.py"


def imported_rooms(room: str) -> set[str]:
    """Return the rooms that the modules of a room import."""
    found = set[str]()
    for path, text in CODE.items():
        if path.is_relative_to(REPOSITORY / room):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("bot."):
                    found.add(room_of(node.module))
    return found - {room}


def test_the_rooms_are_all_in_the_architecture() -> None:
    """The table of rooms names each folder and file of the bot."""
    named = {room for rooms, _ in rooms_in_the_architecture() for room in rooms}
    assert named == {room_of(".".join(path.relative_to(REPOSITORY).with_suffix("").parts)) for path in CODE} - {
        "bot/__init__.py",
        "bot/__main__.py",
        "bot/chat/__init__.py",
    }


@pytest.mark.parametrize(
    ("rooms", "allowed"),
    rooms_in_the_architecture(),
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_a_room_imports_only_the_rooms_in_its_row(rooms: tuple[str, ...], allowed: set[str]) -> None:
    """The imports of each room are those that the table allows."""
    for room in rooms:
        assert imported_rooms(room) - COMMON - allowed == set()
