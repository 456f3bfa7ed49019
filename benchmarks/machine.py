"""Describes the machine of a run, without its name and folders."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import psutil

_PACKAGES = ("discord.py", "hikari", "aiohttp", "SQLAlchemy", "uvloop", "orjson", "zstandard")
_GIB = 2**30


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123  (no path of this machine's own)
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        return platform.machine()
    return names[0] if names else platform.machine()


def describe() -> Sequence[str]:
    """Return lines about the machine, the versions and the date."""
    memory = psutil.virtual_memory().total / _GIB
    present = [f"{name} {found}" for name in _PACKAGES if (found := _version(name))]
    return [
        f"- {psutil.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.release()}",
        f"- load when the run began: {psutil.getloadavg()[0]:.1f}",
        f"- Python {platform.python_version()}, {', '.join(present)}",
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    ]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
