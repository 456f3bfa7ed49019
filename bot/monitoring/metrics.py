"""Metrics for Prometheus, in a registry of their own; loaded only if HEALTH_PORT is set."""

import platform
from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from bot import __version__
from bot.core.telemetry import PollOutcome, Telemetry
from bot.monitoring.health import BotState
from bot.store.statistics import Statistics

_PREFIX = "minimax_bot_"
_ANSWER_SECONDS = (0.1, 0.25, 0.5, 1, 1.8, 3, 5, 10, 30)
_POLL_SECONDS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)
_DELAY_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400, 604_800)


class _StateCollector(Collector):
    """Turns a state into metrics; unknown values are left out."""

    def __init__(self, state: BotState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        state, statistics = self._state, self._state.statistics
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily(f"{_PREFIX}build", "Versions of the bot and of Python.", value=build)
        yield _gauge("gateway_connected", "Whether the bot is connected to Discord.", state.is_connected)
        yield _gauge("active", "Whether this is the active process, not a standby.", state.is_active)
        yield _gauge("check_interval_seconds", "CHECK_INTERVAL_SECONDS.", state.interval.total_seconds())
        yield _moment("last_poll_timestamp_seconds", "When this process last completed a poll.", state.polled_at)
        yield _moment("last_read_timestamp_seconds", "When a poll here last could read the accounts.", state.read_at)
        skew = "How far this machine's clock is ahead of useapi.net or Discord, whichever is closer."
        yield _gauge("clock_skew_seconds", skew, state.clock_skew.total_seconds())
        yield _gauge("store_readable", "Whether the database can be read.", statistics is not None)
        if statistics is not None:
            yield from _show(statistics)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, value=float(value))


def _moment(name: str, text: str, moment: datetime | None) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, value=None if moment is None else moment.timestamp())


def _show(statistics: Statistics) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(f"{_PREFIX}notifications", "Notifications to channels, by state.", labels=["state"])
    for state, number in statistics.notifications.items():
        by_state.add_metric([state], number)
    yield by_state
    oldest = statistics.oldest_due_at
    yield _moment("oldest_due_timestamp_seconds", "When the oldest unsent notification was due.", oldest)
    blocked = statistics.blocked_channels
    yield _gauge("blocked_channels", "Channels that refuse reminders until somebody acts.", blocked)
    by_kind = GaugeMetricFamily(f"{_PREFIX}open_incidents", "Open incidents of accounts, by kind.", labels=["kind"])
    for kind, number in statistics.incidents.items():
        by_kind.add_metric([kind], number)
    yield by_kind


class Metrics(Telemetry):
    """Counts the events of the bot. No label holds a name or id of an account, a server or a person."""

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
        self._extra_calls = Counter(
            f"{_PREFIX}extra_api_calls",
            "Calls to useapi.net for jobs and credits, by status or unreachable.",
            ["status"],
            registry=registry,
        )
        self._retries = Counter(
            f"{_PREFIX}retries", "Repeated calls to the api and posts of messages.", ["what"], registry=registry
        )
        self._polls = Counter(f"{_PREFIX}polls", "Polls, by how they ended.", ["outcome"], registry=registry)
        self._poll_seconds = Histogram(
            f"{_PREFIX}poll_seconds", "How long polls took.", buckets=_POLL_SECONDS, registry=registry
        )
        self._delays = Histogram(
            f"{_PREFIX}notification_delay_seconds",
            "How long after they were due notifications were sent.",
            buckets=_DELAY_SECONDS,
            registry=registry,
        )
        self._reconnects = Counter(
            f"{_PREFIX}gateway_reconnects", "Connections to Discord after the first.", registry=registry
        )
        self._was_connected = False
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show the known counters before their first event, so that Prometheus sees the first one as an increase."""
        for outcome in PollOutcome:
            self._polls.labels(outcome)
        for what in ("api", "post"):
            self._retries.labels(what)
        for status in ("200", "401", "402", "429", "unreachable"):
            self._api_calls.labels(status)
            self._extra_calls.labels(status)

    def answered(self, command: str, outcome: str, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(command, outcome).inc()
        self._answer_seconds.labels(command).observe(seconds)

    def api_called(self, status: str) -> None:
        """Count a call."""
        self._api_calls.labels(status).inc()

    def extra_called(self, status: str) -> None:
        """Count a call for jobs or credits."""
        self._extra_calls.labels(status).inc()

    def retried(self, what: str) -> None:
        """Count a retry."""
        self._retries.labels(what).inc()

    def polled(self, outcome: PollOutcome, seconds: float) -> None:
        """Count a poll."""
        self._polls.labels(outcome).inc()
        self._poll_seconds.observe(seconds)

    def sent(self, delay: timedelta) -> None:
        """Count a sent notification."""
        self._delays.observe(max(delay.total_seconds(), 0.0))

    def connected(self) -> None:
        """Count a connection, if it is not the first."""
        if self._was_connected:
            self._reconnects.inc()
        self._was_connected = True

    def render(self, state: BotState) -> bytes:
        """Return all metrics in Prometheus' text format."""
        momentary = CollectorRegistry()
        momentary.register(_StateCollector(state))
        return generate_latest(self._registry) + generate_latest(momentary)
