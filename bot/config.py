"""Settings from the environment and `.env`: every problem reported at once, by name, never by value.

Plain pydantic over python-dotenv: pydantic-settings reads the process environment itself, and here that is an argument.
"""

import ipaddress
import os
import stat
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from bot.core.subscriptions import parse_lead_times
from bot.errors import SettingsError

DEFAULT_API = "https://api.useapi.net"
DEFAULT_DATABASE = "sqlite+aiosqlite:///data/bot.db"
_SQLITE, _POSTGRESQL = "sqlite+aiosqlite:///", "postgresql+asyncpg://"
_SHORTEST_TOKEN = 8
_LARGEST_ID = 2**64 - 1
_MOST_DIGITS = 20
_LAST_PORT = 65_535


def _token(value: object) -> str:
    text = str(value).strip()
    if not text:
        raise ValueError("is empty. Paste the token")
    if text.lower().startswith(("bearer ", "bot ")):
        raise ValueError("starts with 'Bearer' or 'Bot'. Paste the token alone, without that word")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds a character no token has. Copy the token again, without quotes or spaces")
    if len(text) < _SHORTEST_TOKEN:
        raise ValueError("is too short for a token. Copy the whole token again")
    return text


def _guild_id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and 0 < int(text) <= _LARGEST_ID):
        raise ValueError(
            "must be server ids, separated by commas. In Discord switch on Developer Mode, "
            "then right-click the server and choose Copy Server ID"
        )
    return int(text)


def _guild_ids(value: object) -> tuple[int, ...]:
    parts = [part.strip() for part in str(value).split(",")]
    ids = tuple(dict.fromkeys(_guild_id(part) for part in parts if part))
    if not ids:
        raise ValueError("is empty. List the ids of the servers that may use the bot, separated by commas")
    return ids


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _base_url(value: object) -> str:
    text = str(value).strip().rstrip("/")
    advice = f"must be an https:// address (plain http:// only for this machine) without /v1, such as {DEFAULT_API}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(advice) from None
    is_plain = parts.scheme == "http" and _is_loopback(host)
    if not host or "v1" in parts.path.split("/") or not (parts.scheme == "https" or is_plain):
        raise ValueError(advice)
    if set("@?# ") & set(text) or not text.isascii() or not text.isprintable():
        raise ValueError(advice)
    return text


def _heartbeat(value: object) -> str:
    text = str(value).strip()
    advice = "must be an https:// address (plain http:// only for this machine), as the monitor gives it"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(advice) from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    if not host or not is_safe or set("@# ") & set(text) or not text.isascii() or not text.isprintable():
        raise ValueError(advice)
    return text


def _port(value: object) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS and 0 < int(text) <= _LAST_PORT):
        raise ValueError(f"must be a port, from 1 to {_LAST_PORT}")
    return int(text)


def _own_address(value: object) -> str:
    text = str(value).strip()
    try:
        return str(ipaddress.ip_address("127.0.0.1" if text == "localhost" else text))
    except ValueError:
        raise ValueError("must be an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for all") from None


def _seconds(value: object) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS and int(text) > 0):
        raise ValueError("must be a whole number of seconds, at least 1")
    return int(text)


