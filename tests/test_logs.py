"""What the log holds, and what it must not hold."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.secrets import HIDDEN, Redactor
from bot.logs import build_handler
from tests.support.paths import REPOSITORY

Style = Literal["text", "json"]
STYLES: list[Style] = ["text", "json"]
SECRET_WORD = "s3cret-value-of-a-thread"
SECRET = "s3cret/va'lue\\0123"
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40)
ANY_STYLE = pytest.mark.parametrize("style", STYLES)


@contextmanager
def logging_to(stream: StringIO, style: Style, secret: str = SECRET) -> Iterator[logging.Logger]:
    """Send a library's logger, at DEBUG, to the stream only."""
    logger = logging.getLogger("library.part")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    handler = build_handler(Redactor([secret]), style, stream)
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


def fail_with(secret: str) -> None:
    """Raise an error chained to another, both holding the secret."""
    try:
        dict[str, str]()[secret]
    except KeyError as cause:
        raise RuntimeError(f"no {secret}") from cause


def log_everywhere(logger: logging.Logger, secret: str) -> None:
    """Log the secret in each place of a record."""
    logger.debug("message %s" % secret)  # noqa: G002, UP031  (as careless libraries do)
    logger.info("argument %s and %r", secret, {"Authorization": f"Bearer {secret}"})
    logger.warning("named %(token)s", {"token": secret})
    logger.error("stack", stack_info=True, extra={"token": secret})
    try:
        fail_with(secret)
    except RuntimeError:
        logger.exception("failed with %s", secret)
    group = ExceptionGroup(f"group {secret}", [ValueError(secret), TypeError(f"type {secret}")])
    group.add_note(f"note {secret}")
    logger.critical(ValueError(secret), exc_info=group)


@ANY_STYLE
@settings(max_examples=25, deadline=None)
@given(secret=SECRETS)
def test_no_secret_reaches_the_log(style: Style, secret: str) -> None:
    """Messages, arguments, tracebacks, chained errors, groups and notes are all redacted."""
    stream = StringIO()
    with logging_to(stream, style, secret) as logger:
        log_everywhere(logger, secret)
    written = stream.getvalue()
    assert written.count(HIDDEN) >= 9
    spellings = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    assert not [spelling for spelling in spellings if spelling in written.replace(HIDDEN, "\n")]


@ANY_STYLE
def test_the_rest_stays(style: Style) -> None:
    """Level, logger, message and the traceback's shape are kept."""
    stream = StringIO()
    with logging_to(stream, style) as logger:
        log_everywhere(logger, SECRET)
    written = stream.getvalue()
    for expected in ("WARNING", "library.part", f"named {HIDDEN}", "fail_with", "RuntimeError", "direct cause", "note"):
        assert expected in written


@ANY_STYLE
def test_later_handlers_see_no_secret_either(style: Style) -> None:
    """A record is redacted in place, so a handler that a library adds gets the redacted one."""
    later = logging.StreamHandler(StringIO())
    with logging_to(StringIO(), style) as logger:
        logger.addHandler(later)
        log_everywhere(logger, SECRET)
        logger.removeHandler(later)
    written = later.stream.getvalue()
    assert "failed with" in written
    assert SECRET not in written
    assert repr(SECRET)[1:-1] not in written


@ANY_STYLE
def test_a_broken_log_call_is_logged_and_does_not_spread(style: Style, capsys: pytest.CaptureFixture[str]) -> None:
    """A library's record whose arguments do not fit neither raises nor shows a secret."""
    stream = StringIO()
    with logging_to(stream, style) as logger:
        logger.info("%d of %s", SECRET, 3)
        logger.info("next")
    written = stream.getvalue() + "".join(capsys.readouterr())
    assert "next" in written
    assert "%d of %s" in written
    assert SECRET not in written
    assert repr(SECRET)[1:-1] not in written


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_every_json_line_is_one_object(message: str) -> None:
    """Every message becomes one line of valid JSON with the message in it."""
    stream = StringIO()
    with logging_to(stream, "json") as logger:
        logger.info("%s", message)
    line, end = stream.getvalue()[:-1], stream.getvalue()[-1:]
    assert end == "\n"
    assert "\n" not in line
    assert json.loads(line)["message"] == Redactor([SECRET])(message)


def test_a_json_line_has_time_level_logger_message_and_traceback() -> None:
    """The object has time, level, logger and message; a traceback only if there is one."""
    stream = StringIO()
    with logging_to(stream, "json") as logger:
        logger.warning("careful")
        try:
            fail_with("x")
        except RuntimeError:
            logger.exception("failed")
    plain, failed = map(json.loads, stream.getvalue().splitlines())
    assert set(plain) == {"time", "level", "logger", "message"}
    assert (plain["level"], plain["logger"], plain["message"]) == ("WARNING", "library.part", "careful")
    assert plain["time"].endswith("Z")
    assert failed["traceback"].startswith("Traceback")
    assert failed["traceback"].endswith("RuntimeError: no x")


