"""What people were promised, checked against the true lives alone, without the rules of the oracle."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tests.support.engine.channels import Heard, Post
from tests.support.oracle.court import news_of
from tests.support.oracle.facts import DAY, FOLLOW_UP_DAYS, HOUR, Reading, Shown, say_time
from tests.support.oracle.lives import Life, Login
from tests.support.oracle.rules import LEEWAY, MOST_A_DAY

_POLLS_UNTIL_CONFIRMED = 3


class Promises:
    """The polls of a world, the lives of its accounts, and the messages of one channel."""

    def __init__(self, polls: Sequence[Reading], lives: dict[str, Life], posts: Sequence[Post]) -> None:
        self._polls = [poll for poll in polls if poll.shown is not None]
        # While an account is not listed, what is said of it may be about a login that was replaced meanwhile.
        self._read = {(poll.at, account) for poll in self._polls for account in poll.shown or {}}
        self._lives = lives
        self._posts = posts
        self._by_account: dict[str | None, list[tuple[datetime, Heard]]] = {}
        for post in posts:
            for heard in post.heard:
                self._by_account.setdefault(heard.account_id, []).append((post.at, heard))

    def broken(self) -> Iterator[str]:
        """Yield the promises that were broken whatever the channel had subscribed to."""
        yield from self._untrue()
        yield from self._pinged_for_good_news()
        yield from self._too_many()

    def repeated(self) -> Iterator[str]:
        """Yield what came too often in a channel whose subscription was never removed, so that nothing is forgotten."""
        yield from self._stages_twice()
        for first, last in pairwise(follow_ups_of(self._posts)):
            # Those of one poll are one occasion.
            if LEEWAY < last - first < DAY - LEEWAY:
                yield f"follow-ups at {say_time(first)} and {say_time(last)}"

    def missed(self, account: str, lead_times: Sequence[int], *, follow_ups: bool) -> Iterator[str]:
        """Yield the stages that a channel did not get which had this subscription all the time.

        Only moments count that found an account in order: listed, without errors, with the same expiry at each read.
        """
        life = self._lives[account]
        # Lead times wait for the end of failing jobs.
        if life.is_rolling or life.work:
            return
        days = (*sorted(lead_times, reverse=True), 0, *(-day for day in FOLLOW_UP_DAYS if follow_ups))
        for login, until in _with_ends(life.logins):
            if login.expires_at is None:
                continue
            born_at = login.issued_at or datetime.min.replace(tzinfo=login.since.tzinfo)
            moments = [login.expires_at - timedelta(days=day) for day in days]
            for day, moment, next_moment in zip(days, moments, [*moments[1:], until], strict=True):
                is_over = max(moment, until) == moment
                if moment <= max(login.since, born_at) or is_over:
                    continue
                seen_at = self._seen_at(account, login, moment, min(next_moment, until), is_follow_up=day < 0)
                if seen_at is not None and not self._has_come(account, login, day, moment, seen_at):
                    yield f"account {account} ({life.character}), stage {day} of {say_time(moment)}"

    def _stages_twice(self) -> Iterator[str]:
        for account, all_heard in self._by_account.items():
            if account is None or self._lives[account].is_rolling:
                continue
            life = self._lives[account]
            read = [(at, one) for at, one in all_heard if (at, account) in self._read and not life.is_undated(at)]
            logins = [(life.login(at), one) for at, one in read if self._is_confirmed(account, life.login(at), at)]
            stages = Counter((one.since, heard.stage) for one, heard in logins if heard.kind == "stage")
            for (since, stage), times in stages.items():
                if times > 1:
                    yield f"account {account}: stage {stage} of the login since {say_time(since)} came {times} times"

    def _untrue(self) -> Iterator[str]:
        for account, all_heard in self._by_account.items():
            for at, heard in all_heard:
                if account is None or (at, account) not in self._read or self._lives[account].is_undated(at):
                    continue
                life = self._lives[account]
                if any(span.holds(at) for span in life.absences):
                    # By the last known date, until it is known to be missing.
                    continue
                expires_at = life.login(at).expires_at
                if not self._is_confirmed(account, life.login(at), at):
                    continue
                is_failing = any(span.holds(at) for span in life.errors)
                if expires_at is None or heard.kind not in ("stage", "renewed") or (is_failing and heard.stage <= 0):
                    continue
                left = expires_at - at
                is_true = left > timedelta(0) if heard.kind == "renewed" else left <= timedelta(days=heard.stage) + HOUR
                if not is_true:
                    yield f"account {account} ({life.character}) at {say_time(at)}: {news_of(heard)} with {left} left"

    def _is_confirmed(self, account: str, login: Login, at: datetime) -> bool:
        """Whether two readings in a row have shown a login; until then, the last known one counts after an hour."""
        polls = [poll.shown or {} for poll in self._polls if login.since <= poll.at <= at]
        read = [shown[account] for shown in polls if account in shown]
        return any(one.expires_at == other.expires_at == login.expires_at for one, other in pairwise(read))

    def _pinged_for_good_news(self) -> Iterator[str]:
        for post in self._posts:
            if all(heard.kind == "renewed" for heard in post.heard) and (post.content.roles or post.content.users):
                yield f"somebody was mentioned for good news at {say_time(post.at)}"

    def _too_many(self) -> Iterator[str]:
        for account, all_heard in self._by_account.items():
            times = [at for at, _ in all_heard]
            for first, last in zip(times, times[MOST_A_DAY:], strict=False):
                if last - first < DAY - LEEWAY:
                    yield f"account {account}: four messages from {say_time(first)} to {say_time(last)}"

    def _seen_at(
        self, account: str, login: Login, begin: datetime, end: datetime, *, is_follow_up: bool
    ) -> datetime | None:
        """Return by when a moment must have been noticed and mentioned, None if the account was not in order."""
        polls = [poll for poll in self._polls if begin <= poll.at < end]
        if not polls or not self._is_in_order(account, login, begin, polls[0].at):
            return None
        last = polls[_POLLS_UNTIL_CONFIRMED - 1 :] if not is_follow_up else polls
        until = next((poll.at for poll in last if not is_follow_up or poll.at - polls[0].at > DAY + HOUR), None)
        return until if until is not None and self._is_in_order(account, login, begin, until) else None

    def _is_in_order(self, account: str, login: Login, begin: datetime, end: datetime) -> bool:
        plain = Shown(login.expires_at, login.issued_at)
        before = [poll for poll in self._polls if poll.at < begin][-1:]
        during = [poll for poll in self._polls if begin <= poll.at <= end]
        return all((poll.shown or {}).get(account) == plain for poll in [*before, *during])

    def _has_come(self, account: str, login: Login, stage: int, begin: datetime, end: datetime) -> bool:
        """Whether a stage came in time, or the day had enough messages, or the last login's stage stands for it."""
        all_heard = self._by_account.get(account, [])
        if len([at for at, _ in all_heard if begin - DAY <= at <= end]) >= MOST_A_DAY:
            return True
        for at, heard in all_heard:
            if at > end or heard.kind != "stage" or heard.stage > stage:
                continue
            if at >= begin and heard.stage == stage:
                return True
            # A login that ends hardly later is no reason to repeat a lead time.
            assert login.expires_at is not None
            assert heard.expires_at is not None
            if login.expires_at - heard.expires_at < timedelta(days=max(heard.stage, 0)) + DAY:
                return True
        return False


def follow_ups_of(posts: Sequence[Post]) -> list[datetime]:
    """Return when a channel heard again of a login that it knew to be expired, or of an incident that it knew."""
    known: dict[str | None, Heard] = {}
    times = []
    for post in posts:
        for heard in post.heard:
            before = known.get(heard.account_id)
            if before is not None and heard.stage < before.stage <= 0 and not _is_about_another(before, heard):
                times.append(post.at)
            known[heard.account_id] = heard
    return times


def _is_about_another(before: Heard, after: Heard) -> bool:
    """Whether a notification is about another login or incident than the one before."""
    if before.kind != after.kind or before.kind != "stage" or before.expires_at is None or after.expires_at is None:
        return (before.kind, before.ref) != (after.kind, after.ref)
    return abs(after.expires_at - before.expires_at) >= DAY


def _with_ends(logins: Sequence[Login]) -> Iterator[tuple[Login, datetime]]:
    """Yield each login with the moment at which the next one replaces it."""
    ends = [*(one.since for one in logins[1:]), datetime.max.replace(tzinfo=logins[0].since.tzinfo)]
    yield from zip(logins, ends, strict=True)
