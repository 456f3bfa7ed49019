"""What a channel hears next, rule by rule: the rules are those of `docs/architecture.md`, "Rules"."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.accounts import Account, AccountSnapshot
from bot.core.incidents import LowCredits, OpenIncident, Reason
from bot.core.logins import Doubt, Login
from bot.core.notifications import Kind, Notification
from bot.core.rules import (
    NOTHING_HEARD,
    Decision,
    Due,
    Heard,
    HeardIncident,
    HeardStage,
    asks_for_renewal,
    decide,
    decide_shared,
    stage_heard_with,
)
from bot.core.stages import EXPIRED, FOLLOW_UPS, is_more_urgent, stage_of, usable_lead_times
from bot.core.subscriptions import NewSubscription

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
SUBSCRIPTION = NewSubscription(1, 2, None, (14, 7, 3, 1), None, 5)
CALM = replace(SUBSCRIPTION, follow_ups=False)
NOTHING = Decision()
# The login that a channel has heard of, and the one that replaces it.
OLD, NEW = 7, 8


def account(
    left: timedelta | None,
    *incidents: OpenIncident,
    login: int = OLD,
    life: timedelta | None = 30 * DAY,
    doubt: Doubt | None = None,
    read: timedelta = timedelta(0),
) -> AccountSnapshot:
    """Return an account whose login has so much time left, None for one without a login; last `read` so long ago."""
    if left is None:
        return AccountSnapshot(Account("a"), NOW - read, None, doubt, incidents)
    known = Login(login, "a", NOW + left, life, None, None)
    return AccountSnapshot(Account("a", expires_at=NOW + left), NOW - read, known, doubt, incidents)


def heard(stage: int | None, left: timedelta, login: int = OLD, messages: int = 0, **incidents: int) -> Heard:
    """Return what a channel has heard: a stage, how much time that login had left by now, and stages of incident 1."""
    known = {Kind(kind): HeardIncident(1, reached) for kind, reached in incidents.items()}
    return Heard(HeardStage(login, stage, NOW + left), known, messages)


def heard_of(messages: int = 0, **incidents: int) -> Heard:
    """Return what a channel has heard that never heard a stage: the stages of incident 1, by kind."""
    return Heard(None, {Kind(kind): HeardIncident(1, stage) for kind, stage in incidents.items()}, messages)


def lasting(kind: Kind, since: timedelta = timedelta(0), number: int = 1) -> OpenIncident:
    """Return an open incident that has lasted so long."""
    return OpenIncident(kind, number, NOW - since)


def failing(reason: Reason) -> OpenIncident:
    """Return an incident of failing jobs."""
    return OpenIncident(Kind.FAILING, 1, NOW, reason)


def stage(number: int, left: timedelta, login: int = OLD, *, again: bool = False) -> Decision:
    """Return the decision to send a stage; `again` if it is a follow-up."""
    return Decision(Due(Kind.STAGE, login, number, NOW + left, is_follow_up=again))


def renewed(number: int | None, left: timedelta) -> Decision:
    """Return the decision to announce the new login."""
    return Decision(Due(Kind.RENEWED, NEW, number, NOW + left))


def moved(number: int, left: timedelta, login: int = OLD) -> Decision:
    """Return the decision to send nothing and let another expiry count as heard."""
    return Decision(heard=HeardStage(login, number, NOW + left))


def incident(
    kind: Kind, number: int = 0, ref: int = 1, *, again: bool = False, expired: timedelta | None = None
) -> Decision:
    """Return the decision to announce an incident, or to follow it up (`again`); `expired` is the expiry with it."""
    return Decision(Due(kind, ref, number, None if expired is None else NOW + expired, is_follow_up=again))


def rows(*table: tuple[str, Heard, AccountSnapshot, Decision]) -> pytest.MarkDecorator:
    """Parametrize a test with a table of: the row's name, what was heard, how the account stands, the decision."""
    return pytest.mark.parametrize(
        ("before", "snapshot", "decision"), [pytest.param(*row, id=name) for name, *row in table]
    )


