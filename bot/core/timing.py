"""How long the bot waits; tests and benchmarks hand in shorter times."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Timing:
    """The waits of a running bot. Plain numbers are seconds."""

    # Discord remembers a nonce for "a few minutes"; within this time a repeated one can't make a second message.
    nonce_window: timedelta = timedelta(seconds=120)
    post_retries: tuple[float, ...] = (2.0, 10.0, 30.0, 60.0)
    # After each refusal in a row: of Discord as a whole, and of a channel until somebody acts.
    transient_waits: tuple[timedelta, ...] = (timedelta(minutes=5), timedelta(minutes=15))
    refused_waits: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=6),
    )
    polls_apart: timedelta = timedelta(seconds=10)
    # A channel that never answers must not hold up a poll for aiohttp's five minutes.
    discord_request: float = 15.0
    lease_seconds: float = 15.0

    def longest_wait(self, failures: int) -> timedelta:
        """Return the longest wait after this many refusals in a row."""
        return max(waits[min(max(failures, 1), len(waits)) - 1] for waits in (self.transient_waits, self.refused_waits))

    def scaled(self, factor: float) -> Self:
        """Return these times with all waits between attempts multiplied by a factor."""
        return replace(
            self,
            nonce_window=self.nonce_window * factor,
            post_retries=tuple(wait * factor for wait in self.post_retries),
            transient_waits=tuple(wait * factor for wait in self.transient_waits),
            refused_waits=tuple(wait * factor for wait in self.refused_waits),
            polls_apart=self.polls_apart * factor,
        )


DEFAULT_TIMING = Timing()
