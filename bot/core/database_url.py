"""Addresses of databases, as people and hosts write them, in the one spelling that the rest of the bot uses."""

import os
import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

DEFAULT = "sqlite:///data/bot.db"
SQLITE, POSTGRESQL = "sqlite+aiosqlite:///", "postgresql+asyncpg://"
# How others spell them; both need the driver that the bot uses.
_SPELLINGS = {"postgresql://": POSTGRESQL, "postgres://": POSTGRESQL, "sqlite:///": SQLITE}
# What the settings of a connection mean to the server.
SERVER_SETTINGS = ("application_name", "options", "search_path")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_CHOICES = {
    "ssl": _SSL_MODES,
    "target_session_attrs": ("any", "primary", "standby", "read-write", "read-only", "prefer-standby"),
}
# The driver takes their files from the environment alone.
_FILES = {"sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslcrl": "PGSSLCRL"}
_KNOWN = {"ssl", "target_session_attrs", "user", "password", "host", "port", "database", *SERVER_SETTINGS}
_RENAMED = {"sslmode": "ssl", "dbname": "database"}
# The bot has waits and a pool of its own, its driver no channel binding, and pgbouncer= is for another library.
_IGNORED = {"channel_binding", "connect_timeout", "pgbouncer", "connection_limit", "pool_timeout", "sslnegotiation"}
# Some readers of a .env keep a comment as part of the value.
_COMMENT = re.compile(r"\s#")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")


def parse_database_url(value: object) -> str:
    """Return the address of a database: a file's whole name, or a server with the driver's own options.

    Raises:
        ValueError: this is no such address; the message says what to do, and holds no part of the address but the
            names of options.
    """
    text = str(value).strip()
    for spelling, ours in _SPELLINGS.items():
        if text.startswith(spelling):
            text = ours + text.removeprefix(spelling)
    if text.startswith(SQLITE):
        return SQLITE + _file(text.removeprefix(SQLITE))
    if text.startswith(POSTGRESQL):
        return _server(text)
    raise ValueError(f"must begin with sqlite:/// or postgresql://, such as {DEFAULT}")


def spell(url: str) -> str:
    """Return a parsed address as people write it."""
    if url.startswith(SQLITE):
        return f"sqlite:///{url.removeprefix(SQLITE).replace('%25', '%')}"
    return url.replace(POSTGRESQL, "postgresql://", 1)


def with_password(url: str, password: str) -> str:
    """Return a parsed address with this password, unless it has one or leads to a file."""
    if not password or not url.startswith(POSTGRESQL) or passwords_in(url):
        return url
    return f"{url}{'&' if '?' in url else '?'}password={quote(password, safe='')}"


def passwords_in(url: str) -> list[str]:
    """Return the password in a database's address, both as it is spelled and decoded, for redaction."""
    if not url.startswith(POSTGRESQL):
        return []
    parts = urlsplit(url)
    in_query = [value for name, value in parse_qsl(parts.query) if name == "password"]
    password = parts.password or ""
    return [one for one in dict.fromkeys([password, unquote(password), *in_query]) if one]


def _file(name: str) -> str:
    """Return a file's name as it stands in an address, which is decoded when the file is opened."""
    if name in ("", ":memory:") or name.startswith("file:"):
        raise ValueError(f"must name a file that keeps the reminders, such as {DEFAULT}")
    if "?" in name:
        raise ValueError("has a ? in the name of the file, or options behind it. The bot sets such options by itself")
    if _COMMENT.search(name):
        raise ValueError("has a # behind a space. Leave the comment out, or rename the file")
    if _ENCODED.search(name):
        raise ValueError("has a % with two digits in the name of the file. Write the name as it is, also with spaces")
    if name.endswith(("/", "\\")):
        raise ValueError(f"names a folder. Add the name of a file, such as {DEFAULT}")
    expanded = os.path.expanduser(name)  # noqa: PTH111  (pathlib's raises an error for an unknown user)
    if expanded.startswith("~"):
        raise ValueError("begins with ~, and there is no such home folder. Write the whole path")
    return expanded.replace("%", "%25")


def _server(url: str) -> str:
    parts = _split(url)
    options: dict[str, str] = {}
    unknown, problems = [], []
    for given, text in parse_qsl(parts.query, keep_blank_values=True):
        name = _RENAMED.get(given, given)
        if name in _KNOWN:
            options[name] = text
        elif name in _FILES:
            problems.append(f"has {name}=. Leave it out, and set {_FILES[name]} in the environment instead")
        elif name not in _IGNORED:
            unknown.append(given)
    if unknown:
        problems.append(f"has options that the bot does not know: {', '.join(unknown)}. Leave them out")
    for name, choices in _CHOICES.items():
        if options.get(name, choices[0]) not in choices:
            spelled = "ssl= or sslmode=" if name == "ssl" else f"{name}="
            problems.append(f"has another {spelled} than {', '.join(choices)}")
    if problems:
        raise ValueError("; and it ".join(problems))
    query = urlencode(options, quote_via=quote, safe="/")
    # Without a host, `geturl` would leave out the slashes.
    return f"{POSTGRESQL}{parts.netloc}{parts.path}{'?' if query else ''}{query}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # SQLAlchemy accepts passwords that a URL may not hold; they could not be redacted.
        is_clear = url.count("@") == parts.netloc.count("@") <= 1 and (parts.port or 1) > 0 and "#" not in url
    except ValueError:
        is_clear = False
    if not is_clear:
        raise ValueError("can't be read. Write @ : / ? # in the user name or password as %40 %3A %2F %3F %23")
    return parts
