"""The alert rules and the dashboard name existing metrics, and all of them."""

import re
from typing import Any

import pytest

from tests.support.deploy import metric_lines, panels, rules

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
