"""The metadata, the locks and the workflows agree."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import __version__
from tests.support.paths import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def jobs_of(workflow: Path) -> dict[str, Any]:
    """Return the jobs of a workflow by their name."""
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return jobs


def test_each_promised_python_is_tested() -> None:
    """The classifiers name the versions of Python that the workflow tests, from the oldest that can install the bot."""
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    (ci,) = (workflow for workflow in WORKFLOWS if workflow.name == "ci.yml")
    assert jobs_of(ci)["test"]["strategy"]["matrix"]["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_the_changelog_names_this_version() -> None:
    """The newest version in CHANGELOG.md is that of the code, with a date; only *Unreleased* may stand above it."""
    headings = re.findall(r"^## (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    newest = next(heading for heading in headings if heading != "Unreleased")
    assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", newest)
    assert headings.index(newest) <= 1


def test_each_lower_bound_is_locked() -> None:
    """The lock of the lowest versions has the lower bound of each dependency."""
    lock = (REPOSITORY / "requirements" / "lowest.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==([\d.]+)", lock, re.MULTILINE))
    for dependency in PROJECT["dependencies"]:
        name, bound = re.findall(r"^([\w.-]+)(?:\[\w+\])?>=([\d.]+)", dependency)[0]
        assert locked[name.replace(".", "-")].removesuffix(".0") == bound.removesuffix(".0")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_limits(workflow: Path) -> None:
    """Each job names its permissions and its limit of time, and runs actions at a fixed commit."""
    for job in jobs_of(workflow).values():
        assert "permissions" in job
        assert "timeout-minutes" in job or "uses" in job
        for step in job.get("steps", []):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}"))
