"""A random world for weeks: accounts with lives of their own, people who edit reminders, outages, and the bot."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from bot.core.timing import DEFAULT_TIMING
from bot.useapi.client import CREDITS_PATH, JOBS_PATH
from bot.useapi.fake import build_job
from tests.support.engine.channels import Condition
from tests.support.engine.kit import GUILD, OTHER_GUILD, START, Kit
from tests.support.oracle.court import Assigned, Court, Subscribed
from tests.support.oracle.facts import DAY, HOUR, Facts, Job, Reading, Shown, say_time
from tests.support.oracle.lives import MINUTE, Author, Life, Span
from tests.support.oracle.promises import Promises
from tests.support.oracle.rules import Wish

# One that stays as it is; one that is edited all the time; one without follow-ups that refuses messages for days; one
# of another server, with reminders for three accounts and for their credits.
STEADY, EDITED, REFUSING, APART = CHANNELS = (11, 12, 13, 14)
WITH_CREDITS = {"18": 100, "20": 100, "21": 50}
STANDARD = (14, 7, 3, 1)
LEAD_TIMES = (STANDARD, (7,), (20, 2), (3,), (30, 10, 5))
ROLES = {STEADY: 1011, EDITED: 1012, REFUSING: 1013, APART: 1014}
_SOON = timedelta(minutes=1)
# 401 and 402 refuse the token; 200 stands for an answer that can't be read.
_STATUSES = (401, 402, 200)
# The same for jobs and credits, which are switched off for a day by some.
_USAGE_STATUSES = (404, 596, 200)
_JOBS_APART = timedelta(minutes=15)
_MAX_JOBS = 60


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people do, or that happens to a channel."""

    at: datetime
    act: Callable[[], Awaitable[None]]


class World:
    """Thirty accounts, four channels, and the bot; the court hears everything."""

    def __init__(self, url: str, seed: int, *, days: int = 60, accounts: int = 30) -> None:
        self.kit = Kit(url, CHANNELS, watches_jobs=True)
        # Answers come at once by the clock of this world.
        self.kit.timing = replace(DEFAULT_TIMING, usage_wait=60)
        self.court = Court(CHANNELS)
        self.court.places[APART].gets_offers = True
        self._random = Random(seed)
        self._end = START + timedelta(days=days)
        author = Author(self._random, START, days)
        self.lives: dict[str, Life] = {str(number): author.write(number) for number in range(accounts)}
        self._outages = self._spans(5, [HOUR, 5 * HOUR, DAY, 3 * DAY, 6 * DAY])
        self._unreadable = self._spans(5, [5 * MINUTE, 2 * HOUR, 9 * HOUR, 3 * DAY])
        self._without_usage = self._spans(4, [2 * HOUR, DAY, 4 * DAY])
        self._breakdowns = self._spans(4, [2 * HOUR, DAY, 2 * DAY])
        self._jobs: list[Job] = []
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
        without = next((span for span in self._without_usage if span.holds(clock.true)), None)
        place = 0 if without is None else self._without_usage.index(without)
        self.kit.usage_status = None if without is None else _USAGE_STATUSES[place % len(_USAGE_STATUSES)]
        self._work()
        self.kit.api.calls.clear()
        await self.kit.poll()
        reading = Reading(clock.true, shown, is_refused=self.kit.status in (401, 402))
        self.polls.append(reading)
        self.court.read(reading)
        heard = {}
        for channel_id, channel in self.kit.channels.by_id.items():
            new = channel.posts[self._seen[channel_id] :]
            self._seen[channel_id] = len(channel.posts)
            self.court.places[channel_id].is_refusing = channel.condition is not Condition.WORKS
            heard[channel_id] = self.court.listen(channel_id, new, clock.true)
            self.court.judge(channel_id, heard[channel_id], clock.true, is_readable=shown is not None, is_last=False)
        jobs, credits_left = self._read_usage()
        self.court.read_usage(jobs, credits_left, sorted({*WITH_CREDITS.values()}), clock.true)
        for channel_id, channel in self.kit.channels.by_id.items():
            self.court.judge(channel_id, heard[channel_id], clock.true, is_readable=shown is not None, is_last=True)
            self.court.places[channel_id].refused_at = channel.refused_at
            self.court.judge_signs(channel_id, channel.versions[self._shown[channel_id] :], clock.true)
            self._shown[channel_id] = len(channel.versions)

    def _show(self) -> dict[str, Shown]:
        """Let the API list the accounts as they are now."""
        shown = {key: one for key, life in self.lives.items() if (one := life.read(self.kit.clock.true))}
        self.kit.api.accounts = {}
        for key, one in shown.items():
            self.kit.show(key, one.expires_at, one.issued_at, error=one.has_error)
        return shown

    def _work(self) -> None:
        """Let the accounts run jobs in the last hour, and use credits."""
        now = self.kit.clock.true
        quarter = START + (now - START) // _JOBS_APART * _JOBS_APART
        last = max((job.at for job in self._jobs), default=START)
        for at in (quarter - number * _JOBS_APART for number in (3, 2, 1, 0)):
            if at <= last:
                continue
            found = [job for key, life in self.lives.items() if (job := life.run_job(key, at)) is not None]
            if any(span.holds(at) for span in self._breakdowns):
                found = [replace(job, code=502) for job in found]
            self._jobs = [*reversed(found), *self._jobs][:_MAX_JOBS]
        self.kit.api.jobs = [build_job(job.account_id, job.at, job.code) for job in self._jobs]
        totals = {key: total for key, life in self.lives.items() if (total := life.own(now)) is not None}
        self.kit.api.credits = {key: {"totalCredits": total} for key, total in totals.items()}

    def _read_usage(self) -> tuple[list[Job] | None, Mapping[str, int]]:
        """Return which jobs and which credits the bot has read in the last poll."""
        if self.kit.usage_status is not None:
            return None, {}
        calls = self.kit.api.calls
        asked = [call.partition("account=")[2] for call in calls if call.startswith(CREDITS_PATH)]
        answers = self.kit.api.credits
        jobs = self._jobs if any(call.startswith(JOBS_PATH) for call in calls) else None
        return jobs, {key: answers[key]["totalCredits"] for key in asked if key in answers}

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
            # Jobs are kept in memory.
            self.court.jobs = None
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
        for account, threshold in WITH_CREDITS.items():
            wish = Wish(STANDARD, follow_ups=True, role_id=ROLES[APART], credits_below=threshold)
            events.append(self._subscription(START, APART, account, wish))
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
                await self.kit.subscribe(
                    channel_id,
                    account,
                    wish.lead_times,
                    wish.role_id,
                    follow_ups=wish.follow_ups,
                    credits_below=wish.credits_below,
                    guild_id=OTHER_GUILD if channel_id == APART else GUILD,
                )
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
