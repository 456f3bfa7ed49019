"""What the README, `.env.example` and `--help` say of the settings is what the code reads."""

import re

import pytest
from pydantic import SecretStr

from bot.__main__ import build_parser
from bot.config import Settings
from tests.support.paths import REPOSITORY

REQUIRED = None
OFF = "none"


def settings_in_the_code() -> dict[str, str | None]:
    """Return each setting with its default, None if it is required."""
    fields = Settings.model_fields.values()
    return {str(field.alias): REQUIRED if field.is_required() else spell(field.default) for field in fields}


def spell(default: object) -> str:
    """Return a default as one types it; what is off without a setting is "none"."""
    if default in (None, SecretStr("")):
        return OFF
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def settings_in_the_help() -> dict[str, str | None]:
    """Return the settings that `--help` lists."""
    lines = re.findall(
        r"^  ([A-Z][A-Z_]+) +.*\((required|default: (.+))(?:; .*)?\)$", build_parser().format_help(), re.MULTILINE
    )
    return {name: REQUIRED if kind == "required" else default for name, kind, default in lines}


def settings_in_the_example() -> dict[str, str | None]:
    """Return the settings in `.env.example`: required ones to fill in, the others commented out with their default."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    required = dict.fromkeys(re.findall(r"^([A-Z][A-Z_]+)=$", text, re.MULTILINE), REQUIRED)
    optional: list[tuple[str, str]] = re.findall(r"^# ([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE)
    return required | {name: default or OFF for name, default in optional}


def rows_in_the_readme() -> dict[str, str]:
    """Return the rest of each row of the README's settings table, by the setting's name."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([A-Z][A-Z_]+)` \|(.*)$", text, re.MULTILINE))


def test_help_names_every_setting_with_its_default() -> None:
    """`--help` lists the settings of the code, no more and no fewer."""
    assert settings_in_the_help() == settings_in_the_code()


def test_the_example_file_names_every_setting_with_its_default() -> None:
    """`.env.example` lists the settings of the code, no more and no fewer."""
    assert settings_in_the_example() == settings_in_the_code()


def test_the_readme_names_every_setting() -> None:
    """The README's table lists the settings of the code, no more and no fewer."""
    assert sorted(rows_in_the_readme()) == sorted(settings_in_the_code())


@pytest.mark.parametrize(("name", "default"), settings_in_the_code().items())
def test_the_readme_names_every_default(name: str, default: str | None) -> None:
    """A setting's row holds its default in code type, or says that it is required."""
    row = rows_in_the_readme()[name]
    assert ("required" in row.lower()) if default is REQUIRED else (f"`{default}`" in row)


def test_the_example_file_holds_no_value_of_a_secret() -> None:
    """What is to be filled in is left empty, and nothing in the file looks like a token."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    assert not re.findall(r"user:\d|eyJ|[A-Za-z0-9_-]{24}\.", text)
