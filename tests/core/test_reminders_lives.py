"""Whole lives of an account as one channel hears of them: passes, outages, renewals, flapping, changed watches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.stages import Decision, Heard, coming_stages, crossed_stages, decide, is_same_login, usable_stages

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
State = Literal["pending", "in_flight", "sent", "covered"]
Fate = Literal["arrives", "refused", "lost", "arrives in silence"]


@dataclass
class Login:
    """One token as the store keeps it: where it began, when it ends, its longest life, and whom it followed."""

    first_expires_at: datetime
    expires_at: datetime
    life: timedelta | None
    before: int | None


@dataclass(frozen=True)
class Said:
    """What reached the channel: a step of a token, or that it was renewed."""

    token: int
    stage: int | None
    sent_before: bool = False


@dataclass
class Channel:
    """One channel and one account, with every decision applied as planning and delivery apply it."""

    now: datetime = START
    days: tuple[int, ...] | None = (14, 7, 3, 1)
    logins: list[Login] = field(default_factory=list)
    current: int = -1
    stages: dict[tuple[int, int], State] = field(default_factory=dict)
    # Whether each renewal that is owed was said.
    renewals: dict[int, bool] = field(default_factory=dict)
    under_way: dict[tuple[int, int], bool] = field(default_factory=dict)
    tried: set[int] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)

    def heard(self, token: int) -> Heard:
        """Return what was told of a token."""

        def of(state: State) -> frozenset[int]:
            return frozenset(stage for (key, stage), present in self.stages.items() if (key, present) == (token, state))

        return Heard(of("sent"), of("in_flight"), of("pending"), of("covered"), token in self.renewals)

    def usable(self) -> frozenset[int]:
        """Return the steps of the watch that make sense for the current token."""
        return usable_stages(self.days or (), self.logins[self.current].life)

    def remaining(self) -> timedelta:
        """Return the life that is left to the current token."""
        return self.logins[self.current].expires_at - self.now

    def read(self, expires_at: datetime) -> None:
        """Write down an expiry: that of a token seen before, else of a new one."""
        life = expires_at - self.now if expires_at > self.now else None
        fitting = [key for key, token in enumerate(self.logins) if is_same_login(expires_at, token.first_expires_at)]
        former = self.current
        if fitting:
            self.current = fitting[0]
            token = self.logins[self.current]
            token.expires_at = expires_at
            token.life = max((one for one in (token.life, life) if one is not None), default=None)
        else:
            self.current = len(self.logins)
            self.logins.append(Login(expires_at, expires_at, life, former if former >= 0 else None))
        if former != self.current:
            self._forget_pending(former)

    def subscription(self, days: tuple[int, ...] | None) -> None:
        """Change the watch's lead times, add it (again), or remove it with what it is still owed."""
        self.days = days
        if days is None:
            self.renewals = {key: is_said for key, is_said in self.renewals.items() if is_said}
            for token in range(len(self.logins)):
                self._forget_pending(token)

    def run_poll(self, fate: Fate) -> None:
        """Settle what is under way unless Discord is away again, plan, and send what is owed with this outcome."""
        if fate in ("arrives", "refused"):
            self._settle()
        if self.days is not None:
            self._apply(self._decide())
            for token in [token for token, is_said in self.renewals.items() if not is_said]:
                self._send_renewal(token, fate)
            for key in [key for key, state in self.stages.items() if state == "pending"]:
                self._send_step(key, fate)

    def _decide(self) -> Decision:
        before = self.logins[self.current].before
        told_before = None if before is None else self.heard(before)
        return decide(self.usable(), self.remaining(), self.heard(self.current), told_before)

    def _apply(self, decision: Decision) -> None:
        for stage in decision.cover:
            if self.stages.get((self.current, stage), "pending") == "pending":
                self.stages[self.current, stage] = "covered"
        if decision.due is not None:
            assert (self.current, decision.due) not in self.stages
            self.stages[self.current, decision.due] = "pending"
        if decision.renewed:
            before = self.logins[self.current].before
            assert before is not None
            assert before not in self.renewals
            self.renewals[before] = False

    def _send_renewal(self, token: int, fate: Fate) -> None:
        if fate == "arrives":
            self.renewals[token] = True
            self.said.append(Said(token, None, sent_before=token in self.tried))

    def _send_step(self, key: tuple[int, int], fate: Fate) -> None:
        if fate == "refused":
            return
        self.tried.add(key[0])
        if fate != "lost":
            self.said.append(Said(*key))
        self.stages[key] = "sent" if fate == "arrives" else "in_flight"
        if fate != "arrives":
            self.under_way[key] = fate == "arrives in silence"

    def _settle(self) -> None:
        """Learn what became of messages in doubt: a lost one is owed again, unless its token is gone or unwatched."""
        for key, has_arrived in self.under_way.items():
            if has_arrived:
                self.stages[key] = "sent"
            elif key[0] == self.current and self.days is not None:
                self.stages[key] = "pending"
            else:
                del self.stages[key]
        self.under_way.clear()

    def _forget_pending(self, token: int) -> None:
        self.stages = {key: state for key, state in self.stages.items() if (key[0], state) != (token, "pending")}


