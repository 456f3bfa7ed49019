"""Incidents: an account with an error, a missing account, accounts that can't be read. They begin, recur and end."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.notifications import Kind


@dataclass(frozen=True, slots=True)
class IncidentRule:
    """When an incident opens: after this many bad polls in a row, over at least this long."""

    polls: int
    over: timedelta


UNREADABLE = IncidentRule(polls=3, over=timedelta(hours=6))
# useapi.net refuses the token or the subscription: it will not pass by itself.
REFUSED_FOR = timedelta(minutes=15)
AT_ONCE = IncidentRule(polls=1, over=timedelta(0))
MISSING = IncidentRule(polls=3, over=timedelta(hours=1))
UNDATED = IncidentRule(polls=3, over=timedelta(hours=1))
ERROR = IncidentRule(polls=2, over=timedelta(0))
# Several jobs have failed before.
FAILING = AT_ONCE
REARMED_AFTER = timedelta(hours=24)


class Reason(StrEnum):
    """Why all jobs of an account fail."""

    REFUSED = "refused"
    OUT_OF_CREDITS = "out_of_credits"
    ON_HOLD = "on_hold"


@dataclass(frozen=True, slots=True)
class Incident:
    """One kind of failure of one account: how long it has lasted, and the number of the incident.

    `began_at` is when the incident with this number began; short good spells within it do not change it. Failing jobs
    have a `reason`, that of the newest one.
    """

    bad_polls: int = 0
    bad_since: datetime | None = None
    good_since: datetime | None = None
    number: int = 0
    is_open: bool = False
    began_at: datetime | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that is open, since when it has lasted, short good spells included, and its reason, if it has one."""

    kind: Kind
    number: int
    since: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class LowCredits:
    """The credits of an account below the threshold of a subscription: a crossing with a number, and since when.

    They were last read at `read_at`.
    """

    threshold: int
    total: int
    number: int
    since: datetime
    read_at: datetime


def follow(incident: Incident, rule: IncidentRule, *, is_bad: bool, now: datetime) -> Incident:
    """Return the incident after one more poll.

    An incident opens when the rule is met, and ends with the first good poll. Only after 24 good hours does the next
    one get a new number, so that flapping is announced once.
    """
    # A clock that was set back must not make an incident last longer.
    good_since = incident.good_since and min(incident.good_since, now)
    if not is_bad and incident.number == 0:
        # Nothing can come back, so a good account needs no row.
        return replace(incident, bad_polls=0, bad_since=None)
    if not is_bad:
        good_since = good_since or now
        return replace(incident, bad_polls=0, bad_since=None, good_since=good_since, is_open=False)
    after = replace(incident, bad_polls=incident.bad_polls + 1, bad_since=min(incident.bad_since or now, now))
    assert after.bad_since is not None
    if incident.is_open:
        return replace(after, good_since=None)
    if after.bad_polls < rule.polls or now - after.bad_since < rule.over:
        return replace(after, good_since=good_since)
    was_well = good_since is None or after.bad_since - good_since >= REARMED_AFTER
    if incident.number == 0 or was_well:
        after = replace(after, number=incident.number + 1, began_at=after.bad_since)
    return replace(after, good_since=None, is_open=True)


def follow_all(
    present: Mapping[str | None, Incident], rule: IncidentRule, bad: Mapping[str | None, bool], now: datetime
) -> dict[str | None, Incident]:
    """Return the incidents of one kind that one more poll changed, by account id.

    Args:
        present: the incidents before the poll, by account id.
        rule: when an incident of this kind opens.
        bad: whether the poll found the failure, by account id; other accounts stay as they are.
        now: the time of the poll.
    """
    changed: dict[str | None, Incident] = {}
    for account_id, is_bad in bad.items():
        if not is_bad and account_id not in present:
            continue
        before = present.get(account_id, Incident())
        after = follow(before, rule, is_bad=is_bad, now=now)
        if after != before:
            changed[account_id] = after
    return changed
