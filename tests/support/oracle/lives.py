"""Random lives of accounts: what is true of each at any time, whether somebody reads it or not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from tests.support.oracle.facts import DAY, HOUR, NOISE, Job, Shown

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Login:
    """A login, and from when on the account has it."""

    since: datetime
    expires_at: datetime | None
    issued_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a life."""

    begin: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        """Whether a moment is in it."""
        return self.begin <= at < self.end


@dataclass(frozen=True, slots=True)
class Work:
    """A part of a life in which jobs end with these codes, one after the other; none are run without codes."""

    span: Span
    codes: tuple[int, ...]


@dataclass
class Life:
    """The life of an account.

    `odd` are expiries that the first reading after a moment shows, and no other. In `blinks` every second list lacks
    the account. `is_rolling` if the API moves the expiry by itself. `work` is None for an account that runs no jobs;
    outside its parts jobs succeed. `credits` are the totals from some moments on, None if the API does not offer them.
    """

    character: str
    logins: list[Login]
    errors: list[Span] = field(default_factory=list)
    absences: list[Span] = field(default_factory=list)
    blinks: list[Span] = field(default_factory=list)
    undated: list[Span] = field(default_factory=list)
    odd: list[Login] = field(default_factory=list)
    is_rolling: bool = False
    work: list[Work] | None = None
    credits: list[tuple[datetime, int | None]] = field(default_factory=list)
    _has_blinked: bool = False

    def login(self, at: datetime) -> Login:
        """Return the login of the account."""
        return max((one for one in self.logins if one.since <= at), key=lambda one: one.since)

    def read(self, at: datetime) -> Shown | None:
        """Return how the list shows the account to somebody who reads it now."""
        if any(span.holds(at) for span in self.blinks):
            self._has_blinked = not self._has_blinked
            if self._has_blinked:
                return None
        if any(span.holds(at) for span in self.absences):
            return None
        login = self.login(at)
        if self.odd and self.odd[0].since <= at:
            login = self.odd.pop(0)
        has_error = any(span.holds(at) for span in self.errors)
        return Shown(None if self.is_undated(at) else login.expires_at, login.issued_at, has_error)

    def run_job(self, account_id: str, at: datetime) -> Job | None:
        """Return the job that ends at a moment; some fail for no reason of the account, whatever it does."""
        if self.work is None:
            return None
        number = round(at.timestamp() / 900)
        codes = next((one.codes for one in self.work if one.span.holds(at)), (201,))
        if not codes:
            return None
        is_noise = number * 2654435761 % 101 < 25
        return Job(account_id, at, (*NOISE, 503)[number % 3] if is_noise else codes[number % len(codes)])

    def own(self, at: datetime) -> int | None:
        """Return how many credits the account has, None if the API does not offer them."""
        return next((total for since, total in reversed(self.credits) if since <= at), None)

    def is_undated(self, at: datetime) -> bool:
        """Whether the API gives no expiry."""
        return any(span.holds(at) for span in self.undated)


