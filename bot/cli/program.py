"""How the operator types this program, and what to do if packages are missing; imports the standard library alone."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

# The packages that the bot imports; pyproject.toml names their distributions.
PACKAGES = frozenset(
    {
        *("aiohttp", "aiolimiter", "aiosqlite", "alembic", "asyncpg"),
        *("discord", "dotenv", "prometheus_client", "pydantic", "sqlalchemy"),
    }
)
# How texts name the program; the spelling that the operator types replaces it when they are printed.
AS_MODULE = "python -m bot"
# Here instead of a heavier import.
_REFUSED = 2
_CLONE = Path(__file__).parents[2]
_OWN_PYTHON = _CLONE / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def spell_path(path: Path) -> str:
    """Return a path as it is typed in the current folder: relative if it is below, quoted if it needs that."""
    here = Path.cwd()
    shown = str(path.relative_to(here) if path.is_relative_to(here) else path)
    return subprocess.list2cmdline([shown]) if sys.platform == "win32" else shlex.quote(shown)


def spell_program(prog: str) -> str:
    """Return a program that runs with this Python, `python -m bot` or a script, as it is typed in this folder."""
    name, *rest = prog.split()
    found = sys.executable if rest else shutil.which(name, path=str(Path(sys.executable).parent))
    if not found:
        return prog
    file = Path(found)
    is_in_path = shutil.which(file.name) == found
    return " ".join([file.name if is_in_path else spell_path(file), *rest])


def spell_start(program: str) -> str:
    """Return the command that starts the bot: the program, unless the image or the service has set another one."""
    return os.environ.get("BOT_START_COMMAND") or program


def report_missing(package: str) -> int:
    """Print that a package of the bot is missing, and what to do; return the exit status."""
    print(f"{sys.executable} lacks packages that the bot needs, such as {package}.", file=sys.stderr)
    print(say_how_to_install("run"), file=sys.stderr)
    return _REFUSED


def say_how_to_install(what: str) -> str:
    """Return how to get the packages of a lock in `requirements`: "run" or "demo"."""
    if sys.prefix == sys.base_prefix and (_CLONE / "requirements").is_dir():
        return f"Use `{spell_path(_OWN_PYTHON)} -m bot`. README.md says how to make .venv."
    lock = _CLONE / "requirements" / f"{what}.txt"
    # A clone is not installed under the package's name, so `pip` would look for another one of that name.
    packages = f"-r {spell_path(lock)}" if lock.is_file() else f'"minimax-account-bot[{what}]"'
    return f"Install them: `{spell_program('python -m pip install')} {packages}`."
