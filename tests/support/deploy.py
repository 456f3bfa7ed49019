"""The files for Prometheus and Grafana, and the metrics that the bot serves."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from bot.core.notifications import INCIDENTS, State
from bot.monitoring.health import BotState
from bot.monitoring.metrics import Metrics
from bot.store.statistics import Statistics
from tests.support.paths import REPOSITORY

ALERTS = REPOSITORY / "deploy" / "alerts.yml"
DASHBOARD = REPOSITORY / "deploy" / "grafana-dashboard.json"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def metric_lines() -> list[str]:
    """Return the samples of /metrics of a bot that has counted every event."""
    snapshot = BotState(
        is_connected=True,
        is_active=True,
        interval=timedelta(hours=1),
        polled_at=NOW,
        read_at=NOW,
        clock_skew=timedelta(0),
        statistics=Statistics(dict.fromkeys(State, 1), NOW, 0, dict.fromkeys(INCIDENTS, 0)),
    )
    metrics = Metrics()
    metrics.answered("minimax-account", "answered", 0.1)
    return [line for line in metrics.render(snapshot).decode().splitlines() if not line.startswith("#")]


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return found
