"""The newest jobs of each account, as useapi.net counts them, and what they show about its login.

A date proves only what is stored: that a session was revoked, is on hold or is out of credits shows in its jobs alone.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from bot.core.incidents import Reason

# The newest jobs that are requested, of all accounts together.
MAX_JOBS = 1_000
COUNTED_FOR = timedelta(hours=24)
_NEW_FOR = timedelta(minutes=60)
_MIN_FAILURES = 3
# A shared failure shows only in comparison.
_MIN_ACCOUNTS = 2
# How far the clock of useapi.net may be ahead.
_LEEWAY = timedelta(minutes=5)
_ON_HOLD = 596


class Outcome(StrEnum):
    """How a job ended; UNKNOWN without a status code."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    OUT_OF_CREDITS = "out_of_credits"
    ON_HOLD = "on_hold"
    MODERATED = "moderated"
    BUSY = "busy"
    SERVER_ERROR = "server_error"
    OTHER = "other"
    UNKNOWN = "unknown"


# Failures that repeat until somebody acts, or MiniMax lets the account go on.
_FAILING = {
    Outcome.REFUSED: Reason.REFUSED,
    Outcome.OUT_OF_CREDITS: Reason.OUT_OF_CREDITS,
    Outcome.ON_HOLD: Reason.ON_HOLD,
}
_OUTCOMES = {
    HTTPStatus.UNAUTHORIZED: Outcome.REFUSED,
    HTTPStatus.FORBIDDEN: Outcome.REFUSED,
    HTTPStatus.PAYMENT_REQUIRED: Outcome.OUT_OF_CREDITS,
    HTTPStatus.PRECONDITION_FAILED: Outcome.OUT_OF_CREDITS,
    HTTPStatus.UNPROCESSABLE_ENTITY: Outcome.MODERATED,
    HTTPStatus.TOO_MANY_REQUESTS: Outcome.BUSY,
    _ON_HOLD: Outcome.ON_HOLD,
}


class Job(NamedTuple):
    """One job of an account."""

    account_id: str
    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What the newest jobs of one account show.

    `counts` are of the jobs since `since`. `failures` is the newest run of failures that repeat, newest first, in which
    moderation, load and server errors do not count. `server_errors` is the length of the newest run of server errors,
    the newest of them at `erred_at`.
    """

    counts: Mapping[Outcome, int]
    since: datetime
    succeeded_at: datetime | None = None
    failures: Sequence[Job] = ()
    server_errors: int = 0
    erred_at: datetime | None = None

    @property
    def total(self) -> int:
        """Return the number of counted jobs whose outcome is known."""
        return sum(number for outcome, number in self.counts.items() if outcome is not Outcome.UNKNOWN)

    @property
    def reason(self) -> Reason | None:
        """Return why the newest jobs failed, None if they did not."""
        return _FAILING[self.failures[0].outcome] if self.failures else None

    @property
    def is_failing(self) -> bool:
        """Whether the newest jobs failed, however long ago."""
        return len(self.failures) >= _MIN_FAILURES


@dataclass(frozen=True, slots=True)
class JobReport:
    """The summaries by account id; an account without one had no job since `since`."""

    summaries: Mapping[str, JobSummary]
    since: datetime
    read_at: datetime

    def of(self, account_id: str) -> JobSummary:
        """Return the summary of an account."""
        return self.summaries.get(account_id) or JobSummary({}, self.since)


def outcome_of(code: int | None) -> Outcome:
    """Return the outcome of a job that ended with this status, None if it has none."""
    if code is None:
        return Outcome.UNKNOWN
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome.SUCCEEDED
    if code in _OUTCOMES:
        return _OUTCOMES[code]
    is_of_server = HTTPStatus.INTERNAL_SERVER_ERROR <= code < 600  # noqa: PLR2004  (the end of the class)
    return Outcome.SERVER_ERROR if is_of_server else Outcome.OTHER


def report_jobs(jobs: Iterable[Job], now: datetime, *, is_cut: bool = False) -> JobReport:
    """Return what these jobs show, in any order; `is_cut` if there are older ones, perhaps of the last 24 hours too."""
    newest_first = sorted(jobs, key=lambda job: job.at, reverse=True)
    since = now - COUNTED_FOR
    if is_cut and newest_first:
        since = max(since, newest_first[-1].at)
    by_account: dict[str, list[Job]] = {}
    for job in newest_first:
        if job.at <= now + _LEEWAY:
            by_account.setdefault(job.account_id, []).append(job)
    return JobReport({key: _summarise(own, since) for key, own in by_account.items()}, since, now)


def _summarise(jobs: Sequence[Job], since: datetime) -> JobSummary:
    failed = _newest_run(jobs, _FAILING, ends=(Outcome.SUCCEEDED,))
    erred = _newest_run(jobs, (Outcome.SERVER_ERROR,), ends=(Outcome.SUCCEEDED, *_FAILING))
    return JobSummary(
        Counter(job.outcome for job in jobs if job.at >= since),
        since,
        next((job.at for job in jobs if job.outcome is Outcome.SUCCEEDED), None),
        failures=failed,
        server_errors=len(erred),
        erred_at=erred[0].at if erred else None,
    )


def _newest_run(jobs: Iterable[Job], outcomes: Collection[Outcome], *, ends: Collection[Outcome]) -> list[Job]:
    """Return the newest jobs with these outcomes, until one that ends their run; others between them do not count."""
    run = itertools.takewhile(lambda job: job.outcome not in ends, jobs)
    return [job for job in run if job.outcome in outcomes]


def judge_jobs(summary: JobSummary, begun_at: datetime | None, now: datetime) -> bool | None:
    """Return whether an account's jobs fail; None if they give no signal.

    Args:
        summary: what its jobs show.
        begun_at: since when it has its present login, if that is known: a refusal before that was of another one.
        now: the time.
    """
    if not summary.is_failing:
        return None if summary.succeeded_at is None else False
    own = [job for job in summary.failures if not _is_of_earlier_login(job, begun_at)]
    if len(own) < _MIN_FAILURES:
        return False
    return True if _is_new(own[0].at, now) else None


def _is_of_earlier_login(failure: Job, begun_at: datetime | None) -> bool:
    return failure.outcome is Outcome.REFUSED and begun_at is not None and failure.at < begun_at


def has_failing_jobs(jobs: JobSummary | None, issued_at: datetime | None, now: datetime, *, has_incident: bool) -> bool:
    """Return whether an account's jobs fail: by the newest ones, else by whether an incident is open.

    `jobs` is None if they are not known, `issued_at` if the API does not report when the login was issued: then only
    the incident shows whether the login that was refused is the present one.
    """
    if jobs is None or (issued_at is None and jobs.reason is Reason.REFUSED):
        return has_incident
    verdict = judge_jobs(jobs, issued_at, now)
    return has_incident if verdict is None else verdict


def judge_all_jobs(summaries: Iterable[JobSummary], now: datetime) -> bool | None:
    """Return whether useapi.net or MiniMax fails as a whole: all accounts with new jobs get server errors alone.

    None if the jobs give no signal: the server errors of one account count for nobody. Accounts that fail for a reason
    of their own are left out.
    """
    others = [one for one in summaries if not one.is_failing]
    if any(not one.server_errors and _is_new(one.succeeded_at, now) for one in others):
        return False
    erring = [one for one in others if _is_new(one.erred_at, now)]
    is_shared = len(erring) >= _MIN_ACCOUNTS and all(one.server_errors >= _MIN_FAILURES for one in erring)
    return True if is_shared else None


def _is_new(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at <= _NEW_FOR
