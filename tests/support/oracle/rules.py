"""The rules of section 5 of the design: what a channel must hear about an account now, given what it has heard."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.support.oracle.facts import DAY, HOUR, Facts, Incident, Readability, follow_up_stage, say_time

MOST_A_DAY = 3
# Posts of one poll are seconds apart.
LEEWAY = timedelta(seconds=30)
# Older credits are read again before they are announced.
CREDITS_KNOWN_FOR = timedelta(hours=12)


class News(NamedTuple):
    """What a notification says: its kind, and its stage where that matters; negative stages are follow-ups."""

    kind: str
    stage: int = 0

    def __str__(self) -> str:
        if self.kind == "stage" and self.stage >= 0:
            return "expired" if self.stage == 0 else f"stage {self.stage}"
        return self.kind if self.stage == 0 else f"{self.kind}, follow-up {-self.stage}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a channel wants to hear about an account."""

    lead_times: tuple[int, ...]
    follow_ups: bool
    role_id: int | None
    credits_below: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The stage and the expiry of a login that a channel heard of last; None for a login that is fine."""

    stage: int | None
    expires_at: datetime


@dataclass
class Hearing:
    """What one channel has heard about one account, or (`account_id` None) about all of them.

    `incidents` are the last number and stage by kind, `has_gap` says that the channel had no subscription meanwhile.
    """

    told: Told | None = None
    incidents: dict[str, tuple[int, int]] = field(default_factory=dict)
    at: list[datetime] = field(default_factory=list)
    stages_at: datetime | None = None
    has_gap: bool = False

    def hear(self, news: News, number: int, facts: Facts, wish: Wish, at: datetime) -> None:
        """Take in a notification about an account; `number` is that of the incident, if it is about one."""
        if news.kind not in ("stage", "renewed"):
            self.note(news, number, at)
            if news.kind in ("error", "failing") and facts.expires_at is not None and facts.is_expired(at):
                # Its message says so, unless another expiry is in doubt.
                told = Told(follow_up_stage(facts.expires_at, at), facts.expires_at)
                self.told = self.told if facts.is_held_back else told
            return
        now = facts.stage(at, wish.lead_times, follow_ups=wish.follow_ups)
        if facts.expires_at is not None:
            self.told = Told(news.stage if news.kind == "stage" else now, facts.expires_at)
        self.at.append(at)
        self.stages_at, self.has_gap = at, False

    def note(self, news: News, number: int, at: datetime) -> None:
        """Take in a notification about an incident that arrived."""
        self.at.append(at)
        self.incidents[news.kind] = (number, news.stage)
        if self.told is None:
            self.has_gap = False

    def follow(self, facts: Facts) -> None:
        """Let the expiry that counts as heard move along, since the channel need not hear of the move."""
        if self.told is not None and facts.expires_at is not None:
            self.told = replace(self.told, expires_at=facts.expires_at)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may come about an account in one poll: one of `news`, or nothing unless it `must`; and why.

    `is_repeated` if the channel knows already that the login has expired, or of the incident.
    """

    news: frozenset[News]
    must: bool
    why: str
    is_repeated: bool = False

    def __str__(self) -> str:
        if not self.news:
            return f"nothing ({self.why})"
        wanted = " or ".join(sorted(map(str, self.news)))
        return f"{wanted}{'' if self.must else ', or nothing'} ({self.why})"

    def or_nothing(self, why: str) -> "Verdict":
        """Return the same news, none of which must come."""
        return replace(self, must=False, why=f"{self.why}; {why}") if self.must else self


def _must(news: Iterable[News], why: str) -> Verdict:
    return Verdict(frozenset(news), must=True, why=why)


def _repeat(news: Iterable[News], why: str) -> Verdict:
    return replace(_must(news, why), is_repeated=True)


def _nothing(why: str) -> Verdict:
    return Verdict(frozenset(), must=False, why=why)


def judge(facts: Facts, hearing: Hearing, wish: Wish, at: datetime, *, is_readable: bool) -> Verdict:
    """Return what a channel with this wish must hear about an account, by what it has heard."""
    if facts.missing.is_open:
        is_heard = hearing.incidents.get("missing", (0, 0))[0] == facts.missing.number
        return _nothing("missing, and heard so") if is_heard else _must([News("missing")], "missing")
    if facts.error.is_open or facts.failing.is_open:
        verdict = _judge_failure(facts, hearing, wish, at)
        return verdict if is_readable else verdict.or_nothing("not readable now")
    if facts.is_held_back:
        # It says nothing about credits.
        held_back = _nothing("a moved expiry awaits its second reading")
        return _add_credits(held_back, facts, hearing, wish, at).or_nothing("a moved expiry")
    verdict = _judge_expiry(facts, hearing, wish, at)
    if facts.undated.is_open and hearing.incidents.get("undated", (0, 0))[0] != facts.undated.number:
        verdict = _judge_undated(facts, hearing, verdict, at)
    verdict = _add_credits(verdict, facts, hearing, wish, at)
    if facts.odd_since is not None:
        return verdict.or_nothing("a moved expiry has awaited its second reading for an hour")
    if facts.error.polls or not facts.is_listed:
        return verdict.or_nothing("an error or an absence awaits its confirmation")
    return verdict


