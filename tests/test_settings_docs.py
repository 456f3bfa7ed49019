"""`--help`, `docs/settings.md` and `.env.example` describe the settings that the code reads."""

import re

import pytest
from pydantic.fields import FieldInfo

from bot.cli.main import build_parser
from bot.cli.settings_text import settings_example, settings_table
from bot.config import Settings
from tests.support.paths import REPOSITORY
from tests.support.settings import GOOD, read

FIELDS = list(Settings.model_fields.values())


def test_the_documents_hold_the_settings_table() -> None:
    """`docs/settings.md` holds the table that the code makes of the settings."""
    table = settings_table()
    assert table in (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8"), f"Put this there:\n{table}"


def test_the_example_file_is_what_the_code_makes() -> None:
    """`.env.example` is the file that the code makes of the settings."""
    example = settings_example()
    assert (REPOSITORY / ".env.example").read_text(encoding="utf-8") == example, f"Put this there:\n{example}"


def lines_about(field: FieldInfo, text: str) -> list[str]:
    """Return the lines of a text that begin with the name of a setting, in whatever marks."""
    return re.findall(rf"^(?:\| `|# |  )?{field.alias}\b.*$", text, re.MULTILINE)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field.alias))
def test_every_setting_is_described_everywhere(field: FieldInfo) -> None:
    """Each of the three texts has one entry for each setting, with its default if it has one."""
    default = field.default
    spelled = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    for text in (settings_table(), settings_example()):
        (line,) = lines_about(field, text)
        assert field.is_required() or default is None or spelled in line
    assert field.description
    assert not field.description.endswith(".")
    help_text = " ".join(build_parser().format_help().split())
    entry = f" {field.alias} {field.description} ("
    given = "required by" if field.is_required() else f"default: {'none' if default is None else spelled}"
    assert help_text.count(f"{entry}{given}") == 1
    assert f"{field.description}. " in settings_table()


def test_a_default_is_what_the_code_reads() -> None:
    """The example file, with the required settings filled in and every default uncommented, changes no setting."""
    defaults = dict(re.findall(r"^# ([A-Z_]+)=(.+)$", settings_example(), re.MULTILINE))
    assert read(**defaults) == read()
    # HEALTH_PORT, HEARTBEAT_URL and PGPASSWORD are off by default.
    assert len(GOOD | defaults) + 3 == len(FIELDS)


def test_the_example_file_holds_no_secret() -> None:
    """Required settings are empty, and nothing in the file looks like a token."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE) == [
        ("DISCORD_TOKEN", ""),
        ("GUILD_IDS", ""),
        ("USEAPI_TOKEN", ""),
    ]
    assert not re.findall(r"user:\d|eyJ|[A-Za-z0-9_-]{24}\.", text)
