"""Each alert fires in its situation only, and each panel shows something: judged by Prometheus' own tool."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.deploy import ALERTS, metric_lines, panels, rules

PROMTOOL = shutil.which("promtool")
ANNOTATED = re.compile(r"\{\{.*\}\}")
# The first hour is without failures.
FAILURE, END = 60, 300
INTERVAL = 5

pytestmark = pytest.mark.skipif(
    PROMTOOL is None and "CI" not in os.environ, reason="the rules are judged by promtool, which is not installed"
)

# The value of a series in each minute; None if there is none.
Course = Callable[[int], float | None]


def promtool(*arguments: str) -> None:
    """Run promtool; fail with its output unless it succeeds."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def steady(value: float | None) -> Course:
    """Return a course that never changes."""
    return lambda _: value


def then(before: Course, after: Course) -> Course:
    """Return a course that changes when the failure begins."""
    return lambda minute: (before if minute < FAILURE else after)(minute)


def ago(minutes: int) -> Course:
    """Return the course of a moment that is always this long ago."""
    return lambda minute: 60 * (minute - minutes)


def grows(a_minute: float) -> Course:
    """Return the course of a counter."""
    return lambda minute: int(minute * a_minute)


def last_poll(minute: int) -> float:
    """Return when the last poll was, with one every five minutes."""
    return 60 * (minute - minute % INTERVAL)


STUCK = then(last_poll, steady(60 * FAILURE))
# Two processes: "a" is active, "b" is a standby.
HEALTHY: dict[str, Course] = {
    "up a": steady(1),
    "up b": steady(1),
    "process_start_time_seconds a": steady(0),
    "process_start_time_seconds b": steady(0),
    "process_start_time_seconds another": steady(0),
    "minimax_bot_gateway_connected a": steady(1),
    "minimax_bot_gateway_connected b": steady(0),
    "minimax_bot_active a": steady(1),
    "minimax_bot_active b": steady(0),
    "minimax_bot_check_interval_seconds a": steady(60 * INTERVAL),
    "minimax_bot_check_interval_seconds b": steady(60 * INTERVAL),
    "minimax_bot_last_poll_timestamp_seconds a": last_poll,
    "minimax_bot_last_read_timestamp_seconds a": last_poll,
    "minimax_bot_clock_skew_seconds a": steady(-300),
    "minimax_bot_clock_skew_seconds b": steady(7200),
    "minimax_bot_store_readable a": steady(1),
    "minimax_bot_store_readable b": steady(1),
    "minimax_bot_blocked_channels a": steady(0),
    "minimax_bot_blocked_channels b": steady(0),
    'minimax_bot_open_incidents a kind="failing"': steady(0),
    'minimax_bot_open_incidents a kind="missing"': steady(1),
    'minimax_bot_open_incidents b kind="failing"': steady(0),
    "minimax_bot_oldest_due_timestamp_seconds a": ago(10),
    'minimax_bot_api_calls_total a status="200"': grows(1),
    'minimax_bot_api_calls_total a status="401"': steady(0),
    'minimax_bot_api_calls_total a status="402"': steady(0),
    'minimax_bot_api_calls_total a status="404"': grows(1),
    'minimax_bot_api_calls_total a status="503"': grows(0.5),
    'minimax_bot_api_calls_total b status="200"': grows(0.1),
}


@dataclass(frozen=True, slots=True)
class Situation:
    """Changes to a healthy bot, the alert that they cause, and the last minute without and a minute with it."""

    alert: str
    silent: int
    firing: int
    changes: dict[str, Course]
    summary: str = ""


def _away(process: str) -> dict[str, Course]:
    gone = {name: then(HEALTHY[name], steady(None)) for name in HEALTHY if name.split()[1] == process}
    return gone | {f"up {process}": then(steady(1), steady(0))}


SITUATIONS = {
    "a process is gone": Situation("MinimaxBotDown", 64, 65, _away("b")),
    "the gateway is gone": Situation(
        "MinimaxBotNotConnected", 64, 65, {"minimax_bot_gateway_connected a": then(steady(1), steady(0))}
    ),
    "no process is active": Situation(
        "MinimaxBotNoneActive", 64, 65, {"minimax_bot_active a": then(steady(1), steady(0))}
    ),
    "polls end": Situation("MinimaxBotPollsLate", 85, 86, {"minimax_bot_last_poll_timestamp_seconds a": STUCK}),
    "no poll ever": Situation(
        "MinimaxBotPollsLate", 25, 26, {"minimax_bot_last_poll_timestamp_seconds a": steady(None)}
    ),
    "the clock is wrong": Situation(
        "MinimaxBotClockWrong",
        64,
        65,
        {"minimax_bot_clock_skew_seconds a": then(steady(0), steady(-7200))},
        summary="The clock of the bot's machine is wrong by 2h 0m 0s",
    ),
    "the database is gone": Situation(
        "MinimaxBotStoreUnreadable",
        64,
        65,
        {
            "minimax_bot_store_readable a": then(steady(1), steady(0)),
            "minimax_bot_blocked_channels a": then(steady(0), steady(None)),
            'minimax_bot_open_incidents a kind="failing"': then(steady(0), steady(None)),
            "minimax_bot_oldest_due_timestamp_seconds a": then(ago(10), steady(None)),
        },
    ),
    "polls read nothing": Situation(
        "MinimaxBotAccountsUnreadable", 85, 86, {"minimax_bot_last_read_timestamp_seconds a": STUCK}
    ),
    "nothing ever read": Situation(
        "MinimaxBotAccountsUnreadable", 25, 26, {"minimax_bot_last_read_timestamp_seconds a": steady(None)}
    ),
    "one 401": Situation(
        "MinimaxBotTokenRefused", 59, 60, {'minimax_bot_api_calls_total a status="401"': then(steady(0), steady(1))}
    ),
    "one 402": Situation(
        "MinimaxBotTokenRefused", 59, 60, {'minimax_bot_api_calls_total a status="402"': then(steady(0), steady(1))}
    ),
    "calls fail": Situation(
        "MinimaxBotApiErrors",
        75,
        90,
        {
            'minimax_bot_api_calls_total a status="200"': then(grows(1), steady(FAILURE)),
            'minimax_bot_api_calls_total a status="404"': then(grows(1), steady(FAILURE)),
        },
    ),
    "channels refuse": Situation(
        "MinimaxBotChannelsBlocked",
        74,
        75,
        {"minimax_bot_blocked_channels a": then(steady(0), steady(2))},
        summary="2 channels refuse reminders",
    ),
    "jobs fail": Situation(
        "MinimaxBotJobsFailing",
        74,
        75,
        {'minimax_bot_open_incidents a kind="failing"': then(steady(0), steady(2))},
        summary="All jobs of 2 accounts fail",
    ),
    "a reminder waits": Situation(
        "MinimaxBotNotificationsLate",
        125,
        126,
        {"minimax_bot_oldest_due_timestamp_seconds a": then(ago(10), steady(60 * (FAILURE - 10)))},
        summary="A reminder has been waiting for 1h 16m 0s",
    ),
}


