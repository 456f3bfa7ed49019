"""`healthcheck`: whether the running bot is well, asked over HTTP or read from its report."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from bot.errors import SettingsError
from bot.monitoring.health_file import HEALTH_FILE, find_trouble


def judge(environ: Mapping[str, str], dotenv: Path, now: datetime) -> str | None:
    """Return what is wrong with the bot that runs with these settings in this folder, in words; None if it is well."""
    # To load what reads settings takes longer than all the rest, and this runs every half a minute.
    if not _may_name_port(environ, dotenv):
        return find_trouble(HEALTH_FILE, now)
    from bot.config import HealthSettings, read_settings
    from bot.monitoring.probe import ask_health

    try:
        settings = read_settings(HealthSettings, environ, dotenv)
    except SettingsError as error:
        return "\n".join(error.problems)
    if settings.health_port is None:
        return find_trouble(HEALTH_FILE, now)
    return ask_health(settings.health_host, settings.health_port)


def _may_name_port(environ: Mapping[str, str], dotenv: Path) -> bool:
    try:
        return bool(environ.get("HEALTH_PORT")) or b"HEALTH_PORT" in dotenv.read_bytes()
    except OSError:
        return False
