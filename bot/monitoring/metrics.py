"""Counts for Prometheus, in a registry of their own; loaded only if somebody is to read them."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from bot import __version__
from bot.core.telemetry import PollOutcome, Telemetry
from bot.store.statistics import Figures

_PREFIX = "minimax_bot_"
_ANSWER_SECONDS = (0.1, 0.25, 0.5, 1, 1.8, 3, 5, 10, 30)
_PASS_SECONDS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)
_DELAY_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400, 604_800)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How things are at one moment; no figures if the database can't be read."""

    is_connected: bool
    is_leading: bool
    interval: timedelta
    polled_at: datetime | None
    read_at: datetime | None
    figures: Figures | None


class _Shown(Collector):
    """Shows a snapshot as metrics; what is not known is left out."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Give each metric."""
        shown, figures = self._snapshot, self._snapshot.figures
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily(f"{_PREFIX}build", "What runs.", value=build)
        yield _gauge("gateway_connected", "Whether the bot is connected to Discord.", shown.is_connected)
        yield _gauge("leading", "Whether this process passes and sends.", shown.is_leading)
        yield _gauge("check_interval_seconds", "CHECK_INTERVAL_SECONDS.", shown.interval.total_seconds())
        yield _moment("last_pass_timestamp_seconds", "When this process last completed a pass.", shown.polled_at)
        yield _moment("last_read_timestamp_seconds", "When a pass here last could read the accounts.", shown.read_at)
        yield _gauge("store_readable", "Whether the database can be read.", figures is not None)
        if figures is not None:
            yield from _show(figures)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, value=float(value))


def _moment(name: str, text: str, moment: datetime | None) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, value=None if moment is None else moment.timestamp())


def _show(figures: Figures) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(f"{_PREFIX}deliveries", "What is, or was, owed to channels.", labels=["state"])
    for state, number in figures.notifications.items():
        by_state.add_metric([state], number)
    yield by_state
    yield _moment("oldest_due_timestamp_seconds", "When the oldest unsent delivery was due.", figures.oldest_due_at)
    yield _gauge("blocked_channels", "Channels that refuse reminders until somebody acts.", figures.blocked_channels)


class Metrics(Telemetry):
    """Counts what is noted. No label holds anything of an account, a server or a person."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._answers = Counter(
            f"{_PREFIX}answers",
            "Answers to commands and buttons: answered, not_shown, crashed, or the error's name.",
            ["command", "outcome"],
            registry=registry,
        )
        self._answer_seconds = Histogram(
            f"{_PREFIX}answer_seconds",
            "From a command's or button's arrival to its answer.",
            ["command"],
            buckets=_ANSWER_SECONDS,
            registry=registry,
        )
        self._api_calls = Counter(
            f"{_PREFIX}api_calls", "Calls to useapi.net, by status or unreachable.", ["status"], registry=registry
        )
        self._retries = Counter(
            f"{_PREFIX}retries", "Calls to the api and posts of a delivery tried again.", ["what"], registry=registry
        )
        self._passes = Counter(f"{_PREFIX}passes", "Passes, by how they ended.", ["outcome"], registry=registry)
        self._poll_seconds = Histogram(
            f"{_PREFIX}pass_seconds", "How long passes took.", buckets=_PASS_SECONDS, registry=registry
        )
        self._delays = Histogram(
            f"{_PREFIX}delivery_delay_seconds", "From due to sent.", buckets=_DELAY_SECONDS, registry=registry
        )
        self._reconnects = Counter(
            f"{_PREFIX}gateway_reconnects", "Connections to Discord after the first.", registry=registry
        )
        self._was_connected = False
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what is known to be counted before it has happened, so that the first time is seen as an increase."""
        for outcome in PollOutcome:
            self._passes.labels(outcome)
        for what in ("api", "delivery"):
            self._retries.labels(what)
        for status in ("200", "401", "402", "429", "unreachable"):
            self._api_calls.labels(status)

    def answered(self, command: str, outcome: str, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(command, outcome).inc()
        self._answer_seconds.labels(command).observe(seconds)

    def api_called(self, status: str) -> None:
        """Count a call."""
        self._api_calls.labels(status).inc()

    def retried(self, what: str) -> None:
        """Count a retry."""
        self._retries.labels(what).inc()

    def passed(self, outcome: PollOutcome, seconds: float) -> None:
        """Count a pass."""
        self._passes.labels(outcome).inc()
        self._poll_seconds.observe(seconds)

    def delivered(self, delay: timedelta) -> None:
        """Count a delivery."""
        self._delays.observe(max(delay.total_seconds(), 0.0))

    def connected(self) -> None:
        """Count a connection, if it is not the first."""
        if self._was_connected:
            self._reconnects.inc()
        self._was_connected = True

    def render(self, snapshot: Snapshot) -> bytes:
        """Return everything in Prometheus' text format."""
        momentary = CollectorRegistry()
        momentary.register(_Shown(snapshot))
        return generate_latest(self._registry) + generate_latest(momentary)