def test_a_json_line_has_fields_to_search_by() -> None:
    """Reference, server and user are fields, as texts and redacted; unknown and other values are left out."""
    stream = StringIO()
    with logging_to(stream, "json") as logger:
        logger.info("asked", extra={"reference": "0badcafe", "guild_id": 2**60, "user_id": SECRET, "other": "x"})
        logger.info("asked in a direct message", extra={"reference": "0badcafe", "guild_id": None})
    full, direct = map(json.loads, stream.getvalue().splitlines())
    assert (full["reference"], full["guild_id"], full["user_id"]) == ("0badcafe", str(2**60), HIDDEN)
    assert set(full) - set(direct) == {"guild_id", "user_id"}
    assert "other" not in full


def test_a_text_line_has_time_level_logger_and_message() -> None:
    """One readable line a record, in UTC."""
    stream = StringIO()
    with logging_to(stream, "text") as logger:
        record = logger.makeRecord("library.part", logging.INFO, "", 0, "hello %s", ("you",), None)
        record.created = 1_767_225_600.5
        logger.handle(record)
    assert stream.getvalue() == "2026-01-01T00:00:00.500Z INFO     library.part: hello you\n"


FORGED = "2026-01-01T00:00:00.000Z CRITICAL bot: forged"


LINE_ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@ANY_STYLE
@pytest.mark.parametrize("line_end", LINE_ENDS, ids=ascii)
def test_a_line_break_in_a_message_forges_no_line(style: Style, line_end: str) -> None:
    """A message with a line break of any kind stays one line."""
    stream = StringIO(newline="")
    with logging_to(stream, style) as logger:
        logger.info("asked for %s", f"1{line_end}{FORGED}")
    assert len(stream.getvalue().splitlines()) == 1


@ANY_STYLE
@pytest.mark.parametrize(
    "steering", ["\x1b[2J", "\x9b31m", "\x00", "\x07", "\x08", "\x7f", "\u202e", "\u2066"], ids=ascii
)
def test_a_message_does_not_steer_the_terminal(style: Style, steering: str) -> None:
    """Characters that clear a screen, ring, or turn the reading direction are escaped, also in a traceback."""
    stream = StringIO()
    with logging_to(stream, style) as logger:
        logger.info("asked for %s", steering)
        try:
            fail_with(steering)
        except RuntimeError:
            logger.exception("failed")
    written = stream.getvalue()
    assert steering[0] not in written
    if style == "json":
        assert json.loads(written.splitlines()[0])["message"] == f"asked for {steering}"


def test_a_line_break_in_an_error_forges_no_line() -> None:
    """No line of a traceback looks like a record of its own."""
    stream = StringIO()
    with logging_to(stream, "text") as logger:
        try:
            fail_with(f"1\n{FORGED}")
        except RuntimeError:
            logger.exception("failed")
    assert [line for line in stream.getvalue().splitlines() if line.startswith("20")][1:] == []


PROGRAM = """
import asyncio, logging, warnings
from bot.core.secrets import Redactor
from bot.logs import set_up_logging
set_up_logging(Redactor(["s3cret-value"]), "DEBUG", "json")
logging.getLogger("library").debug("sent with %s", "s3cret-value")
logging.getLogger("discord.http").debug("callback /interactions/1/unknown-t0ken/callback")
logging.getLogger("discord.http").info("connected")
logging.getLogger("discord.state").warning("%s intent seems to be disabled. s3cret-value", "Guilds")
logging.getLogger("discord.state").warning("other")
logging.getLogger("alembic.runtime.plugins").info("setup plugin")
logging.getLogger("alembic.runtime.migration").info("Running %s", "upgrade")
logging.getLogger("alembic.runtime.migration").warning("odd")
logging.getLogger("discord.gateway").info("Shard ID %s has connected to Gateway (Session ID: %s).", None, "1")
logging.getLogger("discord.gateway").info("Shard ID %s has successfully RESUMED session %s.", None, "1")
logging.getLogger("discord.gateway").info("other")
logging.getLogger("discord.client").info("logging in using static token")
warnings.warn("old s3cret-value")
async def main():
    asyncio.get_running_loop().create_task(fail())
    await asyncio.sleep(0)
async def fail():
    raise ValueError("s3cret-value")
asyncio.run(main())
"""


def test_a_whole_process_logs_redacted_to_standard_error() -> None:
    """Libraries, warnings and forgotten tasks are logged, redacted; discord.py's details, with tokens, are not."""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == ""
    assert "s3cret" not in done.stderr
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    logged = {(entry["logger"], entry["message"].partition("\n")[0]) for entry in entries}
    assert ("library", f"sent with {HIDDEN}") in logged
    assert [message for logger, message in logged if logger == "discord.http"] == ["connected"]
    assert [message for logger, message in logged if logger == "discord.state"] == ["other"]
    assert [message for logger, message in logged if logger.startswith("alembic")] == ["odd"]
    assert [message for logger, message in logged if logger == "discord.gateway"] == ["other"]
    assert "discord.client" not in {logger for logger, _ in logged}
    assert {"py.warnings", "asyncio"} <= {logger for logger, _ in logged}


def test_a_crash_of_a_thread_is_redacted() -> None:
    """The error that ends a thread goes through the log, like every uncaught error."""
    program = f"""
import threading
from bot.core.secrets import Redactor
from bot.logs import set_up_logging
set_up_logging(Redactor(["{SECRET_WORD}"]), "INFO", "text")
def fail():
    raise RuntimeError("{SECRET_WORD}")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY)  # noqa: S603
    assert "A thread crashed" in done.stderr
    assert HIDDEN in done.stderr
    assert SECRET_WORD not in done.stdout + done.stderr
