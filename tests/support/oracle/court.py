"""Judges the messages of each poll by the rules, and says in words what should have come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.engine.channels import Heard, Post, Version
from tests.support.oracle.facts import DAY, Facts, Incident, Job, Readability, Reading, judge_all_jobs, say_time
from tests.support.oracle.rules import (
    FollowUps,
    Hearing,
    News,
    Verdict,
    Wish,
    is_settled,
    judge,
    judge_all,
    judge_offer,
    limit,
)

# After a refusal, the next attempt comes within this time.
LONGEST_WAIT = timedelta(hours=6, minutes=1)
ASSIGNED_FOR = timedelta(days=7)
_STORY = 14
# The widest stage, in days, that always pings somebody.
_EARLY = 7


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription of a channel; `account_id` None stands for all accounts."""

    account_id: str | None
    wish: Wish
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Assigned:
    """A person who is on it, and since when."""

    user_id: int
    at: datetime


@dataclass
class Place:
    """A channel as the court knows it: its subscriptions, assignments, and the last time that it refused a message.

    `gets_offers` if it is the only one of its server, and has a reminder for some accounts.
    """

    subscriptions: dict[str | None, Subscribed] = field(default_factory=dict)
    assigned: dict[str, Assigned] = field(default_factory=dict)
    refused_at: datetime | None = None
    is_refusing: bool = False
    follow_ups: FollowUps = field(default_factory=FollowUps)
    gets_offers: bool = False

    def wish(self, account_id: str) -> Wish | None:
        """Return what the channel wants to hear about an account; one on the account itself outranks one on all."""
        one = self.subscriptions.get(account_id) or self.subscriptions.get(None)
        return None if one is None or one.is_paused else one.wish

    def covers(self, account_id: str) -> bool:
        """Whether the channel has a subscription for an account, perhaps a paused one."""
        return bool({account_id, None} & self.subscriptions.keys())

    def active(self) -> list[Wish]:
        """Return all that the channel wants to hear."""
        return [one.wish for one in self.subscriptions.values() if not one.is_paused]


