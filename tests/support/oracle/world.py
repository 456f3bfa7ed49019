"""A random world for weeks: accounts with lives of their own, people who edit reminders, outages, and the bot."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from tests.support.engine.channels import Condition
from tests.support.engine.kit import START, Kit
from tests.support.oracle.court import Assigned, Court, Subscribed
from tests.support.oracle.facts import DAY, HOUR, Facts, Reading, Shown, say_time
from tests.support.oracle.lives import MINUTE, Author, Life, Span
from tests.support.oracle.promises import Promises
from tests.support.oracle.rules import Wish

# One that stays as it is; one that is edited all the time; one without follow-ups that refuses messages for days.
STEADY, EDITED, REFUSING = CHANNELS = (11, 12, 13)
STANDARD = (14, 7, 3, 1)
LEAD_TIMES = (STANDARD, (7,), (20, 2), (3,), (30, 10, 5))
ROLES = {STEADY: 1011, EDITED: 1012, REFUSING: 1013}
_SOON = timedelta(minutes=1)
# 401 and 402 refuse the token; 200 stands for an answer that can't be read.
_STATUSES = (401, 402, 200)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people do, or that happens to a channel."""

    at: datetime
    act: Callable[[], Awaitable[None]]


class World:
    """Thirty accounts, three channels, and the bot; the court hears everything."""

    def __init__(self, url: str, seed: int, *, days: int = 60, accounts: int = 30) -> None:
        self.kit = Kit(url, CHANNELS)
        self.court = Court(CHANNELS)
        self._random = Random(seed)
        self._end = START + timedelta(days=days)
        author = Author(self._random, START, days)
        self.lives: dict[str, Life] = {str(number): author.write(number) for number in range(accounts)}
        self._outages = self._spans(5, [HOUR, 5 * HOUR, DAY, 3 * DAY, 6 * DAY])
        self._unreadable = self._spans(5, [5 * MINUTE, 2 * HOUR, 9 * HOUR, 3 * DAY])
        self._events = sorted(self._plan(), key=lambda event: event.at)
        self._seen, self._shown = dict.fromkeys(CHANNELS, 0), dict.fromkeys(CHANNELS, 0)
        self.polls: list[Reading] = []

    def broken_promises(self) -> list[str]:
        """Return what people were promised and did not get, by the true lives alone."""
        broken = []
        for channel_id, channel in self.kit.channels.by_id.items():
            promises = Promises(self.polls, self.lives, channel.posts)
            repeated = [] if channel_id == EDITED else promises.repeated()
            broken += [f"channel {channel_id}: {one}" for one in (*promises.broken(), *repeated)]
            if channel_id == STEADY:
                missed = (promises.missed(account, STANDARD, follow_ups=True) for account in self.lives)
                broken += [f"channel {channel_id} missed: {one}" for of_account in missed for one in of_account]
        return broken

    def _spans(self, number: int, lengths: list[timedelta]) -> list[Span]:
        begins = [self._moment(1, 58) for _ in range(number)]
        return [Span(begin, begin + self._random.choice(lengths)) for begin in begins]

    def _moment(self, least: float, most: float) -> datetime:
        return START + timedelta(seconds=self._random.randrange(round(least * 86_400), round(most * 86_400)) | 1)

    async def live(self) -> None:
        """Run the bot until the end."""
        await self.kit.open()
        try:
            while self.kit.clock.true < self._end and len(self.court.complaints) < 5:
                await self._happen()
                await self._poll()
                await self._rest()
        finally:
            await self.kit.close()

    async def _happen(self) -> None:
        while self._events and self._events[0].at <= self.kit.clock.true:
            await self._events.pop(0).act()

    async def _poll(self) -> None:
        clock = self.kit.clock
        failing = next((span for span in self._unreadable if span.holds(clock.true)), None)
        self.kit.status = _STATUSES[self._unreadable.index(failing) % len(_STATUSES)] if failing else None
        shown = None if failing else self._show()
        await self.kit.poll()
        reading = Reading(clock.true, shown, is_refused=self.kit.status in (401, 402))
        self.polls.append(reading)
        self.court.read(reading)
        for channel_id, channel in self.kit.channels.by_id.items():
            new = channel.posts[self._seen[channel_id] :]
            self._seen[channel_id] = len(channel.posts)
            place = self.court.places[channel_id]
            place.is_refusing = channel.condition is not Condition.WORKS
            self.court.judge(channel_id, new, clock.true, is_readable=shown is not None)
            place.refused_at = channel.refused_at
            self.court.judge_signs(channel_id, channel.versions[self._shown[channel_id] :], clock.true)
            self._shown[channel_id] = len(channel.versions)

    def _show(self) -> dict[str, Shown]:
        """Let the API list the accounts as they are now."""
        shown = {key: one for key, life in self.lives.items() if (one := life.read(self.kit.clock.true))}
        self.kit.api.accounts = {}
        for key, one in shown.items():
            self.kit.show(key, one.expires_at, one.issued_at, error=one.has_error)
        return shown

    async def _rest(self) -> None:
        """Go on to the next poll, or to the end of an outage; the machine is slow and often polls late."""
        clock = self.kit.clock
        next_at = await self.kit.next_poll_at()
        if self.court.awaits_confirmation(clock.true) and next_at > clock.true + _SOON:
            complaint = f"{say_time(clock.true)}: the next poll, to confirm a change, is at {say_time(next_at)}"
            self.court.complaints.append(complaint)
        if next_at > clock.true + self.kit.interval / 2:
            next_at += self._random.choice([HOUR, 8 * HOUR, 14 * HOUR, 20 * HOUR])
        outage = next((span for span in self._outages if span.holds(clock.true)), None)
        if outage is not None or self._random.random() < 0.02:
            await self.kit.stop()
            clock.true = max(clock.true, outage.end if outage is not None else clock.true)
            await self.kit.start()
        else:
            clock.true = max(clock.true, next_at - timedelta(seconds=1))

    def _plan(self) -> list[Event]:
        """Return what people do, and which channels refuse when."""
        events = [
            self._subscription(START, STEADY, None, Wish(STANDARD, follow_ups=True, role_id=ROLES[STEADY])),
            self._subscription(START, EDITED, None, Wish((20, 2), follow_ups=True, role_id=ROLES[EDITED])),
            self._subscription(START, REFUSING, None, Wish((7, 1), follow_ups=False, role_id=ROLES[REFUSING])),
        ]
        for account in self._random.sample(list(self.lives), 8):
            wish = Wish(self._random.choice(LEAD_TIMES), follow_ups=True, role_id=ROLES[EDITED])
            events.append(self._subscription(self._moment(0, 30), EDITED, account, wish))
            events.append(self._subscription(self._moment(30, 59), EDITED, account, None))
        events += [self._edit(self._moment(1, 59)) for _ in range(24)]
        events += [self._assignment(self._moment(1, 59)) for _ in range(60)]
        for day, length in ((4, 5 * HOUR), (12, 8 * DAY), (26, 40 * MINUTE), (35, 2 * DAY), (48, HOUR)):
            begin = self._moment(day, day + 3)
            events += [self._condition(begin, Condition.REFUSES), self._condition(begin + length, Condition.WORKS)]
        return events

    def _subscription(self, at: datetime, channel_id: int, account: str | None, wish: Wish | None) -> Event:
        """Return that somebody adds a subscription or changes it, or (None) removes it."""
        subscriptions = self.court.places[channel_id].subscriptions

        async def act() -> None:
            if wish is not None:
                role, follow_ups = wish.role_id, wish.follow_ups
                await self.kit.subscribe(channel_id, account, wish.lead_times, role, follow_ups=follow_ups)
                subscriptions[account] = Subscribed(account, wish)
            elif account in subscriptions:
                await self.kit.unsubscribe(channel_id, account)
                del subscriptions[account]

        return Event(at, act)

    def _edit(self, at: datetime) -> Event:
        """Return that somebody changes, pauses, resumes, adds or removes a reminder of the edited channel."""
        account = self._random.choice([None, None, *list(self.lives)[:10]])
        wish = Wish(self._random.choice(LEAD_TIMES), self._random.random() < 0.8, ROLES[EDITED])
        does_pause = self._random.random() < 0.5
        change = self._subscription(at, EDITED, account, self._random.choice([wish, wish, None]))
        subscriptions = self.court.places[EDITED].subscriptions

        async def act() -> None:
            one = subscriptions.get(account)
            if one is None or not does_pause:
                await change.act()
                return
            await self.kit.pause(EDITED, account, is_paused=not one.is_paused)
            subscriptions[account] = replace(one, is_paused=not one.is_paused)

        return Event(at, act)

    def _assignment(self, at: datetime) -> Event:
        """Return that somebody says "I'm on it" about an account that needs it."""
        channel_id, user_id = self._random.choice([STEADY, REFUSING]), self._random.randrange(2001, 2005)
        number = self._random.random()

        async def act() -> None:
            place, now = self.court.places[channel_id], self.kit.clock.true
            urgent = [
                account
                for account, facts in self.court.facts.items()
                if facts.is_listed and facts.odd_since is None and _is_urgent(facts, now)
            ]
            if urgent:
                account = urgent[int(number * len(urgent))]
                await self.kit.assign(channel_id, account, user_id)
                place.assigned[account] = Assigned(user_id, now)

        return Event(at, act)

    def _condition(self, at: datetime, condition: Condition) -> Event:
        """Return that the refusing channel begins to refuse, or works again."""

        async def act() -> None:
            self.kit.channels.by_id[REFUSING].condition = condition

        return Event(at, act)


def _is_urgent(facts: Facts, now: datetime) -> bool:
    return facts.stage(now, STANDARD, follow_ups=True) is not None
