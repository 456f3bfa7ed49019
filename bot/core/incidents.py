"""Incidents: an account with an error, a missing account, accounts that can't be read. They begin, recur and end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class IncidentRule:
    """When an incident opens: after this many bad polls in a row, over at least this long."""

    polls: int
    over: timedelta


UNREADABLE = IncidentRule(polls=3, over=timedelta(hours=6))
MISSING = IncidentRule(polls=3, over=timedelta(hours=1))
ERROR = IncidentRule(polls=2, over=timedelta(0))
REARMED_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Incident:
    """One kind of failure of one account: how long it has lasted, and the number of the incident."""

    bad_polls: int = 0
    bad_since: datetime | None = None
    good_since: datetime | None = None
    number: int = 0
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class IncidentChanges:
    """What a poll changed: the incidents that opened, and those that opened or ended. Numbers by account id.

    The account id is None for the accounts as a whole.
    """

    opened: Mapping[str | None, int]
    turned: Mapping[str | None, int]


def follow(incident: Incident, rule: IncidentRule, *, is_bad: bool, now: datetime) -> Incident:
    """Return the incident after one more poll.

    An incident opens when the rule is met, and ends with the first good poll. Only after 24 good hours does the next
    one get a new number, so that flapping is announced once.
    """
    # A clock that was set back must not make an incident last longer.
    good_since = incident.good_since and min(incident.good_since, now)
    if not is_bad:
        return Incident(good_since=good_since or now, number=incident.number)
    bad_polls, bad_since = incident.bad_polls + 1, min(incident.bad_since or now, now)
    if incident.is_open:
        return Incident(bad_polls, bad_since, None, incident.number, is_open=True)
    is_met = bad_polls >= rule.polls and now - bad_since >= rule.over
    if not is_met:
        return Incident(bad_polls, bad_since, good_since, incident.number)
    was_well = good_since is None or bad_since - good_since >= REARMED_AFTER
    is_new = incident.number == 0 or was_well
    return Incident(bad_polls, bad_since, None, incident.number + is_new, is_open=True)


def follow_all(
    present: Mapping[str | None, Incident], rule: IncidentRule, bad: Mapping[str | None, bool], now: datetime
) -> tuple[dict[str | None, Incident], IncidentChanges]:
    """Return the incidents of one kind that one more poll changed, and what opened or ended.

    Args:
        present: the incidents before the poll, by account id.
        rule: when an incident of this kind opens.
        bad: whether the poll found the failure, by account id; other accounts stay as they are.
        now: the time of the poll.
    """
    changed: dict[str | None, Incident] = {}
    for account_id, is_bad in bad.items():
        before = present.get(account_id, Incident())
        after = follow(before, rule, is_bad=is_bad, now=now)
        if after != before:
            changed[account_id] = after
    turned = {key: one for key, one in changed.items() if one.is_open != present.get(key, Incident()).is_open}
    return changed, IncidentChanges(
        opened={key: one.number for key, one in turned.items() if one.is_open},
        turned={key: one.number for key, one in turned.items()},
    )
