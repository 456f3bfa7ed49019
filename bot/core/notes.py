"""What is worth counting, told by the parts to whoever counts."""

from datetime import timedelta
from enum import StrEnum


class PassOutcome(StrEnum):
    """How a pass ended; one that could not read the accounts is blind, but complete."""

    COMPLETED = "completed"
    BLIND = "blind"
    FAILED = "failed"


class Notes:
    """Takes note of what happens; this one takes none, and costs nothing."""

    def answered(self, command: str, outcome: str, seconds: float) -> None:
        """Note an answer to a command or button: the error's name if it was one, and how long the asker waited."""

    def asked_api(self, status: str) -> None:
        """Note a call to the API: its HTTP status, or "unreachable"."""

    def retried(self, what: str) -> None:
        """Note that something is tried once more: a call to the "api", or the "delivery" of a message."""

    def passed(self, outcome: PassOutcome, seconds: float) -> None:
        """Note the end of a pass."""

    def delivered(self, delay: timedelta) -> None:
        """Note that something owed has arrived, so long after it was due."""

    def connected(self) -> None:
        """Note that a connection to Discord's gateway was opened, be it the first or not."""


NO_NOTES = Notes()