Days: TypeAlias = tuple[int, ...] | None
Read: TypeAlias = tuple[str, int]
# Hours since the last pass, what is read, the watch from then on (() leaves it as it is), and what becomes of messages.
Event: TypeAlias = tuple[int, Read, Days, Fate]

HOURS = st.integers(1, 48) | st.integers(1, 24 * 8)
READS = st.one_of(
    st.tuples(st.just("same"), st.just(0)),
    st.tuples(st.just("blind"), st.just(0)),
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
    """Return sequences of events in which watches change and messages end like this."""
    return st.lists(st.tuples(HOURS, READS, subscriptions, fates), min_size=6, max_size=20)


ANY_LIFE = lives(UNCHANGED | UNCHANGED | st.none() | DAYS, ARRIVES | FATES)
CALM_LIFE = lives(UNCHANGED | DAYS, ARRIVES)
modestly = settings(max_examples=80, deadline=None)


def live(events: Iterable[Event], first_life: int = 24 * 15) -> Iterator[tuple[Channel, Fate]]:
    """Yield the channel after each pass of a life, with what became of that pass's messages."""
    channel = Channel()
    channel.read(START + first_life * HOUR)
    for hours, (kind, shift), days, fate in events:
        channel.now += hours * HOUR
        token = channel.logins[channel.current]
        match kind:
            case "same":
                channel.read(token.expires_at)
            case "rolled":
                channel.read(token.first_expires_at + shift * HOUR)
            case "new":
                channel.read(channel.now + shift * HOUR)
            case "flapped":
                channel.read(channel.logins[channel.current - 1].expires_at)
        if days != ():
            channel.subscription(days)
        channel.run_poll(fate)
        yield channel, fate


def end(events: Iterable[Event]) -> Channel:
    """Return the channel after the last pass of a life."""
    return [channel for channel, _ in live(events)][-1]


@modestly
@given(ANY_LIFE)
def test_no_step_is_said_twice_for_a_token(events: list[Event]) -> None:
    """Whatever happens, a channel hears each step of each token at most once."""
    said = end(events).said
    assert len(said) == len(set(said))


@modestly
@given(ANY_LIFE)
def test_no_wider_step_follows_a_tighter_one(events: list[Event]) -> None:
    """What a channel hears of one token only ever comes closer to its end."""
    channel = end(events)
    for token in range(len(channel.logins)):
        stages = [one.stage for one in channel.said if one.token == token and one.stage is not None]
        assert stages == sorted(stages, reverse=True)


@modestly
@given(ANY_LIFE)
def test_no_crossed_step_is_skipped(events: list[Event]) -> None:
    """After each pass of a watch every crossed step is dealt with, itself or by a tighter one."""
    for channel, fate in live(events):
        heard = channel.heard(channel.current)
        if channel.days is None or heard.renewal_heard:
            continue
        crossed = crossed_stages(channel.usable(), channel.remaining())
        assert not crossed or min(heard.stages, default=1000) <= min(crossed)
        assert fate != "arrives" or not heard.pending


@modestly
@given(CALM_LIFE)
def test_a_step_is_covered_only_for_a_reason(events: list[Event]) -> None:
    """With every message arriving, a step is left out only for a tighter one, or for what the old token's end was."""
    for channel, _ in live(events):
        for key, token in enumerate(channel.logins):
            heard = channel.heard(key)
            before = channel.heard(token.before) if token.before is not None else Heard()
            if heard.covered and min(heard.stages) not in heard.sent:
                assert before.renewal_heard or min(heard.covered) in before.sent


@modestly
@given(ANY_LIFE)
def test_nothing_is_said_of_a_token_after_its_renewal(events: list[Event]) -> None:
    """Once a channel heard that a token was renewed, it hears nothing of that token again."""
    renewed = set()
    for one in end(events).said:
        assert one.token not in renewed
        if one.stage is None:
            renewed.add(one.token)


@modestly
@given(ANY_LIFE)
def test_only_a_token_that_was_spoken_of_is_renewed_and_once(events: list[Event]) -> None:
    """A renewal is told at most once for a token, and only to a channel that may have heard of its end."""
    renewals = [one for one in end(events).said if one.stage is None]
    assert all(one.sent_before for one in renewals)
    assert len(renewals) == len({one.token for one in renewals})


@modestly
@given(CALM_LIFE)
def test_nothing_becomes_due_before_the_next_step(events: list[Event]) -> None:
    """A watch may sleep until its next step: nothing is due a moment earlier, and exactly that step is due then."""
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