def _days(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    try:
        return parse_lead_times(str(value))
    except ValueError as error:
        raise ValueError(f'must be days before the expiry, such as "14,7,3,1". {error}') from None


def parse_database_url(value: object) -> str:
    """Return a database's address.

    Raises:
        ValueError: it can't be one; the text says what to do, and holds no part of the address.
    """
    text = str(value).strip()
    if not text.startswith((_SQLITE, _POSTGRESQL)) or text == _SQLITE:
        raise ValueError(f"must begin with {_SQLITE} or {_POSTGRESQL}, such as {DEFAULT_DATABASE}")
    if text.startswith(_POSTGRESQL):
        _check_server(text)
    return text


def _check_server(url: str) -> None:
    try:
        parts = urlsplit(url)
        # SQLAlchemy takes more passwords than a URL may hold; such a one would not be known for redaction.
        is_clear = url.count("@") == parts.netloc.count("@") <= 1 and (parts.port or 1) > 0
    except ValueError:
        is_clear = False
    if not is_clear:
        raise ValueError("can't be read. Write @ : / ? # in the user name or password as %40 %3A %2F %3F %23")
    if "sslmode" in parse_qs(parts.query):
        raise ValueError("says sslmode=, which is spelled ssl= here, such as ?ssl=require")


def _upper(value: object) -> str:
    return str(value).strip().upper()


def _lower(value: object) -> str:
    return str(value).strip().lower()


class LogSettings(BaseModel):
    """How much is logged, and how; the aliases are the names in the environment."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = Field(
        "INFO", alias="LOG_LEVEL"
    )
    log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = Field("text", alias="LOG_FORMAT")


class HealthSettings(LogSettings):
    """Where the running bot tells over HTTP how it is doing; nowhere without a port."""

    health_port: Annotated[int | None, BeforeValidator(_port)] = Field(None, alias="HEALTH_PORT")
    health_host: Annotated[str, BeforeValidator(_own_address)] = Field("127.0.0.1", alias="HEALTH_HOST")


class UseapiSettings(LogSettings):
    """What it takes to read accounts."""

    useapi_token: Annotated[SecretStr, BeforeValidator(_token)] = Field(alias="USEAPI_TOKEN")
    base_url: Annotated[str, BeforeValidator(_base_url)] = Field(DEFAULT_API, alias="USEAPI_BASE_URL")


class StoreSettings(LogSettings):
    """What it takes to open the database."""

    database_url: Annotated[str, BeforeValidator(parse_database_url)] = Field(
        DEFAULT_DATABASE, alias="DATABASE_URL", repr=False
    )


class Settings(UseapiSettings, StoreSettings, HealthSettings):
    """What it takes to run the bot."""

    discord_token: Annotated[SecretStr, BeforeValidator(_token)] = Field(alias="DISCORD_TOKEN")
    guild_ids: Annotated[tuple[int, ...], BeforeValidator(_guild_ids)] = Field(alias="GUILD_IDS")
    check_interval: Annotated[int, BeforeValidator(_seconds)] = Field(1800, alias="CHECK_INTERVAL_SECONDS")
    reminder_days: Annotated[tuple[int, ...], BeforeValidator(_days)] = Field((14, 7, 3, 1), alias="REMINDER_DAYS")
    heartbeat_url: Annotated[SecretStr, BeforeValidator(_heartbeat)] = Field(SecretStr(""), alias="HEARTBEAT_URL")


Kind = TypeVar("Kind", bound=LogSettings)


_MISSING = {
    "DISCORD_TOKEN": "is missing. Paste the bot token from the Discord developer portal",
    "USEAPI_TOKEN": "is missing. Paste the API token from your useapi.net account",
    "GUILD_IDS": "is missing. List the ids of the servers that may use the bot, separated by commas",
}
_CHOICES = {
    "LOG_LEVEL": "must be DEBUG, INFO, WARNING or ERROR",
    "LOG_FORMAT": "must be text or json",
}


def _problem(kind: str, name: str, context: Mapping[str, object]) -> str:
    if kind == "missing":
        return f"{name} {_MISSING[name]}."
    return f"{name} {_CHOICES.get(name) or context.get('error')}."


def _given(environ: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    try:
        from_file = dotenv_values(dotenv, interpolate=False) if dotenv.is_file() else {}
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            [f"{dotenv.name} can't be read. Make it a UTF-8 text file that the bot may read."]
        ) from None
    return {name: value for source in (from_file, environ) for name, value in source.items() if value}


def read_settings(kind: type[Kind], environ: Mapping[str, str], dotenv: Path) -> Kind:
    """Return the settings; the environment outranks the `.env` file, an empty variable counts as not set.

    Raises:
        SettingsError: with one line a problem, each naming its setting and what to do, none holding a value.
    """
    try:
        return kind.model_validate(_given(environ, dotenv))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        lines = [_problem(item["type"], str(item["loc"][0]), item.get("ctx", {})) for item in found]
        raise SettingsError(sorted(lines)) from None


def passwords_in(url: str) -> list[str]:
    """Return the password in a database's address as it stands there and as it is meant, for redaction."""
    if not url.startswith(_POSTGRESQL):
        return []
    parts = urlsplit(url)
    password = parts.password or ""
    found = dict.fromkeys([password, unquote(password), *parse_qs(parts.query).get("password", [])])
    return [one for one in found if one]


def secrets_of(settings: LogSettings) -> list[str]:
    """Return the values of the secret settings, for redaction."""
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr) and value]
    secrets += passwords_in(settings.database_url) if isinstance(settings, StoreSettings) else []
    return secrets + (_telling_parts(settings.heartbeat_url) if isinstance(settings, Settings) else [])


def _telling_parts(url: SecretStr) -> list[str]:
    """Return what of an address is secret even without its host; the rest is too short to be one."""
    parts = urlsplit(url.get_secret_value())
    return [part for part in (parts.path.lstrip("/"), parts.query) if len(part) >= _SHORTEST_TOKEN]


def is_open_to_others(file: Path) -> bool:
    """Whether others on this machine may read a file; Windows keeps that elsewhere, and reports every file as open."""
    return os.name == "posix" and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def find_doubts(environ: Mapping[str, str], dotenv: Path) -> list[str]:
    """Return what is no error but hardly meant: a `.env` that others can read, names that look like ours."""
    doubts = []
    if dotenv.is_file() and is_open_to_others(dotenv):
        doubts.append(f"{dotenv.name} can be read by others on this machine. Run: chmod 600 {dotenv.name}")
    ours = [str(field.alias) for field in Settings.model_fields.values()]
    for name in sorted(_given(environ, dotenv).keys() - set(ours)):
        close = get_close_matches(name.upper(), ours, n=1, cutoff=0.85)
        doubts.extend(f"{name} is no setting of this bot. Was {meant} meant?" for meant in close)
    return doubts
