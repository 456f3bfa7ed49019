"""Each alert comes in its situation and in no other, and each panel shows something: judged by Prometheus' own tool."""

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

from tests.support.paths import REPOSITORY
from tests.test_deploy import metric_lines, panels, rules

PROMTOOL = shutil.which("promtool")
ALERTS = REPOSITORY / "deploy" / "alerts.yml"
ANNOTATED = re.compile(r"\{\{.*\}\}")
# The first hour is without trouble.
TROUBLE, END = 60, 300
HALF_HOUR = 30

pytestmark = pytest.mark.skipif(
    PROMTOOL is None and "CI" not in os.environ, reason="the rules are judged by promtool, which is not installed"
)

# What a series shows in each minute; None if it is not there.
Course = Callable[[int], float | None]


def promtool(*arguments: str) -> None:
    """Run promtool; fail with what it says unless it is content."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def steady(value: float | None) -> Course:
    """Return a course that never changes."""
    return lambda _: value


def then(before: Course, after: Course) -> Course:
    """Return a course that changes when the trouble begins."""
    return lambda minute: (before if minute < TROUBLE else after)(minute)


def ago(minutes: int) -> Course:
    """Return the course of a moment that is always this long ago."""
    return lambda minute: 60 * (minute - minutes)


def grows(a_minute: float) -> Course:
    """Return the course of a counter."""
    return lambda minute: int(minute * a_minute)


def last_poll(minute: int) -> float:
    """Return when the last half-hourly pass was."""
    return 60 * (minute - minute % HALF_HOUR)


STUCK = then(last_poll, steady(60 * TROUBLE))
# Two processes: "a" sends, and "b" stands by.
WELL: dict[str, Course] = {
    "up a": steady(1),
    "up b": steady(1),
    "process_start_time_seconds a": steady(0),
    "process_start_time_seconds b": steady(0),
    "process_start_time_seconds another": steady(0),
    "minimax_bot_gateway_connected a": steady(1),
    "minimax_bot_gateway_connected b": steady(1),
    "minimax_bot_leading a": steady(1),
    "minimax_bot_leading b": steady(0),
    "minimax_bot_check_interval_seconds a": steady(1800),
    "minimax_bot_check_interval_seconds b": steady(1800),
    "minimax_bot_last_pass_timestamp_seconds a": last_poll,
    "minimax_bot_last_read_timestamp_seconds a": last_poll,
    "minimax_bot_store_readable a": steady(1),
    "minimax_bot_store_readable b": steady(1),
    "minimax_bot_blocked_channels a": steady(0),
    "minimax_bot_blocked_channels b": steady(0),
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
    """What is other than well, which alert it brings, and the last minute without and a minute with it."""

    alert: str
    silent: int
    firing: int
    changes: dict[str, Course]
    summary: str = ""


def _away(process: str) -> dict[str, Course]:
    gone = {name: then(WELL[name], steady(None)) for name in WELL if name.split()[1] == process}
    return gone | {f"up {process}": then(steady(1), steady(0))}


SITUATIONS = {
    "a process is gone": Situation("MinimaxBotDown", 64, 65, _away("b")),
    "the gateway is gone": Situation(
        "MinimaxBotNotConnected", 64, 65, {"minimax_bot_gateway_connected b": then(steady(1), steady(0))}
    ),
    "nobody leads": Situation("MinimaxBotNobodySends", 64, 65, {"minimax_bot_leading a": then(steady(1), steady(0))}),
    "passes end": Situation("MinimaxBotPassesStale", 160, 161, {"minimax_bot_last_pass_timestamp_seconds a": STUCK}),
    "no pass ever": Situation(
        "MinimaxBotPassesStale", 100, 101, {"minimax_bot_last_pass_timestamp_seconds a": steady(None)}
    ),
    "the database is gone": Situation(
        "MinimaxBotStoreUnreadable",
        64,
        65,
        {
            "minimax_bot_store_readable a": then(steady(1), steady(0)),
            "minimax_bot_blocked_channels a": then(steady(0), steady(None)),
            "minimax_bot_oldest_due_timestamp_seconds a": then(ago(10), steady(None)),
        },
    ),
    "passes are blind": Situation("MinimaxBotBlind", 160, 161, {"minimax_bot_last_read_timestamp_seconds a": STUCK}),
    "nothing ever read": Situation(
        "MinimaxBotBlind", 100, 101, {"minimax_bot_last_read_timestamp_seconds a": steady(None)}
    ),
    "one 401": Situation(
        "MinimaxBotTokenRefused", 59, 60, {'minimax_bot_api_calls_total a status="401"': then(steady(0), steady(1))}
    ),
    "one 402": Situation(
        "MinimaxBotTokenRefused", 59, 60, {'minimax_bot_api_calls_total a status="402"': then(steady(0), steady(1))}
    ),
    "calls fail": Situation(
        "MinimaxBotApiErrors",
        90,
        120,
        {
            'minimax_bot_api_calls_total a status="200"': then(grows(1), steady(TROUBLE)),
            'minimax_bot_api_calls_total a status="404"': then(grows(1), steady(TROUBLE)),
        },
    ),
    "channels refuse": Situation(
        "MinimaxBotDeliveriesBlocked",
        74,
        75,
        {"minimax_bot_blocked_channels a": then(steady(0), steady(2))},
        summary="2 channels refuse reminders",
    ),
    "a reminder waits": Situation(
        "MinimaxBotDeliveriesLate",
        125,
        126,
        {"minimax_bot_oldest_due_timestamp_seconds a": then(ago(10), steady(60 * (TROUBLE - 10)))},
        summary="A reminder has been waiting for 1h 16m 0s",
    ),
}


def _series(name: str, course: Course) -> dict[str, str]:
    metric, process, *labels = name.split()
    labels += ['job="node"' if process == "another" else 'job="minimax-bot"', f'instance="{process}"']
    shown = ["_" if value is None else str(value) for value in map(course, range(END))]
    return {"series": f"{metric}{{{','.join(labels)}}}", "values": " ".join(shown)}


def _fires(minute: int, *alerts: str) -> dict[str, Any]:
    """Return that these alerts and no others fire in a minute."""
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]
    expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples}


def _says(situation: Situation) -> list[dict[str, Any]]:
    """Return that the alert says this, numbers included, if its text has any."""
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
    """Prometheus takes the file as it stands."""
    promtool("check", "rules", str(ALERTS))


def test_no_alert_comes_while_all_is_well(tmp_path: Path) -> None:
    """One process that sends, one that stands by, and the odd failed call alarm nobody in five hours."""
    _judge(tmp_path, WELL, *(_fires(minute) for minute in range(0, END, 5)), says=[])


@pytest.mark.parametrize("name", SITUATIONS)
def test_an_alert_comes_in_its_situation(tmp_path: Path, name: str) -> None:
    """The one alert comes when it is due and not a minute earlier, alone, and says how much."""
    situation = SITUATIONS[name]
    expected = (_fires(situation.silent), _fires(situation.firing, situation.alert))
    _judge(tmp_path, WELL | situation.changes, *expected, says=_says(situation))


def test_every_alert_has_a_situation() -> None:
    """No alert is left out, and each text with a number in it is read."""
    alerts = {rule["alert"]: bool(ANNOTATED.search(str(rule["annotations"]))) for rule in rules()}
    assert {one.alert: bool(one.summary) for one in SITUATIONS.values()} == alerts


def test_every_panel_shows_something(tmp_path: Path) -> None:
    """Each query of the dashboard finds something in what a bot tells in which all has happened."""
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    filled = [query.replace("$job", "minimax-bot").replace("$__rate_interval", "5m") for query in queries]
    recorded = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(filled)]
    record = tmp_path / "rules.yml"
    record.write_text(json.dumps({"groups": [{"name": "panels", "rules": recorded}]}))
    promtool("check", "rules", str(record))
    series = [_told(line) for line in metric_lines()]
    shown = [
        {"expr": f"count(panel:{number}) > bool 0", "eval_time": "2h", "exp_samples": [{"labels": "{}", "value": 1}]}
        for number in range(len(queries))
    ]
    group = {"interval": "1m", "input_series": series, "promql_expr_test": shown}
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": [str(record)], "evaluation_interval": "1m", "tests": [group]}))
    promtool("test", "rules", str(file))


def _told(line: str) -> dict[str, str]:
    """Return a sample of /metrics as a series that grows, of the job and instance that Prometheus adds."""
    name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()  # type: ignore[union-attr]  # or fails
    added = ",".join(filter(None, (labels, 'job="minimax-bot"', 'instance="a"')))
    return {"series": f"{name}{{{added}}}", "values": f"{float(value)}+1x200"}
