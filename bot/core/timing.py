"""How long the bot waits; tests and benchmarks hand in shorter times."""

from dataclasses import dataclass
from datetime import timedelta


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
    # In place of CHECK_INTERVAL_SECONDS.
    poll_interval: timedelta | None = None
    polls_apart: timedelta = timedelta(seconds=10)
    # A second reading confirms a moved expiry or an error after this time, or after the interval if that is shorter.
    confirm_after: timedelta = timedelta(seconds=60)
    # While somebody renews a login: between two readings, and from a moved expiry to the reading that confirms it.
    close_polls_apart: timedelta = timedelta(seconds=30)
    confirm_closely_after: timedelta = timedelta(seconds=10)
    # A poll waits so long for jobs and credits after its reminders; what comes later is recorded by the next poll.
    usage_wait: float = 2.0
    # A channel that never answers must not hold up a poll for aiohttp's five minutes.
    discord_request: float = 15.0
    # For several requests in turn, such as a login.
    discord_requests: float = 60.0
    lease_seconds: float = 15.0
    # Between two health reports; `healthcheck` calls a report stale after a minute.
    health_report: float = 15.0
    # Discord forgets an interaction that is not acknowledged within 3 s; deferring costs part of a round trip.
    answer_within: float = 1.8
    api_budget: float = 10.0
    reconnect_first: float = 1.0
    reconnect_most: float = 300.0
    # discord.py asks only the address of its last session, for as long as that fails.
    fresh_session_after: float = 120.0
    # A token that worked before: Discord may refuse it by mistake for a while.
    token_refused_after: float = 900.0
    token_checks_apart: float = 60.0
    # The commands are compared with Discord's at least this often.
    compare_commands: float = 86_400.0
    # Discord allows 50 requests a second.
    requests_per_second: float = 45.0
    # Each connection may cost one of 1,000 identifies a day: this many at once, then one in as many seconds.
    connections: int = 100
    seconds_per_connection: float = 100.0
    # Discord blocks an address for 10,000 answers of 401, 403 or 429 within ten minutes.
    max_refusals: int = 2_000
    refusals_within: float = 600.0

    def longest_wait(self, failures: int) -> timedelta:
        """Return the longest wait after this many refusals in a row."""
        return max(waits[min(max(failures, 1), len(waits)) - 1] for waits in (self.transient_waits, self.refused_waits))


DEFAULT_TIMING = Timing()
