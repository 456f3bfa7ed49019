"""The command line itself: its name, its help, and how it prints errors."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.command import NOT_FOUND, REFUSED, print_error, report_error, without_marks
from bot.cli.main import EXIT_STATUSES, build_parser, main
from bot.errors import (
    AmbiguousName,
    ApiUnreachable,
    BotError,
    DiscordTokenRefused,
    NoSuchAccount,
    SettingsError,
    StoreError,
    UseapiTokenRefused,
)
from tests.support.paths import REPOSITORY

PROGRAM = """
import sys
from bot.cli.main import main
try:
    main(["--help"])
finally:
    packages = {"aiohttp", "alembic", "discord", "prometheus_client", "simcord", "sqlalchemy"}
    print(sorted(packages & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("start", "name"),
    [(["-m", "bot"], "python -m bot"), (["-c", "from bot.cli.main import main; main()"], "minimax-bot")],
)
def test_the_help_names_the_command_as_it_was_started(start: list[str], name: str) -> None:
    """The usage line can be typed again, also for the help of one command."""
    for arguments, usage in ((["--help"], f"usage: {name} [-h]"), (["demo", "-h"], f"usage: {name} demo [-h]")):
        done = subprocess.run(  # noqa: S603  (our own program)
            [sys.executable, *start, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.startswith(usage)


COMMANDS = ("run", "demo", "setup", "check", "account", "accounts", "backup", "restore", "migrate-to", "healthcheck")


def read_help(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what `--help` prints after these arguments."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=lambda value: "".join(value) or "all")
@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_the_help_fits_80_columns(
    command: tuple[str, ...], columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every help is at most 80 columns wide on any terminal, and each of its lists has its texts in one column."""
    monkeypatch.setenv("COLUMNS", columns)
    for section in read_help(capsys, *command).split("\n\n"):
        title, *lines = section.splitlines()
        assert all(len(line) <= 80 for line in (title, *lines))
        if title.endswith(":"):
            rows = [re.fullmatch(r"( {2}\S.*? {2,}| +)\S.*", line) for line in lines]
            assert len({row and len(row[1]) for row in rows}) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of a command has a sentence, whose beginning is the command's line in the help of all."""
    sentence = " ".join(read_help(capsys, command).split("\n\n")[1].split())
    assert re.match(r"[A-Z].*\.$", sentence)
    (section,) = (one for one in read_help(capsys).split("\n\n") if one.startswith("commands:"))
    (line,) = (line for line in section.splitlines() if line.startswith(f"  {command} "))
    assert sentence.startswith(line.removeprefix(f"  {command}").strip())


def test_the_exit_statuses_are_documented() -> None:
    """The documents have the exit statuses that the help lists."""
    page = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    shown = " ".join(build_parser().format_help().split())
    assert {name for names in EXIT_STATUSES for name in names.split(", ")} == set(COMMANDS)
    for names, ends in EXIT_STATUSES.items():
        told = ", ".join(f"{status} {what}" for status, what in ends.items())
        assert f"{names} {told}" in shown
        for name in names.split(", "):
            assert re.search(rf"^\|[^|]*`python -m bot {name}\b.*\| {re.escape(told)} \|$", page, re.MULTILINE), name


def test_the_help_is_quick_to_load() -> None:
    """The help loads none of the large packages."""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (
            DiscordTokenRefused("refused"),
            [
                "Discord refused DISCORD_TOKEN.",
                "The bot can't log in with this token.",
                DiscordTokenRefused.advice,
            ],
        ),
        (
            SettingsError(["GUILD_IDS is missing. List the ids.", "LOG_LEVEL must be DEBUG or INFO."]),
            [
                "Please fix these settings (in .env or the environment):",
                "  GUILD_IDS is missing. List the ids.",
                "  LOG_LEVEL must be DEBUG or INFO.",
                "`venv/bin/python -m bot setup` asks for them. New here? Try `venv/bin/python -m bot demo`.",
            ],
        ),
        (
            StoreError("it can't be opened (disk full)"),
            ["The database can't be used: it can't be opened (disk full)."],
        ),
        (
            UseapiTokenRefused("401"),
            [f"{UseapiTokenRefused.title}.", UseapiTokenRefused.text, UseapiTokenRefused.operator_advice],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BotError) else "",
)
def test_an_error_is_printed_with_what_to_do(
    error: BotError, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What happened and what to do each have a line on standard error, written for the operator."""
    print_error(error, "venv/bin/python -m bot")
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == ("", lines)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoSuchAccount("9", [("Priya Raman", "1")]), "These accounts exist: Priya Raman (1)"),
        (NoSuchAccount("Pria", [("Priya Raman", "1")], are_similar=True), "Did you mean this one? Priya Raman (1)"),
        (NoSuchAccount("a", [("A", "1"), ("", "2")], are_similar=True), "Did you mean one of these? A (1), 2"),
        (AmbiguousName("Sam", [("Sam", "1"), ("", "2\x1b[31m")]), "Use the ID of the one you mean: Sam (1), 2 [31m"),
    ],
)
def test_accounts_to_choose_from_are_named(error: BotError, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The accounts are offered by name and id, without what would steer the terminal."""
    assert report_error(error, "minimax-bot", as_json=False) == NOT_FOUND
    assert capsys.readouterr().err.splitlines()[1] == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Use `/minimax-account` instead.", "Use `/minimax-account` instead."),
        ("[Add it](https://example.com/a) now, **Mateo**", "Add it: https://example.com/a now, Mateo"),
        (r"a\_b \*c\*", "a_b *c*"),
    ],
)
def test_texts_for_discord_lose_their_marks(text: str, shown: str) -> None:
    """Bold marks, links and escapes of Discord are not shown on a terminal."""
    assert without_marks(text) == shown


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NoSuchAccount(), NOT_FOUND, "no_such_account"),
        (AmbiguousName("Sam", []), NOT_FOUND, "ambiguous_name"),
        (ApiUnreachable("reset"), REFUSED, "api_unreachable"),
        (UseapiTokenRefused("401"), REFUSED, "useapi_token_refused"),
        (SettingsError(["GUILD_IDS is missing."]), REFUSED, "settings_error"),
    ],
)
def test_programs_get_errors_as_json(
    error: BotError, status: int, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error is an object on standard output, and its kind stays the same."""
    assert report_error(error, "minimax-bot", as_json=True) == status
    printed = capsys.readouterr()
    shown = json.loads(printed.out)["error"]
    assert (printed.err, shown["kind"], shown["title"], set(shown)) == (
        "",
        kind,
        error.title,
        {"kind", "title", "text", "advice"},
    )


def test_a_missing_setting_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A command without the settings it needs ends with status 2, and names them."""
    assert main(["accounts"]) == REFUSED
    assert "USEAPI_TOKEN is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["account"], ["demo", "--port", "65536"], ["demo", "--days-later", "-1"]]
)
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    """Arguments that the parser does not accept end with status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == REFUSED


@pytest.mark.parametrize("command", ["--help", "healthcheck"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_ends_a_command_silently(command: str, unbuffered: str, tmp_path: Path) -> None:
    """A command whose output nobody reads any more, as behind `head`, ends without a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": unbuffered}
    with os.fdopen(writer) as output:
        done = subprocess.run(  # noqa: S603  (our own program)
            [sys.executable, "-m", "bot", command],
            cwd=tmp_path,
            env=environment,
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.stderr == b""
    # argparse itself keeps quiet about a help that can't be printed.
    assert done.returncode == REFUSED or command == "--help"


@pytest.mark.parametrize("command", ["--help", "healthcheck"])
def test_output_that_can_not_be_stored_ends_a_command_in_words(command: str, tmp_path: Path) -> None:
    """A full disk ends a command with status 2 and without a traceback: 1 means something else to a script."""
    with Path("/dev/full").open("wb") as output:
        done = subprocess.run(  # noqa: S603  (our own program)
            [sys.executable, "-m", "bot", command],
            cwd=tmp_path,
            env={"PYTHONPATH": str(REPOSITORY)},
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.stderr == b"The output can't be written (No space left on device).\n"
    assert done.returncode == REFUSED


def test_a_connection_that_breaks_is_a_crash_of_the_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` prints nothing that a reader could refuse: a broken connection is reported as any crash is."""

    def fail(*_arguments: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("bot.cli.run.load_settings", fail)
    with pytest.raises(RuntimeError, match="a connection broke"):
        main(["run"])
