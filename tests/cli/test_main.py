"""The command line itself: its name, its help, and how it prints errors."""

import subprocess
import sys

import pytest

from bot.cli.command import REFUSED, print_error
from bot.cli.main import main
from bot.errors import AmbiguousName, BotError, DiscordTokenRefused, SettingsError, StoreError
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
                "Reset the token in the developer portal and paste the new one.",
            ],
        ),
        (
            SettingsError(["GUILD_IDS is missing. List the ids.", "LOG_LEVEL must be DEBUG or INFO."]),
            [
                "The settings need a change.",
                "  GUILD_IDS is missing. List the ids.",
                "  LOG_LEVEL must be DEBUG or INFO.",
                "Set them in .env or the environment.",
            ],
        ),
        (
            StoreError("it can't be opened (disk full)"),
            ["The database can't be used: it can't be opened (disk full)."],
        ),
        (
            AmbiguousName(["1", "2\x1b[31m"]),
            [
                "Several accounts have this name.",
                "The user name you gave belongs to more than one account.",
                "Ask again with the id of the one you mean.",
                "Accounts: 1, 2 [31m",
            ],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BotError) else "",
)
def test_an_error_is_printed_with_what_to_do(
    error: BotError, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What happened, what to do and the accounts to choose from each have a line on standard error."""
    print_error(error)
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == ("", lines)


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
