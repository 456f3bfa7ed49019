"""The rules on who may import and read what, checked in the syntax trees."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

BOT = REPOSITORY / "bot"
MODULES = sorted(BOT.rglob("*.py"))
STANDARD = sys.stdlib_module_names
CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imports_of(path: Path) -> Iterator[str]:
    """Give the dotted name of everything that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages or inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def modules_in(*packages: str) -> list[Path]:
    """Return the modules of these packages."""
    return [path for path in MODULES if is_in(name_of(path), *packages)]


every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


def test_the_modules_are_found() -> None:
    """The rules below look at the code that there is."""
    names = set(map(name_of, MODULES))
    assert {
        "bot",
        "bot.__main__",
        "bot.core.accounts",
        "bot.useapi.client",
        "bot.chat.views.account",
        "bot.errors",
    } <= names


@pytest.mark.parametrize(
    "path", [path for path in MODULES if is_in(name_of(path), "bot.core", "bot.errors")], ids=name_of
)
def test_what_decides_stands_alone(path: Path) -> None:
    """`core` and `errors` import the standard library, pydantic and each other, nothing else."""
    for imported in imports_of(path):
        top = imported.partition(".")[0]
        assert top in STANDARD or is_in(imported, "pydantic", "bot.core", "bot.errors"), imported


@pytest.mark.parametrize("path", modules_in("bot.errors"), ids=name_of)
def test_the_errors_know_nothing_of_the_rest(path: Path) -> None:
    """`errors` imports nothing of the bot."""
    assert not [imported for imported in imports_of(path) if is_in(imported, "bot")]


@every_module
def test_only_the_discord_side_knows_discord(path: Path) -> None:
    """Nothing but `chat` and what builds on it (`application`, `demo`, `check`) imports discord or `chat`."""
    if not is_in(name_of(path), "bot.chat", "bot.demo", "bot.app", "bot.runtime", "bot.cli.check"):
        assert not [imported for imported in imports_of(path) if is_in(imported, "discord", "bot.chat")]


@every_module
def test_only_the_demo_knows_the_simulation(path: Path) -> None:
    """The simulated Discord is loaded by the demo alone; the command line only asks whether it is there."""
    if not is_in(name_of(path), "bot.demo", "bot.__main__"):
        assert not [imported for imported in imports_of(path) if is_in(imported, "simcord", "bot.demo", "PIL")]


@every_module
def test_no_logic_imports_the_command_line(path: Path) -> None:
    """Nothing imports `__main__`, and only it, `running` and the demo import what builds the bot."""
    assert not [imported for imported in imports_of(path) if is_in(imported, "bot.__main__")]
    if not is_in(name_of(path), "bot.__main__", "bot.runtime", "bot.demo"):
        assert not [imported for imported in imports_of(path) if is_in(imported, "bot.runtime", "bot.app")]


def reads_of_the_world(path: Path) -> Iterator[str]:
    """Give each place where a module reads the environment or the wall clock."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            text = ast.unparse(node)
            owner = text.split(".")[-2]
            is_environment = owner == "os" and node.attr in ("environ", "getenv", "environb", "getenvb")
            is_clock = owner in ("datetime", "date", "time") and node.attr in CLOCKS
            if is_environment or is_clock:
                yield f"{node.lineno}: {text}"


@every_module
def test_only_the_command_line_reads_the_environment_and_the_clock(path: Path) -> None:
    """Everybody else is given the time and the settings."""
    reads = list(reads_of_the_world(path))
    imported = [name for name in imports_of(path) if is_in(name, "os.environ", "os.getenv", "time.time")]
    if name_of(path) == "bot.__main__":
        assert {read.partition(": ")[2] for read in reads} == {"datetime.now", "os.environ"}
    else:
        assert reads == []
        assert imported == []


@every_module
def test_the_bot_knows_neither_tests_nor_benchmarks(path: Path) -> None:
    """Both are left out where the bot is installed."""
    assert not [imported for imported in imports_of(path) if is_in(imported, "tests", "benchmarks")]


@pytest.mark.parametrize(
    "path",
    sorted(path for folder in ("bot", "tests", "benchmarks") for path in (REPOSITORY / folder).rglob("*.py")),
    ids=str,
)
def test_no_module_is_longer_than_300_lines(path: Path) -> None:
    """A module fits into one's head."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@every_module
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """Each module begins with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