class Court:
    """Follows all readings and all messages; `complaints` are the differences to the rules."""

    def __init__(self, channel_ids: Sequence[int]) -> None:
        self.places = {channel_id: Place() for channel_id in channel_ids}
        self.facts: dict[str, Facts] = {}
        self.readability = Readability()
        self.all_failing = Incident()
        self.jobs: Sequence[Job] | None = None
        self.complaints: list[str] = []
        # Once is enough: what follows a mistake is often another one.
        self._has_read = False
        self._accused: set[tuple[int, str | None]] = set()
        self._hearings: dict[tuple[int, str | None], Hearing] = {}
        self._readings: dict[str, list[str]] = {}
        self._messages: dict[tuple[int, str | None], list[str]] = {}

    def read(self, reading: Reading) -> None:
        """Take in what a poll read."""
        self.readability.read(reading)
        if reading.shown is None:
            return
        for account_id in {*self.facts, *reading.shown}:
            shown = reading.shown.get(account_id)
            if account_id not in self.facts:
                self.facts[account_id] = Facts(appeared_at=reading.at if self._has_read else None)
            self.facts[account_id].read(shown, reading.at)
            self._note(account_id, "absent" if shown is None else str(shown), reading.at)
        self._has_read = True

    def read_usage(
        self,
        jobs: Sequence[Job] | None,
        credits_left: Mapping[str, int],
        thresholds: Sequence[int],
        at: datetime,
    ) -> None:
        """Take in the newest jobs, newest first, None if they were not read, and the credits that were read."""
        self.jobs = self.jobs if jobs is None else jobs
        for account_id, total in credits_left.items():
            self.facts[account_id].read_credits(total, thresholds, at)
            self._note(account_id, f"{total} credits", at)
        if self.jobs is None:
            return
        by_account: dict[str, list[Job]] = {}
        for job in self.jobs:
            by_account.setdefault(job.account_id, []).append(job)
        for account_id, own in by_account.items():
            if account_id in self.facts:
                self.facts[account_id].judge_jobs(own, at)
                self._note(account_id, f"jobs {' '.join(str(job.code) for job in own[:6])}", at)
        judge_all_jobs(self.all_failing, {key: own for key, own in by_account.items() if key in self.facts}, at)

    def _note(self, account_id: str, said: str, at: datetime) -> None:
        story = self._readings.setdefault(account_id, [])
        if not any(one.endswith(said) for one in story[-2:]):
            story.append(f"{say_time(at)} {said}")

    def awaits_confirmation(self, at: datetime) -> bool:
        """Whether a first odd reading, or a first error, was made then and asks for the next poll soon."""
        facts = self.facts.values()
        return any(one.odd_since == at or (one.error.since == at and one.error.polls == 1) for one in facts)

    def listen(self, channel_id: int, posts: Sequence[Post], at: datetime) -> dict[str | None, list[News]]:
        """Return what a channel heard in one poll, by account, and judge whom its messages mention."""
        came: dict[str | None, list[News]] = {}
        for post in posts:
            for heard in post.heard:
                came.setdefault(heard.account_id, []).append(news_of(heard))
            self._judge_mentions(channel_id, post, at)
        return came

    def judge(
        self,
        channel_id: int,
        came: dict[str | None, list[News]],
        at: datetime,
        *,
        is_readable: bool,
        is_last: bool,
    ) -> None:
        """Compare what a channel heard with what it must hear.

        No message waits for jobs and credits, so that a poll sends two times. What does not fit the first time is left
        in `came` for the last one.
        """
        place = self.places[channel_id]
        verdicts: list[tuple[Verdict, list[News]]] = []
        for account_id, facts in self.facts.items():
            hearing = self._hearings.setdefault((channel_id, account_id), Hearing())
            wish = place.wish(account_id)
            if wish is None and place.gets_offers:
                verdict = judge_offer(facts, was_offered="new_account" in hearing.incidents, at=at)
                for one in self._compare(channel_id, account_id, verdict, came, at, is_last=is_last):
                    hearing.note(one, 1, at)
                continue
            if wish is None:
                hearing.has_gap = True
                if not place.covers(account_id) and hearing.at and at - hearing.at[-1] >= DAY:
                    # What a channel has heard is forgotten a day after the last message.
                    self._hearings[channel_id, account_id] = Hearing()
                verdict = Verdict(frozenset(), must=False, why="no reminder")
                self._compare(channel_id, account_id, verdict, came, at, is_last=is_last)
                continue
            verdict = judge(facts, hearing, wish, at, is_readable=is_readable)
            news = self._compare(channel_id, account_id, verdict, came, at, is_last=is_last)
            verdicts.append((verdict, news))
            for one in news:
                hearing.hear(one, _number(one, facts, wish), facts, wish, at)
            if is_settled(facts, hearing, wish, at):
                hearing.follow(facts)
        verdicts.append(self._judge_all(channel_id, came, at, is_last=is_last))
        for verdict, news in verdicts:
            if any(one.stage < 0 for one in news):
                place.follow_ups.hear(at, is_repeated=verdict.is_repeated)
        for unknown in list(came) if is_last else ():
            verdict = Verdict(frozenset(), must=False, why="unknown account")
            self._compare(channel_id, unknown, verdict, came, at, is_last=True)

    def judge_signs(self, channel_id: int, versions: Sequence[Version], at: datetime) -> None:
        """Complain about messages that were written in one poll and are green though their account has failed."""
        for version in versions:
            for heard in version.post.heard:
                facts = self.facts.get(heard.account_id or "")
                # What is green about credits says nothing of the login.
                if facts is None or heard.kind == "low_credits" or not version.is_good_news(heard.account_id):
                    continue
                # A message of this poll may have been written before the jobs were read.
                is_failing = facts.failing.is_open and facts.failing.since is not None and facts.failing.since < at
                if facts.error.is_open or is_failing or facts.is_expired(at):
                    expired = f"expired {say_time(facts.expires_at)}"
                    failure = "in error" if facts.error.is_open else "failing" if is_failing else expired
                    self.complaints.append(
                        f"{say_time(at)}, channel {channel_id}, account {heard.account_id}: {failure}, but a message "
                        f"about {news_of(heard)} says: {version.message.content}"
                    )

    def _judge_all(
        self, channel_id: int, came: dict[str | None, list[News]], at: datetime, *, is_last: bool
    ) -> tuple[Verdict, list[News]]:
        active = self.places[channel_id].active()
        hearing = self._hearings.setdefault((channel_id, None), Hearing())
        if not active:
            hearing.has_gap = True
        follow_ups = {wish.follow_ups for wish in active}
        verdict = judge_all(self.readability, self.all_failing, hearing, follow_ups=True in follow_ups, at=at)
        if len(follow_ups) != 1:
            verdict = verdict.or_nothing("no reminder, or with and without follow-ups")
        news = self._compare(channel_id, None, verdict, came, at, is_last=is_last)
        for one in news:
            hearing.note(one, (self.readability.may if one.kind == "unreadable" else self.all_failing).number, at)
        return verdict, news

    def _compare(
        self,
        channel_id: int,
        account_id: str | None,
        verdict: Verdict,
        came: dict[str | None, list[News]],
        at: datetime,
        *,
        is_last: bool,
    ) -> list[News]:
        """Take what fits the verdict out of what came, or all of it if it is the last one; return it."""
        place, hearing = self.places[channel_id], self._hearings.setdefault((channel_id, account_id), Hearing())
        verdict = limit(verdict, hearing, place.follow_ups, at)
        if place.is_refusing or (place.refused_at is not None and at - place.refused_at <= LONGEST_WAIT):
            verdict = verdict.or_nothing("the channel refuses, or refused within six hours")
        news = came.get(account_id, [])
        if not is_last:
            news = [one for one in news[:1] if one in verdict.news]
        came[account_id] = came.get(account_id, [])[len(news) :]
        messages = self._messages.setdefault((channel_id, account_id), [])
        messages += [f"{say_time(at)} {one}" for one in news]
        is_right = len(news) <= 1 and set(news) <= verdict.news and (bool(news) or not verdict.must)
        if is_right or (channel_id, account_id) in self._accused:
            return news
        self._accused.add((channel_id, account_id))
        story = self._readings.get(account_id or "", [])
        self.complaints.append(
            "\n  ".join(
                [
                    f"{say_time(at)}, channel {channel_id}, account {account_id}:",
                    f"expected: {verdict}",
                    f"came:     {', '.join(map(str, news)) or 'nothing'}",
                    f"readings: {'; '.join(story[-_STORY:]) or 'none'}",
                    f"messages: {'; '.join(messages[-_STORY:]) or 'none'}",
                ]
            )
        )
        return news

    def _knows_expiry(self, channel_id: int, heard: Heard) -> bool:
        """Whether a channel has heard before that a login has expired."""
        told = self._hearings.get((channel_id, heard.account_id), Hearing()).told
        return told is not None and told.stage is not None and told.stage <= 0

    def _judge_mentions(self, channel_id: int, post: Post, at: datetime) -> None:
        """Compare the roles and users that a message mentions: the assignee for follow-ups.

        Nobody for good news, nor for a stage of over seven days where a tighter one is to come.
        """
        place = self.places[channel_id]
        must: set[int] = set()
        may: set[int] = set()
        for heard in post.heard:
            if heard.kind in ("renewed", "new_account"):
                continue
            if heard.account_id is None:
                may |= {wish.role_id for wish in place.active() if wish.role_id is not None}
                continue
            wish, facts = place.wish(heard.account_id), self.facts.get(heard.account_id)
            is_early = heard.stage > _EARLY and (
                facts is None or facts.expires_at is None or facts.expires_at - at > timedelta(days=_EARLY)
            )
            if wish is not None and is_early and min(wish.lead_times) <= _EARLY:
                continue
            role = {wish.role_id} if wish is not None and wish.role_id is not None else set()
            assigned = place.assigned.get(heard.account_id)
            if assigned is None or facts is None or _has_ended(assigned, facts, at):
                must |= role
            elif not _is_kept(assigned, facts):
                may |= {assigned.user_id, *role}
            else:
                must.add(assigned.user_id)
                is_last_day = facts.expires_at is not None and timedelta(0) < facts.expires_at - at <= DAY
                if is_last_day and heard.stage > 0:
                    must |= role
                elif not heard.is_follow_up or not self._knows_expiry(channel_id, heard):
                    may |= role
        mentioned = {*post.content.roles, *post.content.users}
        if not must <= mentioned <= must | may:
            news = ", ".join(f"{one.account_id}: {news_of(one)}" for one in post.heard)
            self.complaints.append(
                f"{say_time(at)}, channel {channel_id}, a message about {news}\n"
                f"  expected: mentions {sorted(must)}{f', perhaps {sorted(may - must)}' if may - must else ''}\n"
                f"  came:     {sorted(mentioned)}"
            )


def news_of(heard: Heard) -> News:
    """Return what a notification says."""
    kind = str(heard.kind)
    return News(kind, heard.stage if kind == "stage" else 0 if kind == "renewed" else min(heard.stage, 0))


def _number(news: News, facts: Facts, wish: Wish) -> int:
    """Return the number of the incident that a notification is about."""
    if news.kind in ("stage", "renewed", "new_account"):
        return 0
    if news.kind == "low_credits":
        return facts.low.get(wish.credits_below or 0, Incident()).number
    number: int = getattr(facts, news.kind).number
    return number


def _has_ended(assigned: Assigned, facts: Facts, at: datetime) -> bool:
    is_renewed = facts.moved_at is not None and facts.moved_at > assigned.at and facts.moved_by >= 2 * DAY
    return is_renewed or at - assigned.at > ASSIGNED_FOR


def _is_kept(assigned: Assigned, facts: Facts) -> bool:
    return facts.moved_at is None or facts.moved_at <= assigned.at
