"""The `.env` file beside the environment."""

import os
import stat
from pathlib import Path

import pytest

from bot.config import Settings, find_warnings, read_settings
from bot.errors import SettingsError
from tests.support.settings import GOOD


def problems_of(dotenv: Path) -> tuple[str, ...]:
    """Return the problems that good settings have with this file."""
    with pytest.raises(SettingsError) as caught:
        read_settings(Settings, GOOD, dotenv)
    return caught.value.problems


def test_settings_come_from_the_file(tmp_path: Path) -> None:
    """A `.env` file alone is enough; quotes, comments and `export` are understood, `$` is not expanded."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(
        "# comment\nexport DISCORD_TOKEN='d$HOMEmore'\nUSEAPI_TOKEN=\"${PATH}x\"\nGUILD_IDS=1,2 # both\nLOG_LEVEL\nX=\n"
    )
    settings = read_settings(Settings, {}, dotenv)
    assert settings.discord_token.get_secret_value() == "d$HOMEmore"
    assert settings.useapi_token.get_secret_value() == "${PATH}x"
    assert (settings.guild_ids, settings.log_level) == ((1, 2), "INFO")


def test_the_environment_outranks_the_file(tmp_path: Path) -> None:
    """A variable that is set outranks the same name in the file."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("GUILD_IDS=999\nLOG_LEVEL=DEBUG\n")
    settings = read_settings(Settings, GOOD, dotenv)
    assert (settings.guild_ids, settings.log_level) == ((123,), "DEBUG")


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_that_docker_keeps(quote: str) -> None:
    """`docker --env-file` keeps the quotes around a value; they are no part of it."""
    given = GOOD | {"DATABASE_URL": "sqlite+aiosqlite:///my.db"}
    quoted = {name: f"{quote}{value}{quote}" for name, value in given.items()}
    assert read_settings(Settings, quoted, Path("none")) == read_settings(Settings, given, Path("none"))


@pytest.mark.parametrize(
    "value", ["DEBUG # loud", "DEBUG\t#", '"DEBUG" # loud', "'DEBUG'#", "'DEBUG'", "DEBUG "], ids=lambda value: value
)
def test_comments_that_docker_and_systemd_keep(value: str, tmp_path: Path) -> None:
    """A comment behind a value is no part of it, whichever program has read the line."""
    (dotenv := tmp_path / ".env").write_text(f"LOG_LEVEL={value}\n")
    assert read_settings(Settings, GOOD, dotenv).log_level == "DEBUG"
    assert read_settings(Settings, GOOD | {"LOG_LEVEL": value}, Path("none")).log_level == "DEBUG"


def test_a_value_that_is_a_comment(tmp_path: Path) -> None:
    """A comment in the place of a value leaves the setting unset."""
    (dotenv := tmp_path / ".env").write_text("LOG_LEVEL= # the default\n")
    assert read_settings(Settings, GOOD, dotenv).log_level == "INFO"
    assert read_settings(Settings, GOOD | {"LOG_LEVEL": "# the default"}, Path("none")).log_level == "INFO"


def test_an_empty_variable_does_not_hide_the_file(tmp_path: Path) -> None:
    """An empty variable counts as not set, so the file's value holds."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("GUILD_IDS=999\n")
    assert read_settings(Settings, GOOD | {"GUILD_IDS": ""}, dotenv).guild_ids == (999,)


@pytest.mark.parametrize(
    "content",
    [
        b"DISCORD_TOKEN=s3cret\xff\xfe",
        b"DISCORD_TOKEN=s3cret\0",
        "DISCORD_TOKEN=s3cret".encode("utf-16"),
        "DISCORD_TOKEN=s3cret".encode("utf-16-le"),
    ],
)
def test_a_file_that_is_not_utf8(tmp_path: Path, content: bytes) -> None:
    """A file in another encoding is one problem, reported without its content."""
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(content)
    (problem,) = problems_of(dotenv)
    assert problem.startswith(".env can't be read. ")
    assert "s3cret" not in problem


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    """A huge file is refused at once, whatever is in it."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("X=s3cret\n" * 150_000)
    (problem,) = problems_of(dotenv)
    assert problem.startswith(".env is no file of settings")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begins", ["", "\N{BYTE ORDER MARK}", "\n\n"])
def test_files_of_any_editor(tmp_path: Path, begins: str, ends: str) -> None:
    """A byte order mark, blank lines and any line ends are no part of the settings."""
    lines = [f"{name}={value}" for name, value in GOOD.items()]
    (dotenv := tmp_path / ".env").write_bytes((begins + ends.join([*lines, ""])).encode())
    dotenv.chmod(0o600)
    assert read_settings(Settings, {}, dotenv) == read_settings(Settings, GOOD, Path("none"))
    assert find_warnings({}, dotenv) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\n\ns3cret words\n", "line 3 is ignored. Write NAME=value"),
        ("LOG_LEVEL: DEBUG\n", "line 1 is ignored"),
        ("; s3cret\n", "line 1 is ignored"),
        ('DISCORD_TOKEN="s3cret\n', "line 1 is ignored"),
        ("s3cret.t0ken\n", "line 1 may mean nothing to Docker"),
        (
            "export USEAPI_TOKEN=s3cret\n",
            "line 1 may mean nothing to Docker or systemd. Write NAME=value",
        ),
        ("USEAPI_TOKEN = s3cret\n", "line 1 may mean nothing"),
        ("GUILD_IDS=1\n\nGUILD_IDS=2\n", "line 3 replaces line 1: both set GUILD_IDS"),
    ],
)
def test_lines_that_readers_take_differently(tmp_path: Path, content: str, words: str) -> None:
    """A line that is ignored, read differently by Docker or systemd, or there twice, is named by its number."""
    (dotenv := tmp_path / ".env").write_text(content)
    dotenv.chmod(0o600)
    (warning,) = find_warnings({}, dotenv)
    assert warning.startswith(f".env, {words}")
    assert "s3cret" not in warning


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_read_permission(tmp_path: Path) -> None:
    """A file that the bot may not read is one problem, not a crash."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("GUILD_IDS=1\n")
    dotenv.chmod(stat.S_IWUSR)
    assert len(problems_of(dotenv)) == 1


def test_a_folder_instead_of_a_file_is_no_file(tmp_path: Path) -> None:
    """A folder named `.env`, as container mounts make it, counts as no file."""
    assert read_settings(Settings, GOOD, tmp_path).guild_ids == (123,)


@pytest.mark.parametrize(("mode", "count"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1)])
def test_a_file_that_others_can_read(tmp_path: Path, mode: int, count: int) -> None:
    """A `.env` that others may read is a warning."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("GUILD_IDS=1\n")
    dotenv.chmod(mode)
    warnings = find_warnings({}, dotenv)
    assert len(warnings) == count
    assert all("chmod 600 .env" in doubt for doubt in warnings)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GUILD_ID", "GUILD_IDS"),
        ("USEAPI_TOKENS", "USEAPI_TOKEN"),
        ("discord_token", "DISCORD_TOKEN"),
        ("DISCORD_TOKEN", None),
        ("PATH", None),
        ("TOKEN", None),
    ],
)
def test_a_name_that_is_almost_a_setting(tmp_path: Path, name: str, meant: str | None) -> None:
    """A misspelt name is reported with the name that was likely meant, never with its value."""
    warnings = find_warnings({name: "s3cret"}, tmp_path / ".env")
    assert warnings == ([f"Unknown setting {name}. Did you mean {meant}?"] if meant else [])
