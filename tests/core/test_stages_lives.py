"""Whole lives of an account as one channel hears of them: polls, outages, renewals, flapping, changed subscriptions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.logins import is_same_login
from bot.core.stages import Decision, Heard, coming_stages, decide, reached_stages, usable_stages

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
State = Literal["pending", "in_flight", "sent", "superseded"]
Fate = Literal["arrives", "refused", "lost", "arrives in silence"]


@dataclass
class Login:
    """One login as the store keeps it; `before` is the one it replaced."""

    first_expires_at: datetime
    expires_at: datetime
    life: timedelta | None
    before: int | None


@dataclass(frozen=True)
class Received:
    """A message that reached the channel: a stage of a login, or (None) its renewal."""

    login: int
    stage: int | None
    sent_before: bool = False


@dataclass
class Channel:
    """One channel and one account, with every decision applied as planning and dispatch apply it."""

    now: datetime = START
    days: tuple[int, ...] | None = (14, 7, 3, 1)
    logins: list[Login] = field(default_factory=list)
    current: int = -1
    stages: dict[tuple[int, int], State] = field(default_factory=dict)
    # Whether each planned renewal was sent.
    renewals: dict[int, bool] = field(default_factory=dict)
    in_flight: dict[tuple[int, int], bool] = field(default_factory=dict)
    tried: set[int] = field(default_factory=set)
    received: list[Received] = field(default_factory=list)

    def heard(self, login: int) -> Heard:
        """Return what the channel has heard about a login."""

        def of(state: State) -> frozenset[int]:
            return frozenset(stage for (key, stage), present in self.stages.items() if (key, present) == (login, state))

        return Heard(of("sent"), of("in_flight"), of("pending"), of("superseded"), login in self.renewals)

    def usable(self) -> frozenset[int]:
        """Return the stages of the subscription that make sense for the current login."""
        return usable_stages(self.days or (), self.logins[self.current].life)

    def remaining(self) -> timedelta:
        """Return the time left of the current login."""
        return self.logins[self.current].expires_at - self.now

    def read(self, expires_at: datetime) -> None:
        """Record an expiry: that of a login seen before, else of a new one."""
        life = expires_at - self.now if expires_at > self.now else None
        fitting = [key for key, login in enumerate(self.logins) if is_same_login(expires_at, login.first_expires_at)]
        former = self.current
        if fitting:
            self.current = fitting[0]
            login = self.logins[self.current]
            login.expires_at = expires_at
            login.life = max((one for one in (login.life, life) if one is not None), default=None)
        else:
            self.current = len(self.logins)
            self.logins.append(Login(expires_at, expires_at, life, former if former >= 0 else None))
        if former != self.current:
            self._delete_pending(former)

    def subscribe(self, days: tuple[int, ...] | None) -> None:
        """Change the subscription's lead times, add it (again), or delete it with its pending notifications."""
        self.days = days
        if days is None:
            self.renewals = {key: is_sent for key, is_sent in self.renewals.items() if is_sent}
            for login in range(len(self.logins)):
                self._delete_pending(login)

    def run_poll(self, fate: Fate) -> None:
        """Settle messages in flight unless Discord is away again, plan, and send what is pending with this outcome."""
        if fate in ("arrives", "refused"):
            self._settle()
        if self.days is not None:
            self._apply(self._decide())
            for login in [login for login, is_sent in self.renewals.items() if not is_sent]:
                self._send_renewal(login, fate)
            for key in [key for key, state in self.stages.items() if state == "pending"]:
                self._send_stage(key, fate)

    def _decide(self) -> Decision:
        before = self.logins[self.current].before
        heard_before = None if before is None else self.heard(before)
        return decide(self.usable(), self.remaining(), self.heard(self.current), heard_before)

    def _apply(self, decision: Decision) -> None:
        for stage in decision.superseded:
            if self.stages.get((self.current, stage), "pending") == "pending":
                self.stages[self.current, stage] = "superseded"
        if decision.due is not None:
            assert (self.current, decision.due) not in self.stages
            self.stages[self.current, decision.due] = "pending"
        if decision.renewed:
            before = self.logins[self.current].before
            assert before is not None
            assert before not in self.renewals
            self.renewals[before] = False

    def _send_renewal(self, login: int, fate: Fate) -> None:
        if fate == "arrives":
            self.renewals[login] = True
            self.received.append(Received(login, None, sent_before=login in self.tried))

    def _send_stage(self, key: tuple[int, int], fate: Fate) -> None:
        if fate == "refused":
            return
        self.tried.add(key[0])
        if fate != "lost":
            self.received.append(Received(*key))
        self.stages[key] = "sent" if fate == "arrives" else "in_flight"
        if fate != "arrives":
            self.in_flight[key] = fate == "arrives in silence"

    def _settle(self) -> None:
        """Settle doubtful messages: a lost one is pending again, unless its login or subscription is gone."""
        for key, has_arrived in self.in_flight.items():
            if has_arrived:
                self.stages[key] = "sent"
            elif key[0] == self.current and self.days is not None:
                self.stages[key] = "pending"
            else:
                del self.stages[key]
        self.in_flight.clear()

    def _delete_pending(self, login: int) -> None:
        self.stages = {key: state for key, state in self.stages.items() if (key[0], state) != (login, "pending")}


Days: TypeAlias = tuple[int, ...] | None
Read: TypeAlias = tuple[str, int]
# Hours since the last poll, what is read, the lead times from then on (() leaves them), and what becomes of messages.
Event: TypeAlias = tuple[int, Read, Days, Fate]

