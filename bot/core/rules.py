"""The reminder rules: what a channel hears next about an account. Each rule is in `docs/architecture.md`, "Rules"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.accounts import AccountSnapshot
from bot.core.incidents import OpenIncident, Reason
from bot.core.logins import DOUBTED_FOR, RENEWED_AFTER, Login, is_renewal
from bot.core.notifications import FAILURES, Kind, Notification
from bot.core.stages import EXPIRED, failing_stage, is_more_urgent, stage_of, usable_lead_times
from bot.core.subscriptions import NewSubscription

MAX_MESSAGES, MAX_MESSAGES_WITHIN = 3, timedelta(hours=24)
FOLLOW_UPS_APART = timedelta(hours=24)
# A new reminder does not announce accounts that were removed long ago.
_MISSING_IS_NEWS_FOR = timedelta(days=28)
# Older credits were read for a reminder that had ended; they are read again soon.
_CREDITS_ARE_KNOWN_FOR = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class HeardStage:
    """The stage that a channel last heard of a login, and the expiry that this was about; None after a renewal.

    A message about an error or failing jobs counts as well, if it said that the login had expired.
    """

    login_id: int
    stage: int | None
    expires_at: datetime

    @property
    def is_expired(self) -> bool:
        """Whether the channel knows that this login has expired."""
        return self.stage is not None and self.stage <= EXPIRED


@dataclass(frozen=True, slots=True)
class HeardIncident:
    """The incident that a channel last heard of: its number, and its stage."""

    number: int
    stage: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What a channel has last heard about an account.

    `messages` is how many messages of the last 24 hours were about the account, `last_at` when the last one arrived.
    """

    stage: HeardStage | None = None
    incidents: Mapping[Kind, HeardIncident] = field(default_factory=dict)
    messages: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A notification that is due; the fields are those of a notification."""

    kind: Kind
    ref: int
    stage: int | None
    expires_at: datetime | None = None
    is_follow_up: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do for one channel and account: send a notification, or only save what counts as heard."""

    due: Due | None = None
    heard: HeardStage | None = None


NOTHING_HEARD = Heard()
_NOTHING = Decision()


def decide(heard: Heard, snapshot: AccountSnapshot, subscription: NewSubscription, now: datetime) -> Decision:
    """Return what a channel hears next: compares what it last heard about an account with how the account stands."""
    return _limit(_decide(heard, snapshot, subscription, now), heard)


def decide_shared(heard: Heard, incident: OpenIncident, now: datetime, *, follow_ups: bool) -> Decision:
    """Return what a channel with an active subscription hears about an incident of the accounts as a whole."""
    return _limit(_incident_decision(heard, incident, now, follow_ups=follow_ups), heard)


def asks_for_renewal(heard: Heard, snapshot: AccountSnapshot, now: datetime) -> bool:
    """Whether what a channel has heard about an account is over once its login is renewed.

    A hold and missing credits outlast a renewal, and so do low credits.
    """
    if snapshot.has_incident(Kind.MISSING):
        return False
    if snapshot.doubt is not None or snapshot.account.error is not None or snapshot.believed.has_expired(now):
        return True
    if snapshot.has_incident(Kind.FAILING):
        return snapshot.failing_reason is Reason.REFUSED
    is_reminded = heard.stage is not None and heard.stage.stage is not None
    return is_reminded or snapshot.has_incident(Kind.UNDATED)


def stage_heard_with(notification: Notification, login_id: int, now: datetime) -> HeardStage | None:
    """Return what a channel hears of an account's expiry by a notification that is sent now; None if nothing."""
    expires_at = notification.expires_at
    if expires_at is None:
        return None
    if notification.kind in FAILURES:
        return HeardStage(login_id, failing_stage(now - expires_at, follow_ups=True), expires_at)
    return HeardStage(notification.ref, notification.stage, expires_at)


def _limit(decision: Decision, heard: Heard) -> Decision:
    """Hold back a notification that would be one too many for a day; the polls after that day decide anew."""
    return _NOTHING if decision.due is not None and heard.messages >= MAX_MESSAGES else decision


