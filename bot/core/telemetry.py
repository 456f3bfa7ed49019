"""Events worth counting, reported by the parts to whatever counts them."""

from datetime import timedelta
from enum import StrEnum


class PollOutcome(StrEnum):
    """How a poll ended; one that could not read the accounts is complete all the same.

    A poll that finds the machine's clock wrong sends and stores nothing.
    """

    COMPLETED = "completed"
    UNREADABLE = "unreadable"
    CLOCK_WRONG = "clock_wrong"
    FAILED = "failed"


class Telemetry:
    """Receives events; this one ignores them."""

    def answered(self, command: str, outcome: str, seconds: float) -> None:
        """Count an answer to a command or button: the error's name if it was one, and how long it took."""

    def api_called(self, status: str) -> None:
        """Count a call to the API: its HTTP status, or "unreachable"."""

    def extra_called(self, status: str) -> None:
        """Count a call for jobs or credits, which says nothing about the API as a whole."""

    def retried(self, what: str) -> None:
        """Count a repetition: of a call to the "api", or of the "post" of a message."""

    def polled(self, outcome: PollOutcome, seconds: float) -> None:
        """Count a poll."""

    def sent(self, delay: timedelta) -> None:
        """Count a notification that was sent, so long after it was due."""

    def connected(self) -> None:
        """Count a connection to Discord's gateway, the first one included."""


NO_TELEMETRY = Telemetry()