def _series(name: str, course: Course) -> dict[str, str]:
    metric, process, *labels = name.split()
    labels += ['job="node"' if process == "another" else 'job="minimax-bot"', f'instance="{process}"']
    shown = ["_" if value is None else str(value) for value in map(course, range(END))]
    return {"series": f"{metric}{{{','.join(labels)}}}", "values": " ".join(shown)}


def _fires(minute: int, *alerts: str) -> dict[str, Any]:
    """Return the check that these alerts and no others fire in a minute."""
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]
    expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples}


def _says(situation: Situation) -> list[dict[str, Any]]:
    """Return the check of the text of the alert, if it has numbers in it."""
    if not situation.summary:
        return []
    (rule,) = (rule for rule in rules() if rule["alert"] == situation.alert)
    labels, annotations = rule["labels"] | {"job": "minimax-bot"}, rule["annotations"] | {"summary": situation.summary}
    said = {"exp_labels": labels, "exp_annotations": annotations}
    return [{"eval_time": f"{situation.firing}m", "alertname": situation.alert, "exp_alerts": [said]}]


def _judge(folder: Path, series: dict[str, Course], *tests: dict[str, Any], says: list[dict[str, Any]]) -> None:
    group = {
        "interval": "1m",
        "input_series": [_series(*one) for one in series.items()],
        "promql_expr_test": tests,
        "alert_rule_test": says,
    }
    # JSON is YAML.
    file = folder / "test.yml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [group]}))
    promtool("test", "rules", str(file))


def test_the_rules_can_be_read() -> None:
    """Prometheus accepts the file."""
    promtool("check", "rules", str(ALERTS))


def test_no_alert_fires_while_the_bot_is_healthy(tmp_path: Path) -> None:
    """One active process, one standby and a few failed calls fire no alert in five hours."""
    _judge(tmp_path, HEALTHY, *(_fires(minute) for minute in range(0, END, 5)), says=[])


@pytest.mark.parametrize("name", SITUATIONS)
def test_an_alert_fires_in_its_situation(tmp_path: Path, name: str) -> None:
    """The one alert fires when it is due and not a minute earlier, alone, and says how much."""
    situation = SITUATIONS[name]
    expected = (_fires(situation.silent), _fires(situation.firing, situation.alert))
    _judge(tmp_path, HEALTHY | situation.changes, *expected, says=_says(situation))


def test_every_alert_has_a_situation() -> None:
    """No alert is left out, and each text with a number in it is checked."""
    alerts = {rule["alert"]: bool(ANNOTATED.search(str(rule["annotations"]))) for rule in rules()}
    assert {one.alert: bool(one.summary) for one in SITUATIONS.values()} == alerts


def test_every_panel_shows_something(tmp_path: Path) -> None:
    """Each query of the dashboard finds something in the metrics of a bot that has counted every event."""
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    filled = [query.replace("$job", "minimax-bot").replace("$__rate_interval", "5m") for query in queries]
    recorded = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(filled)]
    record = tmp_path / "rules.yml"
    record.write_text(json.dumps({"groups": [{"name": "panels", "rules": recorded}]}))
    promtool("check", "rules", str(record))
    series = [_grown(line) for line in metric_lines()]
    shown = [
        {"expr": f"count(panel:{number}) > bool 0", "eval_time": "2h", "exp_samples": [{"labels": "{}", "value": 1}]}
        for number in range(len(queries))
    ]
    group = {"interval": "1m", "input_series": series, "promql_expr_test": shown}
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": [str(record)], "evaluation_interval": "1m", "tests": [group]}))
    promtool("test", "rules", str(file))


def _grown(line: str) -> dict[str, str]:
    """Return a sample of /metrics as a series that grows, of the job and instance that Prometheus adds."""
    name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()  # type: ignore[union-attr]  # or fails
    added = ",".join(filter(None, (labels, 'job="minimax-bot"', 'instance="a"')))
    return {"series": f"{name}{{{added}}}", "values": f"{float(value)}+1x200"}
