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
    quoted = {name: f"{quote}{value}{quote}" for name, value in GOOD.items()}
    assert read_settings(Settings, quoted, Path("none")) == read_settings(Settings, GOOD, Path("none"))


def test_an_empty_variable_does_not_hide_the_file(tmp_path: Path) -> None:
    """An empty variable counts as not set, so the file's value holds."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("GUILD_IDS=999\n")
    assert read_settings(Settings, GOOD | {"GUILD_IDS": ""}, dotenv).guild_ids == (999,)


@pytest.mark.parametrize("content", [b"DISCORD_TOKEN=s3cret\xff\xfe", "DISCORD_TOKEN=s3cret".encode("utf-16")])
def test_a_file_that_is_not_utf8(tmp_path: Path, content: bytes) -> None:
    """A file in another encoding is one problem, reported without its content."""
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(content)
    (problem,) = problems_of(dotenv)
    assert problem.startswith(".env can't be read. ")
    assert "s3cret" not in problem


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
