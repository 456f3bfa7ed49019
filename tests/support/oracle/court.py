"""Judges the messages of each poll by the rules, and says in words what should have come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.engine.channels import Heard, Post, Version
from tests.support.oracle.facts import DAY, Facts, Readability, Reading, say_time
from tests.support.oracle.rules import (
    FollowUps,
    Hearing,
    News,
    Verdict,
    Wish,
    is_settled,
    judge,
    judge_unreadable,
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
    """A channel as the court knows it: its subscriptions, assignments, and the last time that it refused a message."""

    subscriptions: dict[str | None, Subscribed] = field(default_factory=dict)
    assigned: dict[str, Assigned] = field(default_factory=dict)
    refused_at: datetime | None = None
    is_refusing: bool = False
    follow_ups: FollowUps = field(default_factory=FollowUps)

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
        self.complaints: list[str] = []
        # Once is enough: what follows a mistake is often another one.
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
            self.facts.setdefault(account_id, Facts()).read(shown, reading.at)
            said = "absent" if shown is None else str(shown)
            story = self._readings.setdefault(account_id, [])
            if not story or not story[-1].endswith(said):
                story.append(f"{say_time(reading.at)} {said}")

    def awaits_confirmation(self, at: datetime) -> bool:
        """Whether a first odd reading, or a first error, was made then and asks for the next poll soon."""
        facts = self.facts.values()
        return any(one.odd_since == at or (one.error.since == at and one.error.polls == 1) for one in facts)

    def judge(self, channel_id: int, posts: Sequence[Post], at: datetime, *, is_readable: bool) -> None:
        """Compare the messages that a channel got in one poll with those that it must get."""
        place = self.places[channel_id]
        came: dict[str | None, list[News]] = {}
        verdicts: list[tuple[Verdict, list[News]]] = []
        for post in posts:
            for heard in post.heard:
                came.setdefault(heard.account_id, []).append(news_of(heard))
            self._judge_mentions(channel_id, post, at)
        for account_id, facts in self.facts.items():
            hearing = self._hearings.setdefault((channel_id, account_id), Hearing())
            wish, news = place.wish(account_id), came.pop(account_id, [])
            if wish is None:
                hearing.has_gap = True
                if not place.covers(account_id) and hearing.at and at - hearing.at[-1] >= DAY:
                    # What a channel has heard is forgotten a day after the last message.
                    self._hearings[channel_id, account_id] = Hearing()
                self._compare(channel_id, account_id, Verdict(frozenset(), must=False, why="no reminder"), news, at)
                continue
            verdict = judge(facts, hearing, wish, at, is_readable=is_readable)
            self._compare(channel_id, account_id, verdict, news, at)
            verdicts.append((verdict, news))
            for one in news:
                number = 0 if one.kind in ("stage", "renewed") else getattr(facts, one.kind).number
                hearing.hear(one, number, facts, wish, at)
            if is_settled(facts, hearing, wish, at):
                hearing.follow(facts)
        news = came.pop(None, [])
        verdicts.append((self._judge_unreadable(channel_id, news, at), news))
        for verdict, news in verdicts:
            if any(one.stage < 0 for one in news):
                place.follow_ups.hear(at, is_repeated=verdict.is_repeated)
        for unknown, news in came.items():
            self._compare(channel_id, unknown, Verdict(frozenset(), must=False, why="unknown account"), news, at)

    def judge_signs(self, channel_id: int, versions: Sequence[Version], at: datetime) -> None:
        """Complain about messages that were written in one poll and are green though their account has failed."""
        for version in versions:
            for heard in version.post.heard:
                facts = self.facts.get(heard.account_id or "")
                if facts is None or not version.is_good_news(heard.account_id):
                    continue
                if facts.error.is_open or facts.is_expired(at):
                    failure = "in error" if facts.error.is_open else f"expired {say_time(facts.expires_at)}"
                    self.complaints.append(
                        f"{say_time(at)}, channel {channel_id}, account {heard.account_id}: {failure}, but a message "
                        f"about {news_of(heard)} says: {version.message.content}"
                    )

    def _judge_unreadable(self, channel_id: int, news: list[News], at: datetime) -> Verdict:
        active = self.places[channel_id].active()
        hearing = self._hearings.setdefault((channel_id, None), Hearing())
        if not active:
            hearing.has_gap = True
        follow_ups = {wish.follow_ups for wish in active}
        verdict = judge_unreadable(self.readability, hearing, follow_ups=True in follow_ups, at=at)
        if len(follow_ups) != 1:
            verdict = verdict.or_nothing("no reminder, or with and without follow-ups")
        self._compare(channel_id, None, verdict, news, at)
        for one in news:
            hearing.note(one, self.readability.may.number, at)
        return verdict

    def _compare(
        self, channel_id: int, account_id: str | None, verdict: Verdict, news: Sequence[News], at: datetime
    ) -> None:
        place, hearing = self.places[channel_id], self._hearings.setdefault((channel_id, account_id), Hearing())
        verdict = limit(verdict, hearing, place.follow_ups, at)
        if place.is_refusing or (place.refused_at is not None and at - place.refused_at <= LONGEST_WAIT):
            verdict = verdict.or_nothing("the channel refuses, or refused within six hours")
        messages = self._messages.setdefault((channel_id, account_id), [])
        messages += [f"{say_time(at)} {one}" for one in news]
        is_right = len(news) <= 1 and set(news) <= verdict.news and (bool(news) or not verdict.must)
        if is_right or (channel_id, account_id) in self._accused:
            return
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

    def _judge_mentions(self, channel_id: int, post: Post, at: datetime) -> None:
        """Compare the roles and users that a message mentions: the assignee for follow-ups.

        Nobody for good news, nor for a stage of over seven days where a tighter one is to come.
        """
        place = self.places[channel_id]
        must: set[int] = set()
        may: set[int] = set()
        for heard in post.heard:
            if heard.kind == "renewed":
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
                elif not heard.is_follow_up:
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


def _has_ended(assigned: Assigned, facts: Facts, at: datetime) -> bool:
    is_renewed = facts.moved_at is not None and facts.moved_at > assigned.at and facts.moved_by >= 2 * DAY
    return is_renewed or at - assigned.at > ASSIGNED_FOR


def _is_kept(assigned: Assigned, facts: Facts) -> bool:
    return facts.moved_at is None or facts.moved_at <= assigned.at
