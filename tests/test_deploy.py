"""The files for operators: alert rules and dashboard name existing metrics, image and unit fit the bot."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from bot.cli.ending import STOP_SECONDS
from tests.support.deploy import metric_lines, panels, rules
from tests.support.paths import REPOSITORY

NOT_OURS = {"up"}


def metric_names() -> set[str]:
    """Return the name of every sample that /metrics can show."""
    return {re.split(r"\W", line)[0] for line in metric_lines()}


def names_in(expression: str) -> set[str]:
    """Return the metrics that an expression names: words with an underscore, out of label lists, and `up`."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", "", expression)
    return set(re.findall(r"\b(?:minimax_bot_\w+|process_\w+|up)\b", bare))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_names_existing_metrics(rule: dict[str, Any]) -> None:
    """Each rule queries metrics that exist, and says what is wrong and how bad it is."""
    named = names_in(rule["expr"])
    assert named
    assert named - metric_names() - NOT_OURS == set()
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"critical", "warning"}


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_names_existing_metrics(panel: dict[str, Any]) -> None:
    """Each query of the dashboard queries metrics that exist."""
    for target in panel["targets"]:
        named = names_in(target["expr"])
        assert named
        assert named - metric_names() == set()


def test_every_metric_of_ours_is_used() -> None:
    """Each metric is in an alert or on the dashboard."""
    queries = [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]
    named = set().union(*map(names_in, queries))
    stems = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in named}
    ours = {name for name in metric_names() if name.startswith("minimax_bot_")}
    assert {name for name in ours if re.sub(r"_(total|bucket|sum|count|created)$", "", name) not in stems} == set()


def read_services() -> dict[str, dict[str, Any]]:
    """Return the services of compose.yaml by name."""
    services: dict[str, dict[str, Any]] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text("utf-8"))["services"]
    return services


def test_the_image_has_the_newest_python() -> None:
    """All stages of the image have the newest Python that the package promises."""
    classifiers = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["classifiers"]
    promised = [re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", one) for one in classifiers]
    newest = max(int(one[1]) for one in promised if one)
    bases = re.findall(r"^FROM (\S+)", (REPOSITORY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert set(bases) == {f"python:3.{newest}-slim"}


def test_compose_starts_the_bot_again() -> None:
    """The container comes back after a crash and after a restart of the machine, and a stop has as long as it takes."""
    service = read_services()["bot"]
    assert (service["restart"], service["init"]) == ("unless-stopped", True)
    assert float(service["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_compose_starts_postgresql_on_request() -> None:
    """PostgreSQL runs in its profile alone, listens for the bot alone, and the bot waits for it only if it is there."""
    services = read_services()
    database = services["database"]
    assert database["profiles"] == ["postgresql"]
    assert database.keys().isdisjoint({"ports", "network_mode"})
    assert database["healthcheck"]["test"]
    assert services["bot"]["depends_on"] == {"database": {"condition": "service_healthy", "required": False}}
    # The lines that the documents name are those that the file reads.
    page = (REPOSITORY / "docs" / "install.md").read_text("utf-8")
    assert f"COMPOSE_PROFILES={database['profiles'][0]}\nPGPASSWORD=" in page
    assert database["environment"]["POSTGRES_PASSWORD"] == "${PGPASSWORD:-}"
    assert f"DATABASE_URL=postgresql://{database['environment']['POSTGRES_USER']}@database/" in page


def test_the_unit_stays_down_after_a_wrong_setting() -> None:
    """The unit runs as the user that the documents make, and is not started again after status 2."""
    unit = (REPOSITORY / "deploy" / "minimax-bot.service").read_text("utf-8")
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert settings["RestartPreventExitStatus"] == "2"
    assert float(settings["TimeoutStopSec"]) > STOP_SECONDS
    page = (REPOSITORY / "docs" / "install.md").read_text("utf-8")
    assert f"nologin {settings['User']}\n" in page
    assert f"runuser -u {settings['User']} -- env -C {settings['WorkingDirectory']} " in page


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/minimax-bot.service"])
def test_nothing_is_imported_from_the_working_folder(name: str) -> None:
    """Python does not look for modules in the folder that the bot's user may write in."""
    assert "PYTHONSAFEPATH=1" in (REPOSITORY / name).read_text("utf-8")


def test_no_documented_command_is_roots_in_the_services_folder() -> None:
    """The documents run Python in the service's folder as the bot's user alone, without modules from there."""
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    lines = [line for line in text.splitlines() if "/var/lib/minimax-bot" in line and "python" in line]
    assert lines
    assert all("runuser -u minimax-bot" in line and "python -P " in line for line in lines)
