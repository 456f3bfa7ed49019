"""When trouble over several passes is worth a message, and when it is news again: pure functions."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rule:
    """When trouble is worth a message: after this many bad passes in a row, over at least this long."""

    passes: int
    over: timedelta


BLIND = Rule(passes=3, over=timedelta(hours=6))
GONE = Rule(passes=3, over=timedelta(hours=1))
ERROR = Rule(passes=2, over=timedelta(0))
REARMED_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble with one thing: how long it lasts, and which episode it is."""

    bad_passes: int = 0
    bad_since: datetime | None = None
    good_since: datetime | None = None
    episode: int = 0
    is_open: bool = False


def follow(trouble: Trouble, rule: Rule, *, is_bad: bool, now: datetime) -> Trouble:
    """Return the trouble after one more pass.

    An episode opens when the rule is met, and is told once. It closes with the first good pass; only after
    24 good hours does the next one count as new, so that flapping is told once.
    """
    # Nothing began later than now: a clock that was set back must not make it last so much longer.
    good_since = trouble.good_since and min(trouble.good_since, now)
    if not is_bad:
        return Trouble(good_since=good_since or now, episode=trouble.episode)
    bad_passes, bad_since = trouble.bad_passes + 1, min(trouble.bad_since or now, now)
    if trouble.is_open:
        return Trouble(bad_passes, bad_since, None, trouble.episode, is_open=True)
    is_met = bad_passes >= rule.passes and now - bad_since >= rule.over
    if not is_met:
        return Trouble(bad_passes, bad_since, good_since, trouble.episode)
    was_well = good_since is None or bad_since - good_since >= REARMED_AFTER
    is_new = trouble.episode == 0 or was_well
    return Trouble(bad_passes, bad_since, None, trouble.episode + is_new, is_open=True)
