"""Tests of what each module may import and read, on the syntax trees."""

import ast
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.support.paths import REPOSITORY

BOT = REPOSITORY / "bot"
MODULES = sorted(BOT.rglob("*.py"))
TEST_MODULES = sorted(path for folder in ("tests", "benchmarks") for path in (REPOSITORY / folder).rglob("*.py"))
STANDARD = sys.stdlib_module_names
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "clock_gettime"}

BASE = ("bot.core", "bot.errors")
# What each room may import of the bot besides itself, from the lowest room to the highest.
ROOMS: dict[str, tuple[str, ...]] = {
    "bot.core": BASE,
    "bot.errors": BASE,
    "bot.logs": BASE,
    "bot.config": BASE,
    "bot.useapi": BASE,
    "bot.store": (*BASE, "bot.config.is_open_to_others"),
    "bot.reminders": (*BASE, "bot.store", "bot.useapi"),
    "bot.chat.views": BASE,
    "bot.chat.rest": (*BASE, "bot.chat.views", "bot.reminders.context"),
    "bot.chat.gateway": (*BASE, "bot.chat.views", "bot.chat.rest", "bot.useapi.guild_access"),
    "bot.chat.commands": (*BASE, "bot.chat", "bot.reminders", "bot.store", "bot.useapi"),
    "bot.monitoring": (*BASE, "bot.store", "bot.reminders"),
    "bot.app": (*BASE, "bot.chat", "bot.config", "bot.monitoring", "bot.reminders", "bot.store", "bot.useapi"),
    "bot.runtime": (*BASE, "bot.app", "bot.chat", "bot.config", "bot.monitoring", "bot.store", "bot.useapi"),
    "bot.demo": (*BASE, "bot.app", "bot.logs", "bot.reminders", "bot.store", "bot.useapi"),
    "bot.cli": ("bot",),
    "bot.__main__": ("bot.cli",),
}
LIBRARIES = {
    "discord": ("bot.chat", "bot.demo"),
    "sqlalchemy": ("bot.store", "bot.reminders", "bot.monitoring", "bot.cli"),
    "simcord": ("bot.demo", "bot.cli.demo"),
    "PIL": ("bot.demo",),
}


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, anywhere in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages or inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def find_in(paths: Sequence[Path], find: Callable[[Path], Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return what breaks a rule, by module."""
    return {name_of(path): found for path in paths if (found := find(path))}


def test_the_modules_are_found() -> None:
    """The rules below check the modules of the bot."""
    names = set(map(name_of, MODULES))
    assert {
        "bot",
        "bot.__main__",
        "bot.core.accounts",
        "bot.useapi.client",
        "bot.chat.views.account",
        "bot.errors",
    } <= names


def test_imports_run_downwards() -> None:
    """A module imports only its own room and the rooms that the table allows."""

    def find(path: Path) -> list[str]:
        name = name_of(path)
        imported = [one for one in imports_of(path) if is_in(one, "bot") and one != "bot.__version__"]
        rooms = [room for room in ROOMS if is_in(name, room)]
        # One without a room imports nothing of the bot.
        return [one for one in imported if not rooms or not all(is_in(one, room, *ROOMS[room]) for room in rooms)]

    assert find_in(MODULES, find) == {}


def test_each_library_has_its_rooms() -> None:
    """A module imports a library only where the table allows it; `core` and `errors` import pydantic alone."""

    def find(path: Path) -> list[str]:
        name, imported = name_of(path), list(imports_of(path))
        refused = [library for library, rooms in LIBRARIES.items() if not is_in(name, *rooms)]
        found = [one for one in imported if is_in(one, *refused)]
        if is_in(name, *BASE):
            found += [one for one in imported if one.partition(".")[0] not in {*STANDARD, "pydantic", "bot"}]
        return found

    assert find_in(MODULES, find) == {}


def reads_of_the_world(path: Path) -> Iterator[str]:
    """Yield each place where a module reads the environment or a clock."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            text = ast.unparse(node)
            owner = text.split(".")[-2]
            is_environment = owner == "os" and node.attr in ("environ", "getenv", "environb", "getenvb")
            is_clock = owner in ("datetime", "date", "time") and node.attr in CLOCKS
            if is_environment or is_clock:
                yield f"{node.lineno}: {text}"


def test_only_the_command_line_reads_the_environment_and_the_clock() -> None:
    """Other modules get the time and the settings from their callers."""

    def find(path: Path) -> list[str]:
        imported = [name for name in imports_of(path) if is_in(name, "os.environ", "os.getenv", "time.time")]
        return [*reads_of_the_world(path), *imported]

    assert find_in([path for path in MODULES if not is_in(name_of(path), "bot.cli")], find) == {}


def test_the_bot_knows_neither_tests_nor_benchmarks() -> None:
    """The bot imports neither: an installation has no tests and no benchmarks."""

    def find(path: Path) -> list[str]:
        return [imported for imported in imports_of(path) if is_in(imported, "tests", "benchmarks")]

    assert find_in(MODULES, find) == {}


def test_every_module_has_a_docstring() -> None:
    """Each module begins with a docstring."""
    assert [name_of(path) for path in MODULES if not ast.get_docstring(tree_of(path))] == []


def test_tests_share_code_only_in_their_kit() -> None:
    """Tests and the kit import the kit and the sample data, benchmarks themselves and the kit; never a test module."""

    def find(path: Path) -> list[str]:
        is_benchmark = is_in(name_of(path), "benchmarks")
        allowed = ("tests.support", "benchmarks") if is_benchmark else ("tests.support", "tests.data")
        imported = [one for one in imports_of(path) if is_in(one, "tests", "benchmarks")]
        return [one for one in imported if not is_in(one, *allowed)]

    assert find_in(TEST_MODULES, find) == {}


def names_replaced_in(path: Path) -> Iterator[str]:
    """Yield the last part of each name that a module replaces with `setattr`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "setattr":
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            yield texts[0].rpartition(".")[2] if texts else ast.unparse(node)


def test_no_test_replaces_a_private_name() -> None:
    """Tests set the bot's clock, waits and neighbours through its arguments, not behind its back."""

    def find(path: Path) -> list[str]:
        return [name for name in names_replaced_in(path) if name.startswith("_")]

    assert find_in(TEST_MODULES, find) == {}