def _add_credits(verdict: Verdict, facts: Facts, hearing: Hearing, wish: Wish, at: datetime) -> Verdict:
    """Return that credits are low, once a crossing, if nothing else is due."""
    low = facts.low.get(wish.credits_below or 0)
    if verdict.must or low is None or not low.is_open or facts.credits_read_at is None:
        return verdict
    if hearing.incidents.get("low_credits", (0, 0))[0] == low.number or at - facts.credits_read_at > CREDITS_KNOWN_FOR:
        return verdict
    news = verdict.news | {News("low_credits")}
    # It may wait for the next poll after another message, or if credits that were known for long are read again.
    is_sure = (low.since == at or facts.credits_read_at < at) and at not in hearing.at[-1:]
    return Verdict(
        news, must=is_sure and not verdict.news, why=f"{verdict.why}; low credits since {say_time(low.began)}"
    )


def judge_offer(facts: Facts, *, was_offered: bool, at: datetime) -> Verdict:
    """Return whether a server is offered a reminder for an account that none of its reminders covers."""
    if facts.appeared_at is None or was_offered:
        return _nothing("no reminder, and no new account")
    if at - facts.appeared_at >= DAY or facts.missing.is_open:
        return _nothing("no reminder, and the account is not new any more")
    return _must([News("new_account")], f"new since {say_time(facts.appeared_at)}, and no reminder covers it")


def is_settled(facts: Facts, hearing: Hearing, wish: Wish, at: datetime) -> bool:
    """Whether the channel need not hear of the expiry, whatever incidents there are."""
    return not facts.is_held_back and not _judge_expiry(facts, hearing, wish, at).news


def _judge_expiry(facts: Facts, hearing: Hearing, wish: Wish, at: datetime) -> Verdict:
    if facts.expires_at is None:
        return _nothing("no expiry is known")
    stage = facts.stage(at, wish.lead_times, follow_ups=wish.follow_ups)
    why = f"expires {say_time(facts.expires_at)}, which is {_say_stage(stage)}"
    if hearing.told is None:
        why += ", never heard of"
        return _nothing(why) if stage is None else _first(stage, why)
    heard, moved = hearing.told.stage, facts.expires_at - hearing.told.expires_at
    why += f"; heard of {_say_stage(heard)} of {say_time(hearing.told.expires_at)}"
    if heard is None:
        return _nothing(why) if stage is None else _first(stage, why)
    if stage is not None and moved >= timedelta(days=max(heard, 0)) + DAY:
        return _first(stage, f"{why}: another login")
    is_back = heard <= 0 and not facts.is_expired(at)
    if (stage is None or stage > heard) and (moved >= DAY or is_back):
        renewed = _must([News("renewed")], f"{why}: renewed")
        return renewed.or_nothing("the channel had no subscription meanwhile") if hearing.has_gap else renewed
    if stage is None or stage >= heard:
        return _nothing(why)
    if heard > 0:
        return _first(stage, why)
    follow_up = _repeat([News("stage", stage)], why)
    return follow_up.or_nothing("a pause ends follow-ups") if hearing.has_gap else follow_up


def _first(stage: int, why: str) -> Verdict:
    """Return that a stage is due; a login that expired days ago may be mentioned as expired or as a follow-up."""
    return _must({News("stage", stage), News("stage", max(stage, 0))}, why)


def _judge_failure(facts: Facts, hearing: Hearing, wish: Wish, at: datetime) -> Verdict:
    """Return the news of an error, failing jobs and the expiry, which are one failure; the first is its reason."""
    found = {"error": facts.error, "failing": facts.failing}
    failures = {kind: one for kind, one in found.items() if one.is_open}
    reason = next(iter(failures))
    began = {kind: one.began for kind, one in failures.items() if one.began is not None}
    told, begin = hearing.told, min(began.values())
    heard = [
        stage
        for kind, one in failures.items()
        for number, stage in [hearing.incidents.get(kind, (0, 0))]
        if number == one.number
    ]
    if facts.is_held_back and told is not None and told.stage is not None and told.stage <= 0:
        return _nothing(f"{reason}, but the expiry that was heard of may be over")
    is_expired = facts.is_expired(at) and not facts.is_held_back
    if facts.expires_at is not None and is_expired:
        begin = min(begin, facts.expires_at)
        if told is not None and told.stage is not None and told.stage <= 0:
            heard += [told.stage] if abs(facts.expires_at - told.expires_at) < DAY else []
    follow_up = follow_up_stage(begin, at) if wish.follow_ups else 0
    kinds = [reason, "stage"] if is_expired else [reason]
    why = " and ".join(f"{kind} since {say_time(since)}" for kind, since in began.items())
    own = follow_up_stage(began[reason], at) if wish.follow_ups else 0
    first = _must({News(kind, stage) for kind in kinds for stage in (0, own, follow_up)}, why)
    if not heard:
        return first
    news = {News(kind, follow_up) for kind in kinds} if follow_up < min(heard) else set()
    # Lead times and renewals wait for the end of the failure.
    if not news:
        return _nothing(f"{why}; heard of it")
    verdict = _repeat(news, f"{why}; heard of it, follow-up {-min(heard)}")
    return verdict.or_nothing("paused meanwhile") if hearing.has_gap else verdict


