"""Logging: one handler on the root logger, text or JSON, with every secret redacted."""

import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

from bot.core.text import defused, defused_json

Redact = Callable[[str], str]

_LOG = logging.getLogger("bot")
# Keys of `extra` in a log call that become fields in JSON, to search by.
_FIELDS = ("reference", "guild_id", "user_id")


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a wrong log call of a library must not raise there
        return f"{record.msg} (the arguments of this message do not fit)"


class RedactingFilter(logging.Filter):
    """Renders each record once and redacts it: message, arguments, traceback and stack."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the texts of the record in place, so that later handlers see no secret either."""
        record.msg, record.args = self._redact(_message_of(record)), None
        for name, value in _fields_of(record).items():
            setattr(record, name, self._redact(value))
        if record.exc_info and not record.exc_text:
            record.exc_text = self._formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redact(record.exc_text)
        record.exc_info = None
        if record.stack_info:
            record.stack_info = self._redact(record.stack_info)
        return True


def _fields_of(record: logging.LogRecord) -> dict[str, str]:
    """Return the extra fields as texts: some readers of JSON round numbers as large as Discord's ids."""
    given = {name: getattr(record, name, None) for name in _FIELDS}
    return {name: str(value) for name, value in given.items() if value is not None}


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(logging.Formatter):
    """One line a record: UTC time, level, logger, message; line breaks and control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback where there is one."""
        line = f"{_time_of(record)} {record.levelname:<8} {record.name}: {defused(record.getMessage())}"
        # Indented, so that no line of a traceback looks like a record.
        details = "\n".join(filter(None, (record.exc_text, record.stack_info))).splitlines()
        return "\n".join((line, *(f"  {defused(detail)}" for detail in details)))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object: UTC time, level, logger and message; extra fields and traceback if there are any."""
        entry = {
            "time": _time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields_of(record),
        }
        traceback = "\n".join(filter(None, (record.exc_text, record.stack_info)))
        line = json.dumps(entry | ({"traceback": traceback} if traceback else {}), ensure_ascii=False)
        return defused_json(line)


def build_handler(redact: Redact, style: Literal["text", "json"], stream: TextIO) -> logging.Handler:
    """Return a handler that writes redacted lines to the stream."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(redact))
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    return handler


# What libraries log at each start, by logger, and what the bot says in its own words.
_NOISE = {
    "discord.state": ("intent seems to be disabled",),
    "discord.client": ("logging in using static token",),
    "discord.gateway": ("has connected to Gateway", "successfully RESUMED"),
}


def _is_noise(record: logging.LogRecord) -> bool:
    return any(phrase in str(record.msg) for phrase in _NOISE[record.name])


def set_up_logging(redact: Redact, level: str, style: Literal["text", "json"]) -> None:
    """Send all logging of this process to standard error, redacted, and uncaught errors with it."""
    logging.basicConfig(level=level, handlers=[build_handler(redact, style, sys.stderr)], force=True)
    for name in _NOISE:
        logging.getLogger(name).addFilter(lambda record: not _is_noise(record))
    # Below INFO discord.py logs whole events and callback addresses, with tokens that let anybody answer for the bot.
    logging.getLogger("discord").setLevel(max(logging.INFO, logging.getLogger().level))
    # At INFO it logs its parts and each step of a migration; the bot logs what has become of the database.
    logging.getLogger("alembic").setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash
    threading.excepthook = lambda report: _LOG.critical("A thread crashed", exc_info=report.exc_value)
    sys.unraisablehook = lambda report: _LOG.error("An error came too late to be raised", exc_info=report.exc_value)


def _log_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _LOG.critical("Crashed", exc_info=(kind, error, traceback))