class Author:
    """Writes lives of so many days, each after one of the characters below."""

    def __init__(self, random: Random, begin: datetime, days: int) -> None:
        self._random = random
        self._begin, self._end = begin, begin + timedelta(days=days)

    def write(self, number: int) -> Life:
        """Write the life of one account."""
        characters: list[Callable[[], Life]] = [
            self.renews_in_time,
            self.renews_late,
            self.never_renews,
            self.shows_odd_dates,
            self.rolls,
            self.fails,
            self.fails_and_expires,
            self.flaps,
            self.goes_missing,
            self.blinks,
            self.loses_its_date,
            self.never_has_a_date,
            self.has_an_unknown_life,
            self.lives_short,
            self.is_revoked,
            self.gets_old_logins,
            self.appears_late,
            self.works,
            self.is_refused,
            self.is_on_hold,
            self.runs_low,
            self.is_added_again,
        ]
        write = characters[number % len(characters)]
        life = write()
        life.character = write.__name__.replace("_", " ")
        return life

    def _days(self, least: float, most: float) -> timedelta:
        # To the second and never round, so that no two moments are a whole number of days apart.
        return timedelta(seconds=self._random.randrange(round(least * 86_400), round(most * 86_400)) | 1)

    def _moment(self, least: float, most: float) -> datetime:
        return self._begin + self._days(least, most)

    def _life(self, renewal: Callable[[datetime], datetime], days: float = 30, *, is_issued: bool = True) -> Life:
        """Return a life in which each login is followed by another, when `renewal` says so of its expiry."""
        logins: list[Login] = []
        since, expires_at = self._begin, self._moment(0.1 * days, 0.9 * days)
        while since < self._end:
            logins.append(Login(since, expires_at, expires_at - timedelta(days=days) if is_issued else None))
            since = max(renewal(expires_at), since + 6 * HOUR)
            expires_at = since + timedelta(days=days)
        return Life("", logins)

    def renews_in_time(self) -> Life:
        """Renew before the expiry, sometimes weeks before."""
        return self._life(lambda expires_at: expires_at - self._days(0.1, 18))

    def renews_late(self) -> Life:
        """Renew hours or days after the expiry."""
        return self._life(lambda expires_at: expires_at + self._days(0.05, 12))

    def never_renews(self) -> Life:
        """Let the login expire, and leave it so."""
        return self._life(lambda _: self._end)

    def shows_odd_dates(self) -> Life:
        """Show another expiry for one reading now and then."""
        life = self.renews_in_time()
        moments = sorted(self._moment(1, 59) for _ in range(8))
        life.odd = [Login(at, at + self._days(-5, 40)) for at in moments]
        return life

    def rolls(self) -> Life:
        """Have about one day left for days, since the API moves the expiry every few hours; then renew."""
        begin = self._moment(5, 30)
        first = begin + self._days(0.9, 1.1)
        issued_at = first - timedelta(days=30)
        logins = [Login(self._begin, first, issued_at)]
        at = begin
        while at < begin + timedelta(days=2):
            at += self._days(0.09, 0.25)
            logins.append(Login(at, at + self._days(0.9, 1.1), issued_at))
        since = logins[-1].expires_at or at
        since += self._days(-0.5, 3)
        logins.append(Login(since, since + timedelta(days=30), since))
        return Life("", logins, is_rolling=True)

    def fails(self) -> Life:
        """Be in error for minutes, hours and days."""
        life = self.renews_in_time()
        for day in range(2, 58, 8):
            begin = self._moment(day, day + 2)
            life.errors.append(Span(begin, begin + self._random.choice([MINUTE, HOUR, 9 * HOUR, 4 * DAY])))
        return life

    def fails_and_expires(self) -> Life:
        """Be in error for weeks, and expire meanwhile or before."""
        life = self.renews_late()
        middle = life.logins[0].expires_at or self._begin
        begin = middle + self._days(-6, 6)
        life.errors = [Span(begin, begin + self._days(2, 20))]
        return life

    def flaps(self) -> Life:
        """Have an error that comes and goes for days."""
        life = self.never_renews()
        at = self._moment(3, 6)
        while at < self._begin + timedelta(days=7):
            life.errors.append(Span(at, at + self._days(0.1, 0.4)))
            at = life.errors[-1].end + self._days(0.1, 0.4)
        return life

    def goes_missing(self) -> Life:
        """Be absent for minutes, hours and days."""
        life = self.renews_late()
        for day in range(2, 58, 9):
            begin = self._moment(day, day + 2)
            life.absences.append(Span(begin, begin + self._random.choice([MINUTE, HOUR, 12 * HOUR, 5 * DAY])))
        return life

    def blinks(self) -> Life:
        """Be absent from every second list for weeks."""
        life = self.renews_late()
        begin = self._moment(3, 20)
        life.blinks = [Span(begin, begin + self._days(5, 25))]
        return life

    def loses_its_date(self) -> Life:
        """Have no expiry any more from some day on, for a long time."""
        life = self.renews_late()
        begin = self._moment(4, 30)
        life.undated = [Span(begin, begin + self._days(3, 40))]
        return life

    def never_has_a_date(self) -> Life:
        """Have no expiry, and an error once."""
        begin = self._moment(5, 40)
        return Life("", [Login(self._begin, None)], [Span(begin, begin + self._days(1, 9))])

    def has_an_unknown_life(self) -> Life:
        """Have no date of issue, and few days left from the start."""
        return self._life(lambda expires_at: expires_at + self._days(-2, 2), days=5, is_issued=False)

    def lives_short(self) -> Life:
        """Have logins of eight days, so that a lead time of 14 days makes no sense."""
        return self._life(lambda expires_at: expires_at + self._days(-2, 2), days=8)

    def is_revoked(self) -> Life:
        """Lose the login long before its expiry, then get it back or another one."""
        life = self.renews_in_time()
        own = life.logins[0]
        at = self._moment(1, 4)
        revoked = Login(at, at - self._days(0, 1), own.issued_at)
        since = at + self._days(0.2, 9)
        same, new = Login(since, own.expires_at, own.issued_at), Login(since, since + 25 * DAY, since)
        again = self._random.choice([same, new])
        later = [one for one in life.logins[1:] if one.since > since]
        life.logins = [own, revoked, again, *later]
        return life

    def gets_old_logins(self) -> Life:
        """Be renewed with logins that are over already, or nearly so."""
        life = self.renews_late()
        extra = []
        for one, other in pairwise(life.logins):
            at = one.since + (other.since - one.since) / 2
            assert one.expires_at is not None
            expires_at = max(at, one.expires_at) + self._days(-2, 2)
            extra.append(Login(at, expires_at, expires_at - timedelta(days=30)))
        life.logins = sorted(life.logins + extra, key=lambda login: login.since)
        return life

    def appears_late(self) -> Life:
        """Be set up in the second week, nearly expired or in error."""
        life = self.renews_late()
        at = self._moment(7, 14)
        life.absences = [Span(self._begin, at)]
        life.errors = self._random.choice([[], [Span(at, at + self._days(1, 5))]])
        return life

    def works(self) -> Life:
        """Run jobs, of which some fail for reasons that are not the account's."""
        life = self.renews_in_time()
        mixed, idle = self._span(2, 20, [9 * DAY, 20 * DAY]), self._span(4, 58, [2 * DAY])
        life.work = [Work(mixed, (201, 401, 412)), Work(idle, ())]
        return life

    def is_refused(self) -> Life:
        """Have a session that MiniMax refuses before its date, until somebody renews the login."""
        life = self.renews_late()
        life.work = []
        for login, until in zip(life.logins, [*(one.since for one in life.logins[1:]), self._end], strict=True):
            begin = max(login.since, until - self._days(0.2, 12))
            life.work.append(Work(Span(begin, until), self._random.choice([(401,), (403, 401)])))
        return life

    def is_on_hold(self) -> Life:
        """Be on hold or without credits for minutes, hours and days, sometimes without any job for days."""
        life = self.renews_in_time()
        life.work = []
        for day in range(1, 58, 6):
            codes = self._random.choice([(596,), (412, 402), (596, 401), (596, 596, 596, 201), ()])
            life.work.append(Work(self._span(day, day + 2, [HOUR, 9 * HOUR, 4 * DAY]), codes))
        life.errors = [self._span(8, 50, [9 * HOUR, 3 * DAY])]
        return life

    def runs_low(self) -> Life:
        """Use its credits up and get new ones, and have no credits to read for some days."""
        life = self.renews_in_time()
        moments = sorted(self._moment(0.1, 59) for _ in range(14))
        life.credits = [(self._begin, 500), *((at, self._random.choice([500, 120, 80, 40, 0, None])) for at in moments)]
        life.work = []
        return life

    def is_added_again(self) -> Life:
        """Be deleted and added again weeks later, perhaps with another login, low on credits and refused."""
        life = self.renews_late()
        life.absences = [self._span(4, 12, [9 * DAY, 16 * DAY, 25 * DAY])]
        life.work = [Work(self._span(3, 20, [6 * DAY, 20 * DAY]), (401,))]
        life.credits = [(self._begin, 500), (self._moment(3, 40), 30)]
        return life

    def _span(self, least: float, most: float, lengths: list[timedelta]) -> Span:
        begin = self._moment(least, most)
        return Span(begin, begin + self._random.choice(lengths))