HOURS = st.integers(1, 48) | st.integers(1, 24 * 8)
READS = st.one_of(
    st.tuples(st.just("same"), st.just(0)),
    st.tuples(st.just("unreadable"), st.just(0)),
    st.tuples(st.just("rolled"), st.integers(-24, 24)),
    st.tuples(st.just("new"), st.integers(-48, 24 * 20)),
    st.tuples(st.just("flapped"), st.just(0)),
    st.tuples(st.just("flapped"), st.just(0)),
)
UNCHANGED: st.SearchStrategy[Days] = st.just(())
DAYS: st.SearchStrategy[Days] = st.frozensets(st.sampled_from([30, 14, 10, 7, 5, 3, 1]), min_size=1, max_size=4).map(
    tuple
)
ARRIVES: st.SearchStrategy[Fate] = st.just("arrives")
FATES: st.SearchStrategy[Fate] = st.sampled_from(("arrives", "refused", "lost", "arrives in silence"))


def lives(subscriptions: st.SearchStrategy[Days], fates: st.SearchStrategy[Fate]) -> st.SearchStrategy[list[Event]]:
    """Return sequences of events in which subscriptions change and messages end like this."""
    return st.lists(st.tuples(HOURS, READS, subscriptions, fates), min_size=6, max_size=20)


ANY_LIFE = lives(UNCHANGED | UNCHANGED | st.none() | DAYS, ARRIVES | FATES)
CALM_LIFE = lives(UNCHANGED | DAYS, ARRIVES)
modestly = settings(max_examples=80, deadline=None)


def live(events: Iterable[Event], first_life: int = 24 * 15) -> Iterator[tuple[Channel, Fate]]:
    """Yield the channel after each poll of a life, with what became of that poll's messages."""
    channel = Channel()
    channel.read(START + first_life * HOUR)
    for hours, (kind, shift), days, fate in events:
        channel.now += hours * HOUR
        login = channel.logins[channel.current]
        match kind:
            case "same":
                channel.read(login.expires_at)
            case "rolled":
                channel.read(login.first_expires_at + shift * HOUR)
            case "new":
                channel.read(channel.now + shift * HOUR)
            case "flapped":
                channel.read(channel.logins[channel.current - 1].expires_at)
        if days != ():
            channel.subscribe(days)
        channel.run_poll(fate)
        yield channel, fate


def end(events: Iterable[Event]) -> Channel:
    """Return the channel after the last poll of a life."""
    return [channel for channel, _ in live(events)][-1]


@modestly
@given(ANY_LIFE)
def test_no_step_is_sent_twice_for_a_token(events: list[Event]) -> None:
    """Whatever happens, a channel hears each stage of each login at most once."""
    received = end(events).received
    assert len(received) == len(set(received))


@modestly
@given(ANY_LIFE)
def test_no_wider_stage_follows_a_tighter_one(events: list[Event]) -> None:
    """The stages of one login that a channel hears only ever get tighter."""
    channel = end(events)
    for login in range(len(channel.logins)):
        stages = [one.stage for one in channel.received if one.login == login and one.stage is not None]
        assert stages == sorted(stages, reverse=True)


@modestly
@given(ANY_LIFE)
def test_no_reached_stage_is_skipped(events: list[Event]) -> None:
    """After each poll of a subscription every reached stage has a notification, itself or a tighter one."""
    for channel, fate in live(events):
        heard = channel.heard(channel.current)
        if channel.days is None or heard.renewal:
            continue
        reached = reached_stages(channel.usable(), channel.remaining())
        assert not reached or min(heard.stages, default=1000) <= min(reached)
        assert fate != "arrives" or not heard.pending


@modestly
@given(CALM_LIFE)
def test_a_stage_is_superseded_only_for_a_reason(events: list[Event]) -> None:
    """If every message arrives, a stage is left out only for a tighter one, or for the old login's last stage."""
    for channel, _ in live(events):
        for key, login in enumerate(channel.logins):
            heard = channel.heard(key)
            before = channel.heard(login.before) if login.before is not None else Heard()
            if heard.superseded and min(heard.stages) not in heard.sent:
                assert before.renewal or min(heard.superseded) in before.sent


@modestly
@given(ANY_LIFE)
def test_nothing_is_sent_of_a_token_after_its_renewal(events: list[Event]) -> None:
    """Once a channel heard that a login was renewed, it hears nothing about that login again."""
    renewed = set()
    for one in end(events).received:
        assert one.login not in renewed
        if one.stage is None:
            renewed.add(one.login)


@modestly
@given(ANY_LIFE)
def test_only_a_token_that_was_spoken_of_is_renewed_and_once(events: list[Event]) -> None:
    """A renewal is sent at most once for a login, and only to a channel that may have heard a reminder."""
    renewals = [one for one in end(events).received if one.stage is None]
    assert all(one.sent_before for one in renewals)
    assert len(renewals) == len({one.login for one in renewals})


@modestly
@given(CALM_LIFE)
def test_nothing_becomes_due_before_the_next_stage(events: list[Event]) -> None:
    """A subscription can wait until its next stage: nothing is due a moment earlier, and exactly that stage then."""
    for channel, _ in live(events):
        heard, stages = channel.heard(channel.current), channel.usable()
        coming = coming_stages(stages, channel.remaining(), heard)
        if not coming:
            assert decide(stages, timedelta(days=-400), heard, None).due is None
            continue
        moment = timedelta(days=coming[0])
        assert moment < channel.remaining()
        assert decide(stages, moment + timedelta(microseconds=1), heard, None).due is None
        assert decide(stages, moment, heard, None).due == coming[0]