def _judge_undated(facts: Facts, hearing: Hearing, verdict: Verdict, at: datetime) -> Verdict:
    """Return that an expiry is no longer given; the design leaves open how many readings show that."""
    assert facts.undated.since is not None
    why = f"no expiry is given since {say_time(facts.undated.since)}; {verdict.why}"
    both = replace(verdict, news=verdict.news | {News("undated")}, must=True, why=why)
    was_mentioned = hearing.stages_at is not None and hearing.stages_at >= facts.undated.since
    if (was_mentioned and not verdict.must) or facts.is_expired(at):
        return both.or_nothing("a reminder has shown it, or the login has expired anyway")
    is_sure = facts.undated.polls >= 3 and at - facts.undated.since >= HOUR
    return both if is_sure or verdict.must else both.or_nothing("for two readings")


def judge_all(facts: Readability, failing: Incident, hearing: Hearing, *, follow_ups: bool, at: datetime) -> Verdict:
    """Return what a channel must hear about accounts that can't be read, or whose jobs all fail."""
    if not facts.may.is_open or facts.may.began is None:
        return _judge_all_jobs(failing, hearing, follow_ups=follow_ups, at=at)
    why = f"unreadable since {say_time(facts.may.began)}"
    number, stage = hearing.incidents.get("unreadable", (0, 0))
    follow_up = follow_up_stage(facts.may.began, at) if follow_ups else 0
    if number != facts.may.number:
        verdict = _must({News("unreadable"), News("unreadable", follow_up)}, why)
        return verdict if facts.must.is_open else verdict.or_nothing("for two polls")
    if follow_up >= stage:
        return _nothing(f"{why}; heard of it")
    verdict = _repeat([News("unreadable", follow_up)], why)
    return verdict.or_nothing("the channel had no subscription meanwhile") if hearing.has_gap else verdict


def _judge_all_jobs(failing: Incident, hearing: Hearing, *, follow_ups: bool, at: datetime) -> Verdict:
    if not failing.is_open or failing.began is None:
        return _nothing("the accounts can be read, or not for long")
    why = f"all jobs fail since {say_time(failing.began)}"
    number, stage = hearing.incidents.get("failing", (0, 0))
    follow_up = follow_up_stage(failing.began, at) if follow_ups else 0
    if number != failing.number:
        return _must({News("failing"), News("failing", follow_up)}, why)
    if follow_up >= stage:
        return _nothing(f"{why}; heard of it")
    verdict = _repeat([News("failing", follow_up)], why)
    return verdict.or_nothing("the channel had no subscription meanwhile") if hearing.has_gap else verdict


@dataclass
class FollowUps:
    """When a channel got its last message with follow-ups.

    The first message about a login that expired days ago is none, but the design leaves open whether it `may` count.
    """

    last: datetime | None = None
    may_be_last: datetime | None = None

    def hear(self, at: datetime, *, is_repeated: bool) -> None:
        """Take in that a follow-up arrived."""
        self.may_be_last = at
        self.last = at if is_repeated else self.last


def limit(verdict: Verdict, hearing: Hearing, follow_ups: FollowUps, at: datetime) -> Verdict:
    """Return what the limits of a day leave: three messages about an account, and one with follow-ups in a channel."""
    recent = [one for one in hearing.at if at - one < DAY - LEEWAY]
    if len(recent) >= MOST_A_DAY:
        return _nothing(f"{verdict.why}; three messages since {say_time(recent[-MOST_A_DAY])}")
    if len([one for one in hearing.at if at - one < DAY + LEEWAY]) >= MOST_A_DAY:
        verdict = verdict.or_nothing("three messages a day ago")
    if not verdict.is_repeated or follow_ups.may_be_last is None:
        return verdict
    if follow_ups.last is not None and at - follow_ups.last < DAY - LEEWAY:
        others = frozenset(news for news in verdict.news if news.stage >= 0)
        return Verdict(others, must=False, why=f"{verdict.why}; follow-ups at {say_time(follow_ups.last)}")
    if at - follow_ups.may_be_last < DAY + LEEWAY:
        return verdict.or_nothing(f"follow-ups at {say_time(follow_ups.may_be_last)}")
    return verdict


def _say_stage(stage: int | None) -> str:
    return "fine" if stage is None else str(News("stage", stage))
