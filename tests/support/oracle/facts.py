"""What the polls so far say about the accounts: the expiry that is believed, and which incidents are open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# An expiry that moves by no more than this is the same one.
SAME_EXPIRY = HOUR
# An unconfirmed expiry holds reminders back for no longer than this.
HELD_BACK = HOUR
FOLLOW_UP_DAYS = (1, 3, 7, 14, 21, 28)
# Codes of jobs that failed because of the account, as useapi.net documents them; those of a refused session apart.
REFUSALS = (401, 403)
FAILURES = (*REFUSALS, 402, 412, 596)
# Codes of jobs that failed for other reasons, which show nothing about the account.
NOISE = (422, 429)


@dataclass(frozen=True, slots=True)
class Shown:
    """An account as one list shows it."""

    expires_at: datetime | None
    issued_at: datetime | None = None
    has_error: bool = False

    def __str__(self) -> str:
        error = ", error" if self.has_error else ""
        return f"expires {say_time(self.expires_at)}{error}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one poll read: the accounts by id, or None if they could not be read; `is_refused` for 401 and 402."""

    at: datetime
    shown: Mapping[str, Shown] | None
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A job of an account, as useapi.net counts it."""

    account_id: str
    at: datetime
    code: int

    @property
    def is_success(self) -> bool:
        """Whether it succeeded."""
        return 200 <= self.code < 300

    @property
    def is_server_error(self) -> bool:
        """Whether useapi.net or MiniMax failed."""
        return 500 <= self.code < 600 and self.code not in FAILURES


@dataclass(slots=True)
class Incident:
    """One kind of failure: `polls` bad ones in a row since `since`. `number` counts the incidents that opened.

    The incident with that number began at `began`, short good spells within it included.
    """

    polls: int = 0
    since: datetime | None = None
    good_since: datetime | None = None
    number: int = 0
    is_open: bool = False
    began: datetime | None = None

    def follow(self, at: datetime, *, is_bad: bool, polls: int, over: timedelta = timedelta(0)) -> None:
        """Count one more poll; the incident opens after so many bad ones over so long, and ends with a good one.

        An incident that is back within 24 good hours is the same one.
        """
        if not is_bad:
            self.polls, self.since, self.is_open = 0, None, False
            self.good_since = self.good_since or at
            return
        self.polls += 1
        self.since = self.since or at
        if not self.is_open and self.polls >= polls and at - self.since >= over:
            was_well = self.good_since is None or self.since - self.good_since >= DAY
            if self.number == 0 or was_well:
                self.number, self.began = self.number + 1, self.since
            self.is_open = True
        if self.is_open:
            self.good_since = None


@dataclass
class Facts:
    """What the polls so far say about one account.

    `expires_at` is the expiry that is believed, `candidate` another one that was read once, since `odd_since`.
    `life` is the whole life of the login, None if it is unknown. At `moved_at` the expiry moved for the last time, at
    `renewed_at` another login was believed.
    """

    expires_at: datetime | None = None
    life: timedelta | None = None
    candidate: datetime | None = None
    odd_since: datetime | None = None
    issued_at: datetime | None = None
    error: Incident = field(default_factory=Incident)
    failing: Incident = field(default_factory=Incident)
    missing: Incident = field(default_factory=Incident)
    undated: Incident = field(default_factory=Incident)
    is_listed: bool = True
    read_at: datetime | None = None
    moved_at: datetime | None = None
    moved_by: timedelta = timedelta(0)
    renewed_at: datetime | None = None
    appeared_at: datetime | None = None
    low: dict[int, Incident] = field(default_factory=dict)
    credits_read_at: datetime | None = None

    def read(self, shown: Shown | None, at: datetime) -> None:
        """Take in one reading of the account; None if the list did not hold it."""
        self.is_listed = shown is not None
        self.missing.follow(at, is_bad=shown is None, polls=3, over=HOUR)
        if shown is None:
            return
        self.read_at, self.issued_at = at, shown.issued_at
        self.error.follow(at, is_bad=shown.has_error, polls=2)
        is_undated = shown.expires_at is None and self.expires_at is not None
        self.undated.follow(at, is_bad=is_undated, polls=2)
        if shown.expires_at is not None and self._is_believed(shown.expires_at, at):
            if self.expires_at is not None and abs(shown.expires_at - self.expires_at) > SAME_EXPIRY:
                self.moved_at, self.moved_by = at, shown.expires_at - self.expires_at
                if self.moved_by >= DAY or self.expires_at <= at < shown.expires_at:
                    self.renewed_at = at
            self.expires_at, self.candidate, self.odd_since = shown.expires_at, None, None
            self._learn_life(shown, is_same=self.moved_at != at or self.moved_by < DAY)

    def judge_jobs(self, newest_first: Iterable[Job], at: datetime) -> None:
        """Let the incident begin with three failures in a row, of which one was lately, and end with a success.

        A refusal says nothing about a login that was issued, or seen as a new one, after it.
        """
        jobs = [job for job in newest_first if job.is_success or job.code in FAILURES]
        failures = list(takewhile(lambda job: not job.is_success, jobs))
        if len(failures) < 3:
            if len(failures) < len(jobs):
                self.failing.follow(at, is_bad=False, polls=1)
            return
        begun_at = None if self.odd_since is not None else self.issued_at or self.renewed_at
        own = [job for job in failures if job.code not in REFUSALS or begun_at is None or job.at >= begun_at]
        if len(own) < 3:
            self.failing.follow(at, is_bad=False, polls=1)
        elif at - own[0].at <= HOUR:
            self.failing.follow(at, is_bad=True, polls=1)

    def read_credits(self, total: int, thresholds: Iterable[int], at: datetime) -> None:
        """Take in how many credits the account has."""
        self.credits_read_at = at
        for threshold in thresholds:
            self.low.setdefault(threshold, Incident()).follow(at, is_bad=total < threshold, polls=1)

    def _learn_life(self, shown: Shown, *, is_same: bool) -> None:
        """Take in the life of a login; the same login keeps its longest, and one without a date of issue tells none."""
        assert shown.expires_at is not None
        is_possible = shown.issued_at is not None and shown.issued_at < shown.expires_at
        life = shown.expires_at - shown.issued_at if shown.issued_at is not None and is_possible else None
        known = [one for one in (self.life if is_same else None, life) if one is not None]
        self.life = max(known, default=None)

    def _is_believed(self, expires_at: datetime, at: datetime) -> bool:
        if self.expires_at is None or abs(expires_at - self.expires_at) <= SAME_EXPIRY:
            return True
        if self.candidate is not None and abs(expires_at - self.candidate) <= SAME_EXPIRY:
            return True
        self.candidate, self.odd_since = expires_at, self.odd_since or at
        return False

    @property
    def is_held_back(self) -> bool:
        """Whether a moved expiry awaits its second reading, so that nothing is said on the strength of the old one.

        An outage is no reading: only time in which the account was read counts.
        """
        return self.odd_since is not None and self.read_at is not None and self.read_at - self.odd_since < HELD_BACK

    def is_expired(self, at: datetime) -> bool:
        """Whether the login has expired."""
        return self.expires_at is not None and self.expires_at <= at

    def stage(self, at: datetime, lead_times: tuple[int, ...], *, follow_ups: bool) -> int | None:
        """Return the stage of a login: a lead time, 0 once it has expired, -1 a day later; None while all is well."""
        if self.expires_at is None:
            return None
        if self.is_expired(at):
            return follow_up_stage(self.expires_at, at) if follow_ups else 0
        usable = [days for days in lead_times if self.life is None or timedelta(days=days) < self.life]
        return min((days for days in usable if self.expires_at - at <= timedelta(days=days)), default=None)


def judge_all_jobs(failing: Incident, by_account: Mapping[str, Sequence[Job]], at: datetime) -> None:
    """Let the incident of all accounts go on if the lately busy ones get server errors alone, or end with a success.

    Accounts that fail for a reason of their own don't count. The design leaves open what number of accounts are all:
    one is not enough.
    """
    busy = []
    for jobs in by_account.values():
        telling = [job for job in jobs if job.is_success or job.code in FAILURES or job.is_server_error]
        own = list(takewhile(lambda job: not job.is_success, [job for job in telling if not job.is_server_error]))
        if len(own) < 3 and telling:
            busy.append(telling)
    if any(not jobs[0].is_server_error and at - jobs[0].at <= HOUR and jobs[0].is_success for jobs in busy):
        failing.follow(at, is_bad=False, polls=1)
        return
    lately = [jobs for jobs in busy if at - jobs[0].at <= HOUR and jobs[0].is_server_error]
    runs = [len(list(takewhile(lambda job: job.is_server_error, jobs))) for jobs in lately]
    if len(runs) > 1 and min(runs) >= 3:
        failing.follow(at, is_bad=True, polls=1)


@dataclass
class Readability:
    """Whether the accounts as a whole can be read.

    The design leaves open how many polls make an incident: it `may` be open after two, it `must` be after three.
    """

    may: Incident = field(default_factory=Incident)
    must: Incident = field(default_factory=Incident)
    refusals: list[bool] = field(default_factory=list)

    def read(self, reading: Reading) -> None:
        """Take in one poll."""
        is_bad = reading.shown is None
        self.refusals = [*self.refusals, reading.is_refused] if is_bad else []
        soon, late = timedelta(minutes=15), timedelta(hours=6)
        self.may.follow(reading.at, is_bad=is_bad, polls=2, over=soon if any(self.refusals) else late)
        self.must.follow(reading.at, is_bad=is_bad, polls=3, over=soon if all(self.refusals) else late)


def follow_up_stage(begin: datetime, at: datetime) -> int:
    """Return the follow-up that is due so long after the begin, as a negative number of days; 0 before the first."""
    return min((-days for days in FOLLOW_UP_DAYS if at >= begin + timedelta(days=days)), default=0)


def say_time(moment: datetime | None) -> str:
    """Return a moment of 2026 in short, so that two of them are easily compared."""
    return "never" if moment is None else f"{moment:%d %b %H:%M:%S}"
