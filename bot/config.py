"""Settings from the environment and `.env`: all problems are reported at once, by name, never by value.

Each setting is described here once; `bot.cli.settings_text` makes the help and the documents out of that.
pydantic-settings is not used because it reads the process environment itself, which is an argument here.
"""

import ipaddress
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from dotenv.parser import Binding, parse_stream
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.core.database_url import DEFAULT as DEFAULT_DATABASE
from bot.core.database_url import parse_database_url, passwords_in, with_password
from bot.core.links import GUIDED_SETUP, SETUP_GUIDE, RenewalLinks
from bot.core.subscriptions import parse_lead_times
from bot.core.text import is_web_url
from bot.errors import SettingsError

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["text", "json"]
YesOrNo = Literal["yes", "no"]

DEFAULT_API = "https://api.useapi.net"
_SHORTEST_TOKEN = 8
# Three parts in base64; the first one is the bot's id, whose digits make M, N and O of its first character.
_DISCORD_TOKEN = re.compile(r"[MNO][\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_LARGEST_ID = 2**64 - 1
_MOST_DIGITS = 20
_QUOTED = re.compile(r"""("[^"]*"|'[^']*')\s*(#.*)?""")
_COMMENT = re.compile(r"^#(\s.*)?$|\s+#.*$")
_PLAIN_LINE = re.compile(r"[A-Za-z_]\w*=(\S|\s*$)")
_LONGEST_FILE = 2**20
_LAST_PORT = 65_535
_LONGEST_INTERVAL = 86_400
_LONGEST_LINK = 512


def _token(value: object) -> str:
    text = str(value).strip()
    if not text:
        raise ValueError("is empty. Paste the token")
    if text.lower().startswith(("bearer ", "bot ")):
        raise ValueError("starts with 'Bearer' or 'Bot'. Paste the token alone, without that word")
    if text.startswith(("DISCORD_TOKEN=", "USEAPI_TOKEN=")):
        raise ValueError("starts with the name of a setting. Paste the token alone, without the name and =")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds a character that no token has. Copy the token again, without quotes or spaces")
    if len(text) < _SHORTEST_TOKEN:
        raise ValueError("is too short for a token. Copy the whole token again")
    return text


def _discord_token(value: object) -> str:
    text = _token(value)
    if text.lower().startswith("user:"):
        raise ValueError("holds the token of useapi.net, which belongs in USEAPI_TOKEN. Put the bot's token here")
    return text


def _useapi_token(value: object) -> str:
    text = _token(value)
    if _DISCORD_TOKEN.fullmatch(text):
        raise ValueError("holds a bot's token of Discord, which belongs in DISCORD_TOKEN. Put useapi.net's token here")
    return text


def _password(value: object) -> object:
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("is not in UTF-8. Write it anew, in a .env file or a terminal that uses UTF-8")
    return value


def _is_whole_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _guild_id(text: str) -> int:
    if not (_is_whole_number(text) and 0 < int(text) <= _LARGEST_ID):
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


def _is_safe_url(text: str, *, without: str) -> bool:
    """Whether this is an https:// address, or a plain http:// one of this machine, without these characters."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    return bool(host) and is_safe and text.isascii() and text.isprintable() and not set(without) & set(text)


def _base_url(value: object) -> str:
    text = str(value).strip().rstrip("/")
    if not _is_safe_url(text, without="@?# ") or "v1" in urlsplit(text).path.split("/"):
        raise ValueError(
            f"must be an https:// address (plain http:// only for this machine) without /v1, such as {DEFAULT_API}"
        )
    return text


def _heartbeat(value: object) -> str:
    text = str(value).strip()
    if not _is_safe_url(text, without="@# "):
        raise ValueError("must be an https:// address (plain http:// only for this machine), as the monitor shows it")
    return text


def _page(value: object) -> str:
    text = str(value).strip()
    # Discord's buttons take no longer one, and brackets would end a link in a text.
    is_short = len(text) <= _LONGEST_LINK and text.isascii() and not set("@()<>") & set(text)
    if not (text.startswith("https://") and is_short and is_web_url(text)):
        raise ValueError(
            f"must be the https:// address of a public page, up to {_LONGEST_LINK} characters without brackets or @, "
            f"such as {SETUP_GUIDE}"
        )
    return text


def _port(value: object) -> int:
    text = str(value).strip()
    if not (_is_whole_number(text) and 0 < int(text) <= _LAST_PORT):
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
    if not (_is_whole_number(text) and 0 < int(text) <= _LONGEST_INTERVAL):
        raise ValueError(f"must be a whole number of seconds from 1 to {_LONGEST_INTERVAL}, which is a day")
    return int(text)


def _days(value: object) -> tuple[int, ...]:
    try:
        return parse_lead_times(str(value))
    except ValueError as error:
        raise ValueError(f'must be days before the expiry, such as "14,7,3,1". {error}') from None


def _one_of(*choices: str) -> Callable[[object], str]:
    """Return a validator that accepts one of these words in any case."""
    spelled = {choice.casefold(): choice for choice in choices}

    def validate(value: object) -> str:
        choice = spelled.get(str(value).strip().casefold())
        if choice is None:
            raise ValueError(f"must be {', '.join(choices[:-1])} or {choices[-1]}")
        return choice

    return validate


class LogSettings(BaseModel):
    """How much is logged, and how.

    The alias of a field is its name in the environment. Its `json_schema_extra` holds texts besides the description:
    `more` are further sentences, `if_missing` says what to do if a required setting is missing.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    log_level: Annotated[LogLevel, BeforeValidator(_one_of(*get_args(LogLevel)))] = Field(
        "INFO",
        alias="LOG_LEVEL",
        description="Lowest level that is logged: DEBUG, INFO, WARNING or ERROR",
    )
    log_format: Annotated[LogFormat, BeforeValidator(_one_of(*get_args(LogFormat)))] = Field(
        "text",
        alias="LOG_FORMAT",
        description="Format of the log: text or json",
        json_schema_extra={"more": "The log goes to standard error, with every secret redacted."},
    )


class UseapiSettings(LogSettings):
    """The settings that reading accounts takes."""

    useapi_token: Annotated[SecretStr, BeforeValidator(_useapi_token)] = Field(
        alias="USEAPI_TOKEN",
        description="API token of your useapi.net subscription",
        json_schema_extra={
            "more": "It has no scopes: everyone who has it can spend your credits.",
            "if_missing": "Paste the API token from your useapi.net account.",
        },
    )
    base_url: Annotated[str, BeforeValidator(_base_url)] = Field(
        DEFAULT_API,
        alias="USEAPI_BASE_URL",
        description="Address of the API",
        json_schema_extra={"more": "Plain `http://` is accepted for this machine only."},
    )
    renew_url: Annotated[str, BeforeValidator(_page)] = Field(
        GUIDED_SETUP,
        alias="RENEW_URL",
        description="Page that How to renew leads to",
        json_schema_extra={"more": "useapi.net's guided setup in a remote browser by default; `https://` only."},
    )
    renew_manual_url: Annotated[str, BeforeValidator(_page)] = Field(
        SETUP_GUIDE,
        alias="RENEW_MANUAL_URL",
        description="Page for those who renew a login by hand",
        json_schema_extra={"more": "Linked beside the other one; `https://` only."},
    )

    @property
    def renewal(self) -> RenewalLinks:
        """Return where people renew logins."""
        return RenewalLinks(self.renew_url, self.renew_manual_url)


class StoreSettings(LogSettings):
    """The settings that opening the database takes."""

    database: Annotated[str, BeforeValidator(parse_database_url)] = Field(
        DEFAULT_DATABASE,
        validate_default=True,
        alias="DATABASE_URL",
        repr=False,
        description="Database that keeps the reminders",
        json_schema_extra={
            "more": "A file (`sqlite:///path`) or a PostgreSQL server "
            "(`postgresql://user:password@host/database?sslmode=require`, as hosts give it)."
        },
    )
    database_password: Annotated[SecretStr | None, BeforeValidator(_password)] = Field(
        None,
        alias="PGPASSWORD",
        description="Password for the PostgreSQL server, if the address has none",
        json_schema_extra={"more": "`migrate-to` uses it too. A secret."},
    )

    @property
    def password(self) -> str:
        """Return PGPASSWORD, "" if it is not set."""
        return self.database_password.get_secret_value() if self.database_password is not None else ""

    @property
    def database_url(self) -> str:
        """Return the address of the database, with the password."""
        return with_password(self.database, self.password)


class Settings(UseapiSettings, StoreSettings):
    """The settings that running the bot takes."""

    discord_token: Annotated[SecretStr, BeforeValidator(_discord_token)] = Field(
        alias="DISCORD_TOKEN",
        description="The bot's token, from the Discord developer portal",
        json_schema_extra={
            "more": "It is under Bot, Reset Token.",
            "if_missing": "Paste the bot token from the Discord developer portal.",
        },
    )
    guild_ids: Annotated[tuple[int, ...], BeforeValidator(_guild_ids)] = Field(
        alias="GUILD_IDS",
        description="Ids of the servers that may use the bot, separated by commas",
        json_schema_extra={
            "more": "Commands exist in these servers only, and each of them sees every account of the token.",
            "if_missing": "List the ids of the servers that may use the bot, separated by commas.",
        },
    )
    check_interval: Annotated[int, BeforeValidator(_seconds)] = Field(
        300,
        alias="CHECK_INTERVAL_SECONDS",
        description="Seconds between two polls of all accounts, up to a day",
        json_schema_extra={"more": "Each poll is one call to the API, whatever the number of accounts."},
    )
    watch_jobs: Annotated[YesOrNo, BeforeValidator(_one_of(*get_args(YesOrNo)))] = Field(
        "yes",
        alias="WATCH_JOBS",
        description="Whether to read how jobs end, and credits where a reminder asks for them: yes or no",
        json_schema_extra={
            "more": "At most one call to the API every 5 minutes for all jobs, "
            "and one every 6 hours for the credits of an account."
        },
    )
    reminder_days: Annotated[tuple[int, ...], BeforeValidator(_days)] = Field(
        (14, 7, 3, 1),
        alias="REMINDER_DAYS",
        description="Days before the expiry on which to remind, unless a reminder names its own",
    )
    health_port: Annotated[int | None, BeforeValidator(_port)] = Field(
        None,
        alias="HEALTH_PORT",
        description="Port for /healthz and /metrics over HTTP",
        json_schema_extra={"more": "Without it the bot listens on no port."},
    )
    health_host: Annotated[str, BeforeValidator(_own_address)] = Field(
        "127.0.0.1",
        alias="HEALTH_HOST",
        description="Address to listen on for HEALTH_PORT",
        json_schema_extra={
            "more": "`0.0.0.0` stands for all addresses. Everyone who reaches it may read it: it asks for no password, "
            "and shows no secret."
        },
    )
    heartbeat_url: Annotated[SecretStr | None, BeforeValidator(_heartbeat)] = Field(
        None,
        alias="HEARTBEAT_URL",
        description="Address to ping (GET) after each poll that could read the accounts",
        json_schema_extra={
            "more": "For a monitor elsewhere that alerts when the pings stop. A secret; `https://`, or plain `http://` "
            "for this machine."
        },
    )


Kind = TypeVar("Kind", bound=LogSettings)


def text_of(field: FieldInfo, name: Literal["more", "if_missing"]) -> str:
    """Return a text of a setting besides its description, empty if it has none."""
    texts = field.json_schema_extra
    return str(texts.get(name, "")) if isinstance(texts, dict) else ""


def _problem(kind: type[LogSettings], error: ErrorDetails) -> str:
    """Return one line about one setting, without its value."""
    name = str(error["loc"][0])
    if error["type"] != "missing":
        # Some of the texts are sentences of their own already.
        return f"{name} {str(error['ctx']['error']).rstrip('.')}."
    (field,) = (field for field in kind.model_fields.values() if field.alias == name)
    return f"{name} is missing. {text_of(field, 'if_missing')}"


def _read_lines(dotenv: Path) -> list[Binding]:
    """Return what the lines of a `.env` say, nothing if there is no such file.

    Raises:
        SettingsError: it is no text file of a sensible size that the bot may read.
    """
    if not dotenv.is_file():
        return []
    try:
        with dotenv.open(encoding="utf-8-sig") as opened:
            text = opened.read(_LONGEST_FILE + 1)
    except (OSError, UnicodeDecodeError):
        text = "\0"
    # UTF-16 that does not begin with its mark has a NUL in every other byte.
    if "\0" in text:
        raise SettingsError([f"{dotenv.name} can't be read. Make it a UTF-8 text file that the bot may read."])
    if len(text) > _LONGEST_FILE:
        raise SettingsError([f"{dotenv.name} is no file of settings: it is over {_LONGEST_FILE} characters long."])
    return list(parse_stream(StringIO(text)))


def _without_marks(name: str, value: str) -> str:
    """Return a value of the environment without the quotes and the comment that other readers of a `.env` keep."""
    if quoted := _QUOTED.fullmatch(value):
        return quoted[1][1:-1]
    # There, a # may be part of a file's name or of the password.
    return value if name in ("DATABASE_URL", "PGPASSWORD") else _COMMENT.sub("", value)


def read_dotenv(file: Path) -> dict[str, str]:
    """Return what a `.env` file sets, nothing if there is none.

    Raises:
        SettingsError: it is no text file of a sensible size that the bot may read.
    """
    return {line.key: line.value for line in _read_lines(file) if line.key and line.value}


def _given(environ: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    clean = {name: _without_marks(name, value) for name, value in environ.items()}
    return read_dotenv(dotenv) | {name: value for name, value in clean.items() if value}


def read_settings(kind: type[Kind], environ: Mapping[str, str], dotenv: Path) -> Kind:
    """Return the settings; the environment outranks the `.env` file, an empty variable counts as not set.

    Raises:
        SettingsError: one line for each problem, with the name of the setting and what to do, without its value.
    """
    try:
        return kind.model_validate(_given(environ, dotenv))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        raise SettingsError(sorted(_problem(kind, item) for item in found)) from None


def secrets_of(settings: LogSettings) -> list[str]:
    """Return the values of the secret settings, for redaction."""
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    if isinstance(settings, StoreSettings):
        secrets += passwords_in(settings.database_url)
    if isinstance(settings, Settings) and settings.heartbeat_url is not None:
        secrets += _secret_parts(settings.heartbeat_url)
    return secrets


def _secret_parts(url: SecretStr) -> list[str]:
    """Return the path and the query of an address, which are secret without its host too, unless they are short."""
    parts = urlsplit(url.get_secret_value())
    return [part for part in (parts.path.lstrip("/"), parts.query) if len(part) >= _SHORTEST_TOKEN]


def is_open_to_others(file: Path) -> bool:
    """Whether other users of this machine may read a file; always False on Windows, whose file modes don't say."""
    return os.name == "posix" and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def find_warnings(environ: Mapping[str, str], dotenv: Path) -> list[str]:
    """Return warnings about a `.env` that others can read or that is ambiguous, and about misspelt settings."""
    warnings = []
    if dotenv.is_file() and is_open_to_others(dotenv):
        warnings.append(f"{dotenv.name} can be read by others on this machine. Run: chmod 600 {dotenv.name}")
    ours = [str(field.alias) for field in Settings.model_fields.values()]
    warnings += [f"{dotenv.name}, {problem}" for problem in _find_odd_lines(_read_lines(dotenv), ours)]
    for name in sorted(_given(environ, dotenv).keys() - set(ours)):
        close = get_close_matches(name.upper(), ours, n=1, cutoff=0.85)
        warnings.extend(f"Unknown setting {name}. Did you mean {meant}?" for meant in close)
    return warnings


def _find_odd_lines(lines: Sequence[Binding], ours: Collection[str]) -> Iterator[str]:
    """Yield the lines that mean nothing, that another line replaces, or that Docker or systemd read differently.

    Only the names of settings are in the texts: anything else may be a part of a secret.
    """
    seen: dict[str | None, int] = {}
    for line in lines:
        # Blank lines before it belong to it.
        text = line.original.string.lstrip()
        blank = line.original.string[: len(line.original.string) - len(text)]
        number = line.original.line + blank.count("\n")
        if line.error:
            yield f"line {number} is ignored. Write NAME=value, and # before a comment"
        elif line.key is not None and not _PLAIN_LINE.match(text):
            yield f"line {number} may mean nothing to Docker or systemd. Write NAME=value, without export or spaces."
        if line.key in ours:
            if line.key in seen:
                yield f"line {number} replaces line {seen[line.key]}: both set {line.key}. Keep one of them."
            seen[line.key] = number
