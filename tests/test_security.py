"""What SECURITY.md says of secrets and of what is stored is what there is."""

import re

from pydantic import SecretStr

from bot.config import Settings
from bot.store.tables import metadata
from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")


def rows_of(heading: str, first: str) -> set[str]:
    """Return what stands as code in the first column of a section's table that begins with this head."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = section.partition(f"| {first} |")[2].partition("\n\n")[0]
    return {
        name for row in table.splitlines() if row.startswith("| ") for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }


def test_every_table_is_named() -> None:
    """Nothing is stored that is not told of."""
    assert rows_of("What is stored", "Table") == set(metadata.tables)


def test_every_secret_can_be_changed() -> None:
    """How to change it is told of every setting that is or holds a secret."""
    secrets = {str(field.alias) for field in Settings.model_fields.values() if field.annotation is SecretStr}
    assert rows_of("Change a secret", "Secret") == secrets | {"DATABASE_URL"}


def test_every_path_that_it_names_exists() -> None:
    """Files that it speaks of are in the repository."""
    paths = set(re.findall(r"(?:requirements|docs|\.ci)/[\w.]+", TEXT))
    assert paths == {"requirements/run.txt", ".ci/audit", "docs/LICENSES.md"}
    assert not [path for path in paths if not (REPOSITORY / path).exists()]
