"""Logging: one handler on the root logger, text or JSON, with every secret redacted."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TextIO

from bot.core.text import defused, defused_json

Redact = Callable[[str], str]

# What a log call may give as `extra`: fields of their own in JSON, to search by.
_FIELDS = ("reference", "guild_id", "user_id")


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a library's careless log call must not raise where it stands, whatever its arguments do
        return f"{record.msg} (the arguments of this message do not fit)"


class RedactingFilter(logging.Filter):
    """Renders each record once and redacts it: message, arguments, traceback and stack alike."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the record's texts in place, so that whatever handler comes next sees no secret."""
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
    """Return the extra fields as texts: not everything that reads JSON knows numbers as large as Discord's ids."""
    given = {name: getattr(record, name, None) for name in _FIELDS}
    return {name: str(value) for name, value in given.items() if value is not None}


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(logging.Formatter):
    """One line a record: UTC time, level, logger, message; line breaks and control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback where there is one."""
        line = f"{_time_of(record)} {record.levelname:<8} {record.name}: {defused(record.getMessage())}"
        # Indented, so that no line of a traceback passes for a record.
        details = "\n".join(filter(None, (record.exc_text, record.stack_info))).splitlines()
        return "\n".join((line, *(f"  {defused(detail)}" for detail in details)))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object: time (UTC), level, logger, message; where there are any, what was asked, the traceback."""
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


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record tells something; discord.py warns at each start of the intents that this bot leaves off."""
    return "intent seems to be disabled" not in str(record.msg)


def set_up_logging(redact: Redact, level: str, style: Literal["text", "json"]) -> None:
    """Send all logging of this process to standard error, redacted."""
    logging.basicConfig(level=level, handlers=[build_handler(redact, style, sys.stderr)], force=True)
    logging.getLogger("discord.state").addFilter(_is_news)
    # Below INFO discord.py logs whole events and callback addresses, with tokens that let anybody answer for the bot.
    logging.getLogger("discord").setLevel(max(logging.INFO, logging.getLogger().level))
    # At INFO it names each part of Alembic that it loads.
    logging.getLogger("alembic.runtime.plugins").setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.captureWarnings(capture=True)