@rows(
    ("wider than every lead time", Heard(), account(14 * DAY + SECOND), NOTHING),
    ("first lead time", Heard(), account(14 * DAY), stage(14, 14 * DAY)),
    ("skipped lead times are not sent", Heard(), account(2 * DAY), stage(3, 2 * DAY)),
    ("last second", Heard(), account(SECOND), stage(1, SECOND)),
    ("this moment", Heard(), account(0 * DAY), stage(EXPIRED, 0 * DAY)),
    ("expired long ago, never heard of", Heard(), account(-8 * DAY), stage(-7, -8 * DAY)),
    ("the next stage", heard(14, 7 * DAY), account(7 * DAY), stage(7, 7 * DAY)),
    ("the same stage", heard(7, 6 * DAY), account(6 * DAY), NOTHING),
    ("stages skipped while the bot was off", heard(14, 12 * HOUR), account(12 * HOUR), stage(1, 12 * HOUR)),
    ("expired after a lead time", heard(1, 0 * DAY), account(0 * DAY), stage(EXPIRED, 0 * DAY)),
    ("still expired", heard(EXPIRED, -23 * HOUR), account(-23 * HOUR), NOTHING),
    ("wider lead times than were heard", heard(2, 10 * DAY), account(10 * DAY), NOTHING),
    ("a renewal was heard, nothing is due", heard(None, 20 * DAY), account(20 * DAY), NOTHING),
    ("a renewal was heard, a lead time has come", heard(None, 14 * DAY), account(14 * DAY), stage(14, 14 * DAY)),
    ("no expiry was ever known", Heard(), account(None), NOTHING),
    ("a life as wide as a lead time", Heard(), account(6 * DAY, life=7 * DAY), NOTHING),
    ("a life wider than a lead time", Heard(), account(3 * DAY, life=7 * DAY), stage(3, 3 * DAY)),
    ("an unknown life", Heard(), account(6 * DAY, life=None), stage(7, 6 * DAY)),
    ("a life shorter than all", Heard(), account(HOUR, life=2 * HOUR), NOTHING),
    ("a short life has ended", Heard(), account(0 * DAY, life=2 * HOUR), stage(EXPIRED, 0 * DAY)),
)
def test_time_passes(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 1: the stage of now is sent if it is more urgent than the one that was heard of this login."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("ok, a day later", heard(14, 10 * DAY), account(15 * DAY, login=NEW), renewed(None, 15 * DAY)),
    ("ok, a month later", heard(1, HOUR), account(30 * DAY, login=NEW), renewed(None, 30 * DAY)),
    ("ok, expired before", heard(EXPIRED, -DAY), account(30 * DAY, login=NEW), renewed(None, 30 * DAY)),
    ("ok, followed up before", heard(-7, -8 * DAY), account(30 * DAY, login=NEW), renewed(None, 30 * DAY)),
    ("less urgent, a day later", heard(7, 6 * DAY), account(8 * DAY, login=NEW), renewed(14, 8 * DAY)),
    ("valid again by hours", heard(EXPIRED, -6 * HOUR), account(6 * HOUR, login=NEW), renewed(1, 6 * HOUR)),
    ("only hours later", heard(14, 14 * DAY - HOUR), account(15 * DAY - 2 * HOUR), moved(14, 15 * DAY - 2 * HOUR)),
    (
        "by minutes around the expiry",
        heard(EXPIRED, -30 * SECOND),
        account(59 * 60 * SECOND),
        moved(EXPIRED, 59 * 60 * SECOND),
    ),
    ("hours later, again and again", heard(1, 20 * HOUR), account(26 * HOUR), moved(1, 26 * HOUR)),
    ("later, expired and still so", heard(EXPIRED, -9 * HOUR), account(-HOUR), moved(EXPIRED, -HOUR)),
    ("a day later, the same stage", heard(7, 5 * DAY), account(6 * DAY, login=NEW), moved(7, 6 * DAY, NEW)),
    ("no stage was ever heard", Heard(), account(30 * DAY, login=NEW), NOTHING),
    ("the renewal was heard", heard(None, 30 * DAY, NEW), account(30 * DAY, login=NEW), NOTHING),
    ("renewed twice", heard(None, 20 * DAY, NEW), account(30 * DAY, login=9), NOTHING),
)
def test_an_account_is_renewed(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 2: better news by a day or more, or valid again, is a renewal; smaller moves count as heard."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("by the lead time and a day", heard(3, 2 * DAY), account(6 * DAY, login=NEW), stage(7, 6 * DAY, NEW)),
    ("by less", heard(3, 2 * DAY), account(6 * DAY - SECOND, login=NEW), renewed(7, 6 * DAY - SECOND)),
    ("the same lead time again", heard(3, -DAY), account(3 * DAY, login=NEW), stage(3, 3 * DAY, NEW)),
    ("a more urgent one", heard(14, -10 * DAY), account(2 * DAY, login=NEW), stage(3, 2 * DAY, NEW)),
    ("expired before", heard(EXPIRED, -2 * DAY), account(12 * HOUR, login=NEW), stage(1, 12 * HOUR, NEW)),
    ("expired before, by hours", heard(EXPIRED, -2 * HOUR), account(DAY, login=NEW), stage(1, DAY, NEW)),
    ("followed up before", heard(-3, -4 * DAY), account(5 * DAY, login=NEW), stage(7, 5 * DAY, NEW)),
    ("expired as well", heard(EXPIRED, -5 * DAY), account(-2 * HOUR, login=NEW), stage(EXPIRED, -2 * HOUR, NEW)),
    ("followed up, expired as well", heard(-28, -90 * DAY), account(-8 * DAY, login=NEW), stage(-7, -8 * DAY, NEW)),
    ("renewed and expired", heard(7, -20 * DAY), account(-HOUR, login=NEW), stage(EXPIRED, -HOUR, NEW)),
)
def test_another_login_has_come_as_far(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rules 2 and 3: whatever happened meanwhile, another login that is not ok is reported with its stage."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("a more urgent stage", heard(7, 6 * DAY), account(3 * DAY), stage(3, 3 * DAY)),
    ("expired at once", heard(7, 6 * DAY), account(-HOUR), stage(EXPIRED, -HOUR)),
    ("the same stage", heard(7, 6 * DAY), account(4 * DAY), moved(7, 4 * DAY)),
    ("by minutes", heard(7, 6 * DAY), account(6 * DAY - 9 * SECOND), moved(7, 6 * DAY - 9 * SECOND)),
    ("nothing was heard, nothing is due", Heard(), account(15 * DAY), NOTHING),
)
def test_an_expiry_comes_earlier(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 2: an earlier expiry is as if time had passed."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


DOUBT = Doubt(NOW + 40 * DAY, NOW - HOUR + SECOND)
OLD_DOUBT = Doubt(NOW + 40 * DAY, NOW - HOUR)


@rows(
    ("a stage waits", heard(7, 2 * DAY), account(2 * DAY, doubt=DOUBT), NOTHING),
    ("a first stage waits", Heard(), account(2 * DAY, doubt=DOUBT), NOTHING),
    ("expired waits", heard(1, -HOUR), account(-HOUR, doubt=DOUBT), NOTHING),
    ("after an hour without agreement", heard(7, 2 * DAY), account(2 * DAY, doubt=OLD_DOUBT), stage(3, 2 * DAY)),
    ("an error does not wait", Heard(), account(2 * DAY, lasting(Kind.ERROR), doubt=DOUBT), incident(Kind.ERROR)),
    (
        "an error over a known expiry waits",
        heard(EXPIRED, -DAY),
        account(-DAY, lasting(Kind.ERROR), doubt=DOUBT),
        NOTHING,
    ),
    (
        "and its follow-up",
        heard(EXPIRED, -DAY, error=0),
        account(-DAY, lasting(Kind.ERROR, DAY), doubt=DOUBT),
        NOTHING,
    ),
    (
        "but not for more than an hour",
        heard(EXPIRED, -DAY),
        account(-DAY, lasting(Kind.ERROR), doubt=OLD_DOUBT),
        incident(Kind.ERROR, -1, again=True, expired=-DAY),
    ),
    (
        "an error says nothing of a doubted expiry",
        heard(1, -HOUR),
        account(-HOUR, lasting(Kind.ERROR), doubt=DOUBT),
        incident(Kind.ERROR),
    ),
    (
        "an outage is no second reading",
        heard(7, 2 * DAY),
        account(2 * DAY, doubt=Doubt(NOW + 40 * DAY, NOW - 9 * HOUR), read=9 * HOUR),
        NOTHING,
    ),
    (
        "an hour of readings before an outage is enough",
        heard(7, 2 * DAY),
        account(2 * DAY, doubt=Doubt(NOW + 40 * DAY, NOW - 9 * HOUR), read=8 * HOUR),
        stage(3, 2 * DAY),
    ),
    ("nor a missing account", Heard(), account(2 * DAY, lasting(Kind.MISSING), doubt=DOUBT), incident(Kind.MISSING)),
)
def test_a_moved_expiry_is_in_doubt(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 2: while a moved expiry awaits its second reading, nothing is sent on the strength of the old one."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("a day", heard(EXPIRED, -DAY), account(-DAY), stage(-1, -DAY, again=True)),
    ("less than a day", heard(EXPIRED, -DAY + SECOND), account(-DAY + SECOND), NOTHING),
    ("three days", heard(-1, -3 * DAY), account(-3 * DAY), stage(-3, -3 * DAY, again=True)),
    ("between", heard(-1, -2 * DAY), account(-2 * DAY), NOTHING),
    ("a week", heard(-3, -7 * DAY), account(-7 * DAY), stage(-7, -7 * DAY, again=True)),
    ("weekly", heard(-7, -14 * DAY), account(-14 * DAY), stage(-14, -14 * DAY, again=True)),
    ("for four weeks", heard(-21, -28 * DAY), account(-28 * DAY), stage(-28, -28 * DAY, again=True)),
    ("and no longer", heard(-28, -35 * DAY), account(-35 * DAY), NOTHING),
    ("skipped ones are not sent", heard(EXPIRED, -20 * DAY), account(-20 * DAY), stage(-14, -20 * DAY, again=True)),
    ("the first message is none", heard(1, -DAY), account(-DAY), stage(-1, -DAY)),
)
def test_an_expiry_is_followed_up(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 5: +1, +3, +7 days after the expiry, then weekly to +28; the first message about it is no follow-up."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("expired", heard(1, -HOUR), account(-HOUR), stage(EXPIRED, -HOUR)),
    ("expired long ago", Heard(), account(-9 * DAY), stage(EXPIRED, -9 * DAY)),
    ("and never again", heard(EXPIRED, -9 * DAY), account(-9 * DAY), NOTHING),
    ("after follow-ups were turned off", heard(-3, -9 * DAY), account(-9 * DAY), NOTHING),
    ("an error", Heard(), account(20 * DAY, lasting(Kind.ERROR, 9 * DAY)), incident(Kind.ERROR)),
    ("an error once", heard_of(error=0), account(20 * DAY, lasting(Kind.ERROR, 9 * DAY)), NOTHING),
)
def test_without_follow_ups(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 5: a subscription without follow-ups hears of a failure once."""
    assert decide(before, snapshot, CALM, NOW) == decision


ERROR, MISSING, UNDATED = lasting(Kind.ERROR), lasting(Kind.MISSING), lasting(Kind.UNDATED)


@rows(
    ("announced at once", Heard(), account(20 * DAY, ERROR), incident(Kind.ERROR)),
    ("without a login", Heard(), account(None, ERROR), incident(Kind.ERROR)),
    ("announced to a channel that heard a stage", heard(7, 6 * DAY), account(6 * DAY, ERROR), incident(Kind.ERROR)),
    ("began before the reminder", Heard(), account(None, lasting(Kind.ERROR, 2 * DAY)), incident(Kind.ERROR, -1)),
    ("once", heard_of(error=0), account(20 * DAY, ERROR), NOTHING),
    ("another one", heard_of(error=0), account(None, lasting(Kind.ERROR, number=2)), incident(Kind.ERROR, ref=2)),
    (
        "another after follow-ups",
        heard_of(error=-7),
        account(None, lasting(Kind.ERROR, number=2)),
        incident(Kind.ERROR, ref=2),
    ),
    ("follow-up", heard_of(error=0), account(None, lasting(Kind.ERROR, DAY)), incident(Kind.ERROR, -1, again=True)),
    ("the last follow-up", heard_of(error=-28), account(None, lasting(Kind.ERROR, 60 * DAY)), NOTHING),
    ("no lead time meanwhile", heard(14, 2 * DAY, error=0), account(2 * DAY, ERROR), NOTHING),
    ("a lead time afterwards", heard(14, 2 * DAY, error=0), account(2 * DAY), stage(3, 2 * DAY)),
    ("no renewal meanwhile", heard(7, HOUR, error=0), account(30 * DAY, ERROR, login=NEW), NOTHING),
    ("a renewal afterwards", heard(7, HOUR, error=0), account(30 * DAY, login=NEW), renewed(None, 30 * DAY)),
    ("ended, nothing else", heard_of(error=0), account(30 * DAY), NOTHING),
)
def test_an_account_has_an_error(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: an error is announced once and followed up; lead times wait until it ends."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


FAILING = lasting(Kind.FAILING)


@rows(
    ("announced at once", Heard(), account(20 * DAY, FAILING), incident(Kind.FAILING)),
    ("once", heard_of(failing=0), account(20 * DAY, FAILING), NOTHING),
    ("another one", heard_of(failing=0), account(None, lasting(Kind.FAILING, number=2)), incident(Kind.FAILING, ref=2)),
    (
        "follow-up",
        heard_of(failing=0),
        account(None, lasting(Kind.FAILING, DAY)),
        incident(Kind.FAILING, -1, again=True),
    ),
    ("no lead time meanwhile", heard(14, 2 * DAY, failing=0), account(2 * DAY, FAILING), NOTHING),
    ("a lead time afterwards", heard(14, 2 * DAY, failing=0), account(2 * DAY), stage(3, 2 * DAY)),
    ("with an error, which is the reason", Heard(), account(20 * DAY, FAILING, ERROR), incident(Kind.ERROR)),
    ("an error after it is no news", heard_of(failing=0), account(20 * DAY, FAILING, ERROR), NOTHING),
    ("an error before it was news", heard_of(error=0), account(20 * DAY, FAILING, ERROR), NOTHING),
    ("the error is over", heard_of(error=0), account(20 * DAY, FAILING), incident(Kind.FAILING)),
    ("the failing jobs are over", heard_of(failing=0), account(20 * DAY, ERROR), incident(Kind.ERROR)),
    (
        "followed up since the first of both",
        heard_of(failing=0),
        account(20 * DAY, lasting(Kind.FAILING, 3 * DAY), ERROR),
        incident(Kind.ERROR, -3, again=True),
    ),
    ("expired meanwhile", heard_of(failing=0), account(-HOUR, FAILING), NOTHING),
    ("expired, never heard of", Heard(), account(-HOUR, FAILING), incident(Kind.FAILING, expired=-HOUR)),
    ("expired was heard before", heard(EXPIRED, -HOUR), account(-HOUR, FAILING), NOTHING),
    (
        "expired, followed up",
        heard(EXPIRED, -3 * DAY),
        account(-3 * DAY, FAILING),
        incident(Kind.FAILING, -3, again=True, expired=-3 * DAY),
    ),
    ("missing", Heard(), account(20 * DAY, FAILING, MISSING), incident(Kind.MISSING)),
)
def test_the_jobs_of_an_account_fail(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: failing jobs, an error and the expiry of one login are one failure with one reason."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


THRIFTY = replace(SUBSCRIPTION, credits_below=100)


def low(left: timedelta, *incidents: OpenIncident, threshold: int = 100, number: int = 1) -> AccountSnapshot:
    """Return an account whose login has so much time left, and whose credits are below a threshold."""
    return replace(account(left, *incidents), low_credits=(LowCredits(threshold, 80, number, NOW - 9 * DAY, NOW),))


@rows(
    ("announced at once", Heard(), low(20 * DAY), incident(Kind.LOW_CREDITS)),
    ("once, without follow-ups", heard_of(low_credits=0), low(20 * DAY), NOTHING),
    ("the next crossing", heard_of(low_credits=0), low(20 * DAY, number=2), incident(Kind.LOW_CREDITS, ref=2)),
    ("below another threshold", Heard(), low(20 * DAY, threshold=200), NOTHING),
    ("enough again", heard_of(low_credits=0), account(20 * DAY), NOTHING),
    ("a stage comes first", Heard(), low(2 * DAY), stage(3, 2 * DAY)),
    ("after the stage", heard(3, 2 * DAY), low(2 * DAY), incident(Kind.LOW_CREDITS)),
    ("not while the account has failed", heard_of(failing=0), low(20 * DAY, FAILING), NOTHING),
    ("one too many", heard_of(3), low(20 * DAY), NOTHING),
)
def test_credits_are_low(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """A crossing of the subscription's own threshold is announced once, when nothing more urgent is due."""
    assert decide(before, snapshot, THRIFTY, NOW) == decision
    assert decide(Heard(), low(20 * DAY), SUBSCRIPTION, NOW) == NOTHING


@rows(
    ("both at once", Heard(), account(-HOUR, ERROR), incident(Kind.ERROR, expired=-HOUR)),
    ("a lead time was heard", heard(1, -HOUR), account(-HOUR, ERROR), incident(Kind.ERROR, expired=-HOUR)),
    ("expired was heard before", heard(EXPIRED, -HOUR), account(-HOUR, ERROR), NOTHING),
    ("the error was heard before", heard(1, -HOUR, error=0), account(-HOUR, ERROR), NOTHING),
    ("nothing but the error was heard", heard_of(error=0), account(-HOUR, ERROR), NOTHING),
    ("both were heard", heard(EXPIRED, -HOUR, error=0), account(-HOUR, ERROR), NOTHING),
    (
        "followed up since the expiry",
        heard(EXPIRED, -3 * DAY, error=0),
        account(-3 * DAY, lasting(Kind.ERROR, HOUR)),
        incident(Kind.ERROR, -3, again=True, expired=-3 * DAY),
    ),
    (
        "followed up since the error",
        heard(EXPIRED, -HOUR, error=0),
        account(-HOUR, lasting(Kind.ERROR, 3 * DAY)),
        incident(Kind.ERROR, -3, again=True, expired=-HOUR),
    ),
    (
        "a day after an expiry that was heard of",
        heard(EXPIRED, -DAY),
        account(-DAY, ERROR),
        incident(Kind.ERROR, -1, again=True, expired=-DAY),
    ),
    ("a follow-up of the expiry was heard", heard(-3, -4 * DAY), account(-4 * DAY, ERROR), NOTHING),
    (
        "its next follow-up",
        heard(-3, -7 * DAY),
        account(-7 * DAY, lasting(Kind.ERROR, HOUR)),
        incident(Kind.ERROR, -7, again=True, expired=-7 * DAY),
    ),
    ("a follow-up of both was heard", heard(EXPIRED, -3 * DAY, error=-3), account(-3 * DAY, ERROR), NOTHING),
    ("renewed, the error stays", heard(EXPIRED, -2 * DAY), account(20 * DAY, ERROR, login=NEW), incident(Kind.ERROR)),
    (
        "renewed and expired, the error stays",
        heard(EXPIRED, -9 * DAY),
        account(-HOUR, ERROR, login=NEW),
        incident(Kind.ERROR, expired=-HOUR),
    ),
)
def test_an_error_and_an_expiry_are_one_failure(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: one account has one message; an error and the expiry of its login last since the earlier of both."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("heard of the error alone", heard_of(error=0), account(-HOUR), stage(EXPIRED, -HOUR)),
    ("heard of a lead time before", heard(1, -HOUR, error=0), account(-HOUR), stage(EXPIRED, -HOUR)),
    ("heard of it with the error", heard(EXPIRED, -HOUR, error=0), account(-HOUR), NOTHING),
    ("heard of it with a follow-up", heard(-3, -3 * DAY, error=-3), account(-3 * DAY), NOTHING),
    ("its next follow-up", heard(-3, -7 * DAY, error=-3), account(-7 * DAY), stage(-7, -7 * DAY, again=True)),
    ("a long error, a fresh expiry", heard_of(error=-7), account(-HOUR), stage(EXPIRED, -HOUR)),
    ("a fresh expiry that was heard of", heard(EXPIRED, -HOUR, error=-7), account(-HOUR), NOTHING),
    ("and its first follow-up", heard(EXPIRED, -DAY, error=-7), account(-DAY), stage(-1, -DAY, again=True)),
    ("expired days ago", heard_of(error=0), account(-3 * DAY), stage(-3, -3 * DAY)),
    ("a short login expired", heard_of(error=0), account(0 * DAY, life=2 * HOUR), stage(EXPIRED, 0 * DAY)),
    (
        "renewed by hours",
        heard(EXPIRED, -3 * HOUR, error=0),
        account(2 * HOUR, life=2 * HOUR, login=NEW),
        renewed(None, 2 * HOUR),
    ),
    ("renewed after both", heard(EXPIRED, -2 * DAY, error=0), account(20 * DAY, login=NEW), renewed(None, 20 * DAY)),
)
def test_an_error_ends_over_a_login(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: an expiry that no message has mentioned comes when the error ends; one that was mentioned is no news."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("heard of the error alone", heard_of(error=0), account(-9 * DAY), stage(EXPIRED, -9 * DAY)),
    ("heard of a lead time before", heard(1, -DAY, error=0), account(-DAY), stage(EXPIRED, -DAY)),
    ("heard of it with the error", heard(EXPIRED, -9 * DAY, error=0), account(-9 * DAY), NOTHING),
)
def test_an_error_ends_without_follow_ups(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: the end of an error says that the login has expired also where nobody wants follow-ups."""
    assert decide(before, snapshot, CALM, NOW) == decision


def test_a_message_about_an_error_says_what_was_heard_of_the_expiry() -> None:
    """With an expiry it says "expired", as of its own begin and not of the error's; without one it says nothing."""
    said = Notification(1, 2, "a", Kind.ERROR, 1, -7, NOW - HOUR)
    assert stage_heard_with(said, OLD, NOW) == HeardStage(OLD, EXPIRED, NOW - HOUR)
    assert stage_heard_with(replace(said, expires_at=NOW - 4 * DAY), OLD, NOW) == HeardStage(OLD, -3, NOW - 4 * DAY)
    assert stage_heard_with(replace(said, expires_at=None), OLD, NOW) is None


@pytest.mark.parametrize("reached", [None, 7])
def test_a_stage_or_a_renewal_is_what_was_heard(reached: int | None) -> None:
    """They name their login themselves; a missing account says nothing about an expiry."""
    for kind in (Kind.STAGE, Kind.RENEWED):
        said = Notification(1, 2, "a", kind, NEW, reached, NOW + DAY)
        assert stage_heard_with(said, OLD, NOW) == HeardStage(NEW, reached, NOW + DAY)
    assert stage_heard_with(Notification(1, 2, "a", Kind.MISSING, 1), OLD, NOW) is None


@rows(
    ("for less than four weeks", Heard(), account(DAY, lasting(Kind.MISSING, 27 * DAY)), incident(Kind.MISSING)),
    ("for four weeks", Heard(), account(DAY, lasting(Kind.MISSING, 28 * DAY)), NOTHING),
    ("for a year", Heard(), account(-300 * DAY, lasting(Kind.MISSING, 365 * DAY)), NOTHING),
    ("for a year, heard of", heard(EXPIRED, -DAY, missing=0), account(-DAY, lasting(Kind.MISSING, 365 * DAY)), NOTHING),
)
def test_a_new_reminder_hears_of_missing_accounts(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: an account that was removed more than four weeks ago is no news, and nothing else is sent about it."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("announced", Heard(), account(20 * DAY, MISSING), incident(Kind.MISSING)),
    ("announced late", Heard(), account(20 * DAY, lasting(Kind.MISSING, 9 * DAY)), incident(Kind.MISSING)),
    ("once", heard_of(missing=0), account(20 * DAY, lasting(Kind.MISSING, 9 * DAY)), NOTHING),
    ("again", heard_of(missing=0), account(None, lasting(Kind.MISSING, number=2)), incident(Kind.MISSING, ref=2)),
    ("no lead time meanwhile", heard(7, DAY, missing=0), account(DAY, MISSING), NOTHING),
    ("no expiry meanwhile", heard(1, -HOUR, missing=0), account(-HOUR, MISSING), NOTHING),
    ("no follow-up meanwhile", heard(EXPIRED, -DAY, missing=0), account(-DAY, MISSING), NOTHING),
    ("no error beside it", heard_of(missing=0), account(None, MISSING, ERROR), NOTHING),
    ("stages afterwards", heard(7, DAY, missing=0), account(DAY), stage(1, DAY)),
    ("a renewal afterwards", heard(7, DAY, missing=0), account(30 * DAY, login=NEW), renewed(None, 30 * DAY)),
)
def test_an_account_is_missing(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: a missing account is announced once, never followed up, and nothing else is sent about it."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


@rows(
    ("announced", Heard(), account(20 * DAY, UNDATED), incident(Kind.UNDATED)),
    ("once", heard_of(undated=0), account(20 * DAY, lasting(Kind.UNDATED, 9 * DAY)), NOTHING),
    ("again", heard_of(undated=0), account(20 * DAY, lasting(Kind.UNDATED, number=2)), incident(Kind.UNDATED, ref=2)),
    ("a stage of the last known date", heard_of(undated=0), account(DAY, UNDATED), stage(1, DAY)),
    ("expired by the last known date", heard(1, -HOUR, undated=0), account(-HOUR, UNDATED), stage(EXPIRED, -HOUR)),
    ("a follow-up", heard(EXPIRED, -DAY, undated=0), account(-DAY, UNDATED), stage(-1, -DAY, again=True)),
    ("a stage goes first", Heard(), account(DAY, UNDATED), stage(1, DAY)),
    ("beside an error", Heard(), account(20 * DAY, UNDATED, ERROR), incident(Kind.ERROR)),
)
def test_an_expiry_is_no_longer_given(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 4: the loss of the expiry is announced once, and stages go on from the last known date."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


def unreadable(since: timedelta, number: int = 1) -> OpenIncident:
    """Return the incident of accounts that could not be read for so long."""
    return lasting(Kind.UNREADABLE, since, number)


@pytest.mark.parametrize(
    ("before", "open_incident", "follow_ups", "decision"),
    [
        pytest.param(Heard(), unreadable(6 * HOUR), True, incident(Kind.UNREADABLE), id="announced"),
        pytest.param(heard_of(unreadable=0), unreadable(7 * HOUR), True, NOTHING, id="once"),
        pytest.param(
            heard_of(unreadable=0), unreadable(DAY), True, incident(Kind.UNREADABLE, -1, again=True), id="follow-up"
        ),
        pytest.param(heard_of(unreadable=0), unreadable(DAY), False, NOTHING, id="without follow-ups"),
        pytest.param(Heard(), unreadable(9 * DAY), False, incident(Kind.UNREADABLE), id="announced without follow-ups"),
        pytest.param(heard_of(unreadable=-28), unreadable(60 * DAY), True, NOTHING, id="after the last follow-up"),
        pytest.param(
            heard_of(unreadable=-1), unreadable(HOUR, 2), True, incident(Kind.UNREADABLE, ref=2), id="another one"
        ),
        pytest.param(heard_of(3), unreadable(HOUR), True, NOTHING, id="three messages today"),
    ],
)
def test_the_accounts_are_unreadable(
    before: Heard, open_incident: OpenIncident, decision: Decision, *, follow_ups: bool
) -> None:
    """Rule 4: one message for each channel, and follow-ups if its subscriptions want them."""
    assert decide_shared(before, open_incident, NOW, follow_ups=follow_ups) == decision


@rows(
    ("two messages today", heard(14, 6 * DAY, messages=2), account(6 * DAY), stage(7, 6 * DAY)),
    ("three messages today", heard(14, 6 * DAY, messages=3), account(6 * DAY), NOTHING),
    ("a renewal", heard(14, 6 * DAY, messages=3), account(30 * DAY, login=NEW), NOTHING),
    ("expired", heard(1, -HOUR, messages=3), account(-HOUR), NOTHING),
    ("an error", heard_of(3), account(None, ERROR), NOTHING),
    ("a missing account", heard_of(3), account(None, MISSING), NOTHING),
    ("a small move still counts as heard", heard(7, 6 * DAY, messages=3), account(5 * DAY), moved(7, 5 * DAY)),
)
def test_there_are_at_most_three_messages_a_day(before: Heard, snapshot: AccountSnapshot, decision: Decision) -> None:
    """Rule 6: a fourth message about an account within 24 hours waits, whatever it is about."""
    assert decide(before, snapshot, SUBSCRIPTION, NOW) == decision


# Full hours, so that moments that matter meet: a lead time, a day, an hour.
HOURS = st.integers(-24 * 40, 24 * 40).map(lambda hours: hours * HOUR)
LEAD_TIMES = st.frozensets(st.sampled_from([30, 14, 10, 7, 5, 3, 2, 1]), min_size=1, max_size=4)
SUBSCRIPTIONS = st.builds(
    lambda lead_times, follow_ups: replace(
        SUBSCRIPTION, lead_times=tuple(sorted(lead_times, reverse=True)), follow_ups=follow_ups
    ),
    LEAD_TIMES,
    st.booleans(),
)
STAGES = st.sampled_from([30, 14, 10, 7, 5, 3, 2, 1, EXPIRED, *FOLLOW_UPS])
INCIDENTS = (Kind.ERROR, Kind.MISSING, Kind.UNDATED)
HEARD = st.builds(
    Heard,
    st.none()
    | st.builds(HeardStage, st.sampled_from([OLD, NEW]), st.none() | STAGES, HOURS.map(lambda left: NOW + left)),
    st.dictionaries(
        st.sampled_from(INCIDENTS), st.builds(HeardIncident, st.integers(1, 2), st.sampled_from([0, *FOLLOW_UPS]))
    ).map(MappingProxyType),
    st.integers(0, 4),
)
OPEN = st.lists(
    st.builds(OpenIncident, st.sampled_from(INCIDENTS), st.integers(1, 2), HOURS.map(lambda since: NOW - abs(since))),
    max_size=2,
    unique_by=lambda one: one.kind,
)
SNAPSHOTS = st.builds(
    lambda left, incidents, life, doubt: account(left, *incidents, login=NEW, life=life, doubt=doubt),
    st.none() | HOURS,
    OPEN,
    st.none() | st.integers(1, 60).map(lambda days: days * DAY),
    st.none() | st.builds(Doubt, st.just(NOW), st.integers(0, 120).map(lambda minutes: NOW - minutes * HOUR / 60)),
)


def after(before: Heard, decision: Decision, now: datetime) -> Heard:
    """Return what a channel has heard once a decision is carried out, as the database keeps it."""
    if decision.heard is not None:
        before = replace(before, stage=decision.heard)
    due = decision.due
    if due is None:
        return before
    before = replace(before, messages=before.messages + 1)
    said = Notification(1, 2, "a", due.kind, due.ref, due.stage, due.expires_at)
    before = replace(before, stage=stage_heard_with(said, NEW, now) or before.stage)
    if due.kind in (Kind.STAGE, Kind.RENEWED):
        return before
    assert due.stage is not None
    return replace(before, incidents={**before.incidents, due.kind: HeardIncident(due.ref, due.stage)})


def messages(decisions: Iterable[Decision]) -> list[Due]:
    """Return the notifications among decisions."""
    return [one.due for one in decisions if one.due is not None]


def settle(before: Heard, snapshot: AccountSnapshot, subscription: NewSubscription, now: datetime) -> list[Decision]:
    """Return the decisions until there is nothing left to do, each made after the last one was carried out."""
    decisions: list[Decision] = []
    while (decision := decide(before, snapshot, subscription, now)) != NOTHING:
        decisions.append(decision)
        assert len(decisions) < 9, decisions
        before = after(before, decision, now)
    return decisions


@given(HEARD, SNAPSHOTS, SUBSCRIPTIONS)
def test_a_decision_is_made_once(before: Heard, snapshot: AccountSnapshot, subscription: NewSubscription) -> None:
    """The same question has the same answer; once it was heard it is never given again, and soon nothing is left."""
    decision = decide(before, snapshot, subscription, NOW)
    assert decide(before, snapshot, subscription, NOW) == decision
    sent = messages(settle(before, snapshot, subscription, NOW))
    assert len({one.kind for one in sent}) == len(sent), sent
    # The loss of an expiry is news beside the stage that its last date has reached.
    assert len(sent) <= 1 + snapshot.has_incident(Kind.UNDATED)


@given(HEARD, SNAPSHOTS, SUBSCRIPTIONS)
def test_a_stage_is_the_one_of_now(before: Heard, snapshot: AccountSnapshot, subscription: NewSubscription) -> None:
    """A stage or a renewal names the login that is believed, and the stage that it has reached by now."""
    due = decide(before, snapshot, subscription, NOW).due
    if due is None or due.kind not in (Kind.STAGE, Kind.RENEWED):
        return
    assert snapshot.login is not None
    login = snapshot.login
    lead_times = usable_lead_times(subscription.lead_times, login.life)
    expected = stage_of(lead_times, login.expires_at - NOW, follow_ups=subscription.follow_ups)
    assert (due.ref, due.expires_at, due.stage) == (login.id, login.expires_at, expected)


@given(HEARD, SNAPSHOTS, SUBSCRIPTIONS)
def test_news_gets_only_worse_unless_renewed(
    before: Heard, snapshot: AccountSnapshot, subscription: NewSubscription
) -> None:
    """A stage is more urgent than the one heard, unless its login expires later by that lead time and a day."""
    due, known = decide(before, snapshot, subscription, NOW).due, before.stage
    if due is None or due.expires_at is None or known is None:
        assert due is None or due.kind is not Kind.RENEWED
        return
    moved_by = due.expires_at - known.expires_at
    if due.kind is Kind.RENEWED:
        assert is_more_urgent(known.stage, due.stage)
        assert moved_by >= DAY or known.expires_at <= NOW < due.expires_at
    elif not is_more_urgent(due.stage, known.stage):
        assert known.stage is not None
        assert moved_by >= DAY + timedelta(days=max(known.stage, EXPIRED))


@given(HEARD, SNAPSHOTS, SUBSCRIPTIONS)
def test_failures_come_first(before: Heard, snapshot: AccountSnapshot, subscription: NewSubscription) -> None:
    """A missing account hides everything else about it, an error every stage; a doubt hides stages as well."""
    due = decide(before, snapshot, subscription, NOW).due
    if due is None:
        return
    if snapshot.has_incident(Kind.MISSING):
        assert due.kind is Kind.MISSING
    elif snapshot.has_incident(Kind.ERROR):
        assert due.kind is Kind.ERROR
    elif snapshot.doubt is not None and NOW - snapshot.doubt.since < HOUR:
        assert due.kind is Kind.UNDATED


@given(HEARD, SNAPSHOTS, SUBSCRIPTIONS)
def test_nothing_is_sent_after_three_messages(
    before: Heard, snapshot: AccountSnapshot, subscription: NewSubscription
) -> None:
    """However much happens, three messages within 24 hours are all."""
    decision = decide(before, snapshot, subscription, NOW)
    assert before.messages < 3 or decision.due is None
    if before.messages < 3:
        assert decide(replace(before, messages=0), snapshot, subscription, NOW) == decision


@given(HEARD, SNAPSHOTS, SUBSCRIPTIONS.map(lambda one: replace(one, follow_ups=False)))
def test_no_follow_up_is_sent_against_a_wish(
    before: Heard, snapshot: AccountSnapshot, subscription: NewSubscription
) -> None:
    """Without follow-ups the most urgent stage is "expired"."""
    due = decide(before, snapshot, subscription, NOW).due
    assert due is None or not due.is_follow_up
    assert due is None or due.stage is None or due.stage >= EXPIRED


# Hours until the next poll, and how the expiry is moved by then.
STEPS = st.lists(st.tuples(st.integers(1, 24 * 9), st.just(0) | st.integers(-72, 24 * 35)), min_size=1, max_size=12)


@given(STEPS, SUBSCRIPTIONS, HOURS)
def test_whatever_happened_while_the_bot_was_off_is_one_step(
    steps: list[tuple[int, int]], subscription: NewSubscription, left: timedelta
) -> None:
    """After an outage a channel hears at most one message, and exactly if one is due by what it last heard."""
    first = account(left, life=None)
    before = Heard()
    for decision in settle(before, first, subscription, NOW):
        before = after(before, decision, NOW)
    assert first.login is not None
    now, expires_at = NOW, first.login.expires_at
    for hours, shift in steps:
        now, expires_at = now + hours * HOUR, expires_at + shift * HOUR
    last = replace(first, login=replace(first.login, id=NEW, expires_at=expires_at))
    sent = messages(settle(before, last, subscription, now))
    assert len(sent) <= 1
    stage_of_now = stage_of(subscription.lead_times, expires_at - now, follow_ups=subscription.follow_ups)
    if before.stage is None:
        assert [one.kind for one in sent] == [Kind.STAGE] * (stage_of_now is not None)
    elif is_more_urgent(stage_of_now, before.stage.stage):
        assert [(one.kind, one.stage) for one in sent] == [(Kind.STAGE, stage_of_now)]


@given(STEPS, SUBSCRIPTIONS)
def test_polls_more_often_send_no_other_last_word(steps: list[tuple[int, int]], subscription: NewSubscription) -> None:
    """While time passes, channels that were polled often and once have heard the same in the end."""
    snapshot = account(20 * DAY, life=None)
    often, once, now = Heard(), Heard(), NOW
    for hours, _ in steps:
        now += hours * HOUR
        for decision in settle(replace(often, messages=0), snapshot, subscription, now):
            often = after(often, decision, now)
    for decision in settle(once, snapshot, subscription, now):
        once = after(once, decision, now)
    assert often.stage == once.stage


@pytest.mark.parametrize(
    ("known", "snapshot", "is_over"),
    [
        (heard(3, 2 * DAY), account(2 * DAY), True),
        (heard(None, 20 * DAY), account(20 * DAY), False),
        (NOTHING_HEARD, account(20 * DAY), False),
        (NOTHING_HEARD, account(-HOUR), True),
        (NOTHING_HEARD, account(20 * DAY, failing(Reason.REFUSED)), True),
        (heard(3, 2 * DAY), account(2 * DAY, failing(Reason.ON_HOLD)), False),
        (heard(3, 2 * DAY), account(2 * DAY, failing(Reason.OUT_OF_CREDITS)), False),
        (NOTHING_HEARD, account(-HOUR, failing(Reason.ON_HOLD)), True),
        (NOTHING_HEARD, account(20 * DAY, lasting(Kind.UNDATED)), True),
        (heard(0, -HOUR), account(-HOUR, lasting(Kind.MISSING)), False),
        (NOTHING_HEARD, account(20 * DAY, failing(Reason.ON_HOLD), doubt=Doubt(NOW + 30 * DAY, NOW)), True),
        (NOTHING_HEARD, replace(account(20 * DAY), account=Account("a", error="refused")), True),
    ],
)
def test_what_a_renewal_ends(known: Heard, snapshot: AccountSnapshot, *, is_over: bool) -> None:
    """A renewal ends reminders of the expiry, errors and refused logins; a hold and missing credits outlast it."""
    assert asks_for_renewal(known, snapshot, NOW) is is_over