def _decide(heard: Heard, snapshot: AccountSnapshot, subscription: NewSubscription, now: datetime) -> Decision:
    incidents = {one.kind: one for one in snapshot.incidents}
    if (missing := incidents.get(Kind.MISSING)) is not None:
        is_news = now - missing.since < _MISSING_IS_NEWS_FOR
        return _incident_decision(heard, missing, now, follow_ups=False) if is_news else _NOTHING
    # As long as it was read: an outage says nothing about the other expiry.
    is_doubted = snapshot.doubt is not None and snapshot.read_at - snapshot.doubt.since < DOUBTED_FOR
    if failures := [incidents[kind] for kind in FAILURES if kind in incidents]:
        if is_doubted and heard.stage is not None and heard.stage.is_expired:
            # The expiry that the channel knows may be past, and with it this failure.
            return _NOTHING
        return _failure_decision(heard, failures, None if is_doubted else snapshot.login, subscription, now)
    decision = _NOTHING
    if snapshot.login is not None and not is_doubted:
        decision = _stage_decision(heard.stage, snapshot.login, subscription, now)
    undated = incidents.get(Kind.UNDATED)
    is_known = heard.stage is not None and heard.stage.is_expired
    if undated is not None and decision.due is None and not is_known:
        decision = _incident_decision(heard, undated, now, follow_ups=False)
    low = snapshot.low_credits_below(subscription.credits_below)
    if low is None or decision.due is not None or now - low.read_at > _CREDITS_ARE_KNOWN_FOR:
        return decision
    crossing = OpenIncident(Kind.LOW_CREDITS, low.number, low.since)
    return replace(decision, due=_incident_decision(heard, crossing, now, follow_ups=False).due)


def _incident_decision(heard: Heard, incident: OpenIncident, now: datetime, *, follow_ups: bool) -> Decision:
    """Announce an incident once, and follow it up."""
    stage, known = failing_stage(now - incident.since, follow_ups=follow_ups), _heard_of(heard, incident)
    if not is_more_urgent(stage, known):
        return _NOTHING
    return Decision(Due(incident.kind, incident.number, stage, is_follow_up=known is not None))


def _heard_of(heard: Heard, incident: OpenIncident) -> int | None:
    known = heard.incidents.get(incident.kind)
    return known.stage if known is not None and known.number == incident.number else None


def _failure_decision(
    heard: Heard,
    failures: Sequence[OpenIncident],
    login: Login | None,
    subscription: NewSubscription,
    now: datetime,
) -> Decision:
    """An error, failing jobs and the expiry of the same login are one failure, which lasts since the earliest of them.

    The first of `failures` is its reason. Lead times wait for its end: the account has failed already, and is renewed
    the same way.
    """
    expired = login if login is not None and login.expires_at <= now else None
    since = min([one.since for one in failures] + ([expired.expires_at] if expired else []))
    stage = failing_stage(now - since, follow_ups=subscription.follow_ups)
    reached = [_heard_of(heard, one) for one in failures] + (
        [_expiry_heard(heard.stage, expired, now)] if expired else []
    )
    known = [one for one in reached if one is not None]
    if not is_more_urgent(stage, min(known, default=None)):
        return _NOTHING
    first, expires_at = failures[0], expired.expires_at if expired else None
    return Decision(Due(first.kind, first.number, stage, expires_at, is_follow_up=bool(known)))


def _expiry_heard(heard: HeardStage | None, login: Login, now: datetime) -> int | None:
    """Return the stage at which a channel knows that this login has expired, None if it does not."""
    if heard is None or not heard.is_expired or is_renewal(heard.expires_at, login.expires_at, now):
        return None
    return heard.stage


def _stage_decision(heard: HeardStage | None, login: Login, subscription: NewSubscription, now: datetime) -> Decision:
    lead_times = usable_lead_times(subscription.lead_times, login.life)
    stage = stage_of(lead_times, login.expires_at - now, follow_ups=subscription.follow_ups)
    due = Due(Kind.STAGE, login.id, stage, login.expires_at)
    if heard is None or heard.stage is None:
        return _NOTHING if stage is None else Decision(due)
    moved = login.expires_at - heard.expires_at
    if stage is not None and moved >= RENEWED_AFTER + timedelta(days=max(heard.stage, EXPIRED)):
        # Another login, which has come as far already.
        return Decision(due)
    if is_more_urgent(stage, heard.stage):
        return Decision(replace(due, is_follow_up=heard.is_expired))
    if is_more_urgent(heard.stage, stage) and is_renewal(heard.expires_at, login.expires_at, now):
        return Decision(Due(Kind.RENEWED, login.id, stage, login.expires_at))
    if moved:
        return Decision(heard=HeardStage(login.id, heard.stage, login.expires_at))
    return _NOTHING
