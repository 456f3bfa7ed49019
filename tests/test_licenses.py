"""Each dependency has a licence that everybody may use, and is listed with it."""

import re
from importlib.metadata import distributions, metadata

import pytest

from tests.support.paths import REPOSITORY

# These licences ask only for a notice.
ALLOWED = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0"}
# Licences that packages spell differently from SPDX.
SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
LOCK = (REPOSITORY / "requirements" / "run.txt").read_text(encoding="utf-8")
LISTED = dict(
    re.findall(
        r"^\| ([\w.-]+) \| ([\w. -]+) \|$", (REPOSITORY / "docs" / "LICENSES.md").read_text("utf-8"), re.MULTILINE
    )
)
LOCKED = re.findall(r"^([\w.-]+)==[^;\n]+(;)?", LOCK, re.MULTILINE)
INSTALLED = {re.sub(r"[-_.]+", "-", one.name).lower() for one in distributions()}


def declared(name: str) -> str:
    """Return the licence that an installed package declares, as SPDX."""
    declaration = metadata(name)
    classifiers = [one for one in declaration.get_all("Classifier", []) if one.startswith("License ::")]
    expressions, texts = declaration.get_all("License-Expression", []), declaration.get_all("License", [])
    licence = next(iter([*expressions, *classifiers, *texts]), "none")
    return SPELLINGS.get(licence, licence)


def test_every_package_is_listed() -> None:
    """The list names the packages of the lock, no more and no fewer."""
    assert [name for name, _ in LOCKED] == [name for name in LISTED if name != "Package"]
    assert len(LOCKED) > 20


@pytest.mark.parametrize(("name", "is_for_some"), LOCKED, ids=lambda part: part or "all")
def test_a_package_is_listed_with_its_licence(name: str, is_for_some: str) -> None:
    """The licence in the list is the one that the package declares, and everybody may use it."""
    assert set(re.split(r" AND | OR ", LISTED[name])) <= ALLOWED
    if name in INSTALLED or not is_for_some:
        assert declared(name) == LISTED[name]
