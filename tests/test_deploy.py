"""The files that an operator takes over name metrics that there are, and can be read."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from bot.monitoring.metrics import Metrics, Snapshot
from bot.store.notifications import State
from bot.store.statistics import Figures
from tests.support.paths import REPOSITORY

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOT_OURS = {"up"}


def metric_lines() -> list[str]:
    """Return the samples of /metrics of a bot in which all that it counts has happened."""
    figures = Figures(dict.fromkeys(State, 1), NOW, 0)
    snapshot = Snapshot(
        is_connected=True, is_leading=True, interval=timedelta(hours=1), polled_at=NOW, read_at=NOW, figures=figures
    )
    metrics = Metrics()
    metrics.answered("minimax-account", "answered", 0.1)
    return [line for line in metrics.render(snapshot).decode().splitlines() if not line.startswith("#")]


def metric_names() -> set[str]:
    """Return the name of every sample that /metrics can show."""
    return {re.split(r"\W", line)[0] for line in metric_lines()}


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = yaml.safe_load((REPOSITORY / "deploy" / "alerts.yml").read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels."""
    found: list[dict[str, Any]] = json.loads((REPOSITORY / "deploy" / "grafana-dashboard.json").read_text("utf-8"))[
        "panels"
    ]
    return found


def names_in(expression: str) -> set[str]:
    """Return the metrics that an expression names: words with an underscore, out of label lists, and `up`."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", "", expression)
    return set(re.findall(r"\b(?:minimax_bot_\w+|process_\w+|up)\b", bare))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_names_metrics_that_there_are(rule: dict[str, Any]) -> None:
    """Each rule asks for something that is told, and says what is wrong and how bad it is."""
    named = names_in(rule["expr"])
    assert named
    assert named - metric_names() - NOT_OURS == set()
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"critical", "warning"}


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_names_metrics_that_there_are(panel: dict[str, Any]) -> None:
    """Each query of the dashboard asks for something that is told."""
    for target in panel["targets"]:
        named = names_in(target["expr"])
        assert named
        assert named - metric_names() == set()


def test_no_two_panels_overlap() -> None:
    """Each panel has a place of its own on the 24 columns, and an id of its own."""
    places = [panel["gridPos"] for panel in panels()]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels()}) == len(places)


def test_every_metric_of_ours_is_watched() -> None:
    """Whatever is counted is in an alert or on the dashboard, but for what only Prometheus needs."""
    queries = [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]
    named = set().union(*map(names_in, queries))
    stems = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in named}
    ours = {name for name in metric_names() if name.startswith("minimax_bot_")}
    assert {name for name in ours if re.sub(r"_(total|bucket|sum|count|created)$", "", name) not in stems} == set()
