"""The events that the reminder engine may meet, as rules of a state machine, and the invariants that hold."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from bot.core.subscriptions import Subscription
from bot.store.subscriptions import delete_subscription, set_paused
from bot.useapi.fake import build_job
from tests.support.engine.channels import Channel, Condition, Heard, Post
from tests.support.engine.engine import CHANNELS, LIFE, Engine
from tests.support.engine.kit import START
from tests.support.oracle.court import news_of
from tests.support.oracle.facts import DAY, FAILURES, Facts, follow_up_stage
from tests.support.oracle.promises import follow_ups_of
from tests.support.oracle.rules import LEEWAY, MOST_A_DAY, FollowUps, Hearing, Told, Wish, judge, limit

# Always listed: a list without any known account belongs to another useapi.net account.
ANCHOR = "1"
ACCOUNTS = (ANCHOR, "2", "3")
LEAD_TIMES = [(14, 7, 3, 1), (20, 2), (7,)]
ROLE = 77
A_WEEK = 7
ENOUGH = 100
_KEPT_JOBS = 12
# An account that was away for so long is a new one.
_FORGOTTEN_AFTER = timedelta(days=30)
# Longer than a channel waits after a refusal.
LONG = timedelta(hours=7)
MINUTE = timedelta(minutes=1)
# A message that arrived may be found only when everything works again.
IN_DOUBT = 2 * LONG + timedelta(hours=1)
# The messages of one poll, and the repetitions of a lost one, are one occasion.
_OCCASION = timedelta(minutes=10)


class Reminders(Engine):
    """The events and the invariants.

    `crept` are accounts whose expiry moved a little, so that the expiry that counts as heard may have moved along;
    `edited` are channels whose subscriptions were paused or removed; `forgotten` is how many posts of a channel no
    longer count for an account.
    """

    def __init__(self) -> None:
        super().__init__()
        self.crept: set[str] = set()
        self.edited: set[int] = set()
        self.forgotten: dict[tuple[int, str], int] = {}

    def run_poll(self) -> None:
        """Run a poll; a channel forgets an account that no reminder covers, a day after the last message about it."""
        super().run_poll()
        # Only the process's own steps count.
        left, self.kit.life.left = self.kit.life.left, None
        subscriptions = self.runner.run(self.kit.subscriptions()) if self.edited else []
        self.kit.life.left = left
        for channel_id in self.edited:
            covered = {one.account_id for one in subscriptions if one.channel_id == channel_id}
            posts = self.channels.by_id[channel_id].posts
            for account in ACCOUNTS:
                last = max((post.at for post, _ in _about(posts, account)), default=None)
                is_old = last is not None and self.clock.true - last >= DAY - LEEWAY
                if is_old and not covered & {account, None}:
                    self.forgotten[channel_id, account] = len(posts)

    @initialize(days=st.integers(1, 29))
    def begin(self, days: int) -> None:
        """Begin with one account that all channels have a reminder for."""
        self._set_expiry(ANCHOR, START + timedelta(days=days))
        for channel_id in CHANNELS:
            self.subscribe(channel_id, None, LEAD_TIMES[0], follow_ups=True)

    @rule()
    def poll(self) -> None:
        """Run a poll."""
        self.run_poll()

    @rule()
    def confirm(self) -> None:
        """Run a poll a minute later, which confirms what the last one read."""
        self.elapse(MINUTE)
        self.run_poll()

    @rule(steps=st.integers(1, 40), late=st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=30)]))
    def crash(self, steps: int, late: timedelta) -> None:
        """Let the process die at some step of a poll, and come back later."""
        self.kit.life.left = steps
        self.run_poll()
        self.runner.run(self.kit.die())
        self.elapse(late)

    @rule(
        days=st.sampled_from([0, 2, 6]),
        condition=st.sampled_from([Condition.REFUSES, Condition.AWAY, Condition.NO_HISTORY]),
    )
    def crash_at_post(self, days: int, condition: Condition) -> None:
        """Let the process die between a post and its answer, and find channels that show less; then all works."""
        self.elapse(timedelta(days=days))
        self.kit.life.ends_at_post = True
        self.run_poll()
        self.kit.life.ends_at_post = False
        for channel in CHANNELS:
            self.change_channel(channel, condition)
        self.poll()
        self.repair_everything()

    @rule(
        days=st.sampled_from([0, 2, 6]),
        condition=st.sampled_from([Condition.CLOSES, Condition.HANGS, Condition.VANISHES]),
    )
    def leave_in_doubt(self, days: int, condition: Condition) -> None:
        """Let no channel show whether a post arrived, whether it did or not; then all works."""
        self.elapse(timedelta(days=days))
        for channel in CHANNELS:
            self.change_channel(channel, condition)
        self.poll()
        self.repair_everything()

    @rule(hours=st.sampled_from([1, 7, 25, 49, 120]))
    def wait(self, hours: int) -> None:
        """Let time pass, and then run a poll."""
        self.elapse(timedelta(hours=hours))
        self.poll()

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(-3, 29))
    def renew(self, account: str, days: int) -> None:
        """Give an account, new or not, a login that ends on another day, and run a poll."""
        self._set_expiry(account, self.clock.true + timedelta(days=days, hours=-1))
        self.poll()

    @rule(account=st.sampled_from(ACCOUNTS), hours=st.integers(-10, 10))
    def roll(self, account: str, hours: int) -> None:
        """Move an expiry a little, as the API does by itself."""
        if account in self.kit.api.accounts:
            self.crept.add(account)
            self._set_expiry(account, self._expiry(account) + timedelta(hours=hours))

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(-2, 20))
    def flap(self, account: str, days: int) -> None:
        """Let an account show another login for one poll, then its own again: no channel hears of the other one."""
        if account in self.kit.api.accounts:
            own = self._expiry(account)
            self._set_expiry(account, self.clock.true + timedelta(days=days))
            self.run_poll()
            self._set_expiry(account, own)

    @rule(account=st.sampled_from(ACCOUNTS), has_error=st.booleans())
    def fail(self, account: str, *, has_error: bool) -> None:
        """Let an account report an error, or none any more."""
        if account in self.kit.api.accounts:
            expires_at = self._expiry(account)
            self.kit.show(account, expires_at, expires_at - LIFE, error=has_error)

    @rule(account=st.sampled_from(ACCOUNTS), code=st.sampled_from([201, 401, 412, 596, 502, 429]))
    def work(self, account: str, code: int) -> None:
        """Let three jobs of an account end, and run a poll."""
        jobs = [build_job(account, self.clock.true, code)] * 3
        self.kit.api.jobs = [*jobs, *self.kit.api.jobs][:_KEPT_JOBS]
        self.poll()

    @rule(account=st.sampled_from(ACCOUNTS), total=st.sampled_from([0, ENOUGH, None]))
    def own(self, account: str, total: int | None) -> None:
        """Let an account have few credits or enough, or let the API not say how many."""
        self.kit.api.credits[account] = {"memberName": "Free"} | ({} if total is None else {"totalCredits": total})

    @rule(status=st.sampled_from([None, 404, 596, 200]))
    def turn_usage(self, status: int | None) -> None:
        """Let the calls for jobs and credits fail, or work again."""
        self.kit.usage_status = status

    @rule(account=st.sampled_from(ACCOUNTS[1:]))
    def remove_account(self, account: str) -> None:
        """Remove an account from the list."""
        self.kit.api.accounts.pop(account, None)

    @rule(status=st.sampled_from([None, 402, 200]))
    def turn_api(self, status: int | None) -> None:
        """Let the API refuse, answer nonsense, or work again."""
        self.kit.status = status

    @rule(ahead=st.sampled_from([timedelta(0), timedelta(days=40), timedelta(days=-40), timedelta(hours=1)]))
    def set_clock(self, ahead: timedelta) -> None:
        """Set the clock of the machine, perhaps wrong."""
        self.clock.ahead = ahead

    @rule(channel=st.sampled_from(CHANNELS), condition=st.sampled_from(Condition))
    def change_channel(self, channel: int, condition: Condition) -> None:
        """Let a channel react to posts in another way."""
        self.channels.by_id[channel].condition = condition

    @rule(
        channel=st.sampled_from(CHANNELS),
        account=st.sampled_from([None, *ACCOUNTS]),
        lead_times=st.sampled_from(LEAD_TIMES),
        follow_ups=st.booleans(),
        credits_below=st.sampled_from([None, ENOUGH]),
    )
    def subscribe(
        self,
        channel: int,
        account: str | None,
        lead_times: tuple[int, ...],
        *,
        follow_ups: bool,
        credits_below: int | None = None,
    ) -> None:
        """Add a subscription on an account or on all, perhaps with other lead times than before."""
        terms = self.kit.subscribe(
            channel, account, lead_times, ROLE, follow_ups=follow_ups, credits_below=credits_below
        )
        self.runner.run(terms)

    @rule(number=st.integers(0, 3), do=st.sampled_from(["remove", "pause", "resume"]))
    def change_subscription(self, number: int, do: str) -> None:
        """Delete, pause or resume a subscription, as the commands do."""

        async def change() -> None:
            subscriptions = await self.kit.subscriptions()
            if number >= len(subscriptions):
                return
            one = subscriptions[number]
            self.edited.add(one.channel_id)
            async with self.kit.database.begin() as tx:
                if do == "remove":
                    await delete_subscription(tx, one)
                else:
                    paused_at = one.paused_at or self.clock.now()
                    await set_paused(tx, one, paused_at if do == "pause" else None)

        self.runner.run(change())

    @rule()
    def repair_everything(self) -> None:
        """Let everything work for a while: then nothing that is due is missing."""
        self.kit.status, self.kit.usage_status, self.clock.ahead = None, None, timedelta(0)
        for channel in self.channels.by_id.values():
            channel.condition = Condition.WORKS
        for _ in range(2):
            self.elapse(LONG)
            self.run_poll()
            self.confirm()
        self.nothing_is_missing()

    def nothing_is_missing(self) -> None:
        """Assert that each channel has heard how each account stands now."""
        subscriptions = self.runner.run(self.kit.subscriptions())
        for channel_id, channel in self.channels.by_id.items():
            here = {one.account_id: one for one in subscriptions if one.channel_id == channel_id}
            for account in self.kit.api.accounts:
                subscription = here.get(account) or here.get(None)
                if subscription is not None and subscription.paused_at is None:
                    self._assert_heard(channel_id, channel, account, subscription)

    def _assert_heard(self, channel_id: int, channel: Channel, account: str, subscription: Subscription) -> None:
        now, expires_at = self.clock.true, self._expiry(account)
        facts = Facts(expires_at, LIFE)
        posts = _about(channel.posts, account)
        if "error" in self.kit.api.accounts[account]:
            # One message about an error or about the expiry is enough.
            kinds = {(str(one.kind), one.stage > 0) for _, one in posts}
            assert {("error", False), ("failing", False), ("stage", False)} & kinds or _is_full(posts, now), (
                account,
                channel.heard,
            )
            return
        if any(job["config"] == account and job["code"] in FAILURES for job in self.kit.api.jobs):
            # Perhaps one message about failing jobs stands for all.
            return
        wish = Wish(subscription.lead_times, subscription.follow_ups, ROLE)
        last = max((post.at for post in channel.posts if _has_follow_up(post)), default=None)
        follow_ups = FollowUps(last, last and last + IN_DOUBT)
        verdicts = [
            limit(judge(facts, hearing, wish, now, is_readable=True), hearing, follow_ups, now)
            for hearing in self._hearings(account, channel_id, posts, wish, expires_at)
        ]
        is_missing = all(verdict.must for verdict in verdicts) and not _is_full(posts, now)
        assert not is_missing, (channel_id, account, str(verdicts[0]), channel.heard)

    def _hearings(
        self, account: str, channel_id: int, posts: list[tuple[Post, Heard]], wish: Wish, expires_at: datetime
    ) -> Iterator[Hearing]:
        """Yield what the channel has heard.

        Also if the expiry that counts as heard has moved along, and if a message about an error was found late.
        """
        hearing = Hearing(at=[post.at for post, _ in posts], has_gap=channel_id in self.edited)
        found_late = None
        for post, one in posts:
            if one.expires_at is None or one.kind not in ("stage", "renewed", "error", "failing"):
                continue
            found_late = None
            if one.kind in ("error", "failing"):
                hearing.told = Told(follow_up_stage(one.expires_at, post.at), one.expires_at)
                found_late = Told(follow_up_stage(one.expires_at, post.at + IN_DOUBT), one.expires_at)
            else:
                then = Facts(one.expires_at, LIFE).stage(post.at, wish.lead_times, follow_ups=wish.follow_ups)
                hearing.told = Told(one.stage if one.kind == "stage" else then, one.expires_at)
        yield hearing
        if found_late is not None:
            yield replace(hearing, told=found_late)
        if account in self.crept and hearing.told is not None:
            yield replace(hearing, told=Told(hearing.told.stage, expires_at))

    def _expiry(self, account: str) -> datetime:
        return datetime.fromtimestamp(self.kit.api.accounts[account]["jwt"]["exp"], UTC)

    def _remembered(self, channel_id: int) -> list[Post]:
        """Return the messages of a channel, with the notifications that still count."""
        posts, forgotten = [], self.forgotten.items()
        for number, post in enumerate(self.channels.by_id[channel_id].posts):
            gone = {account for (place, account), count in forgotten if place == channel_id and number < count}
            heard = tuple(one for one in post.heard if one.account_id not in gone)
            posts.append(replace(post, content=replace(post.content, heard=heard)))
        return posts

    @invariant()
    def nothing_is_repeated(self) -> None:
        """No message about an account says again what the last one said, nor a wider stage of the same login."""
        for channel_id in CHANNELS:
            posts = self._remembered(channel_id)
            for account in {one.account_id for post in posts for one in post.heard}:
                of_account = [one for _, one in _about(posts, account)]
                for before, after in pairwise(of_account):
                    is_same = (before.kind, before.ref) == (after.kind, after.ref) and not _is_later(before, after)
                    assert not is_same or after.stage < before.stage, of_account

    @invariant()
    def nothing_is_noise(self) -> None:
        """An account has at most three messages a day in a channel, and a channel one message with follow-ups."""
        for channel_id, channel in self.channels.by_id.items():
            for account in {one.account_id for one in channel.heard}:
                times = [post.at for post, _ in _about(channel.posts, account)]
                for first, last in zip(times, times[MOST_A_DAY:], strict=False):
                    assert last - first >= DAY - LEEWAY, (account, channel.posts)
            for first, last in pairwise(follow_ups_of(self._remembered(channel_id))):
                assert not _OCCASION < last - first < DAY - LEEWAY, channel.posts

    @invariant()
    def good_and_early_news_mention_nobody(self) -> None:
        """A message about renewals, new accounts or stages of over a week mentions nobody, any other one its role."""
        for channel in self.channels.by_id.values():
            for post in channel.posts:
                is_calm = all(one.kind in ("renewed", "new_account") or _is_early(one, post.at) for one in post.heard)
                assert post.content.roles == (() if is_calm else (ROLE,)), [news_of(one) for one in post.heard]

    @invariant()
    def new_accounts_are_offered_once(self) -> None:
        """No channel of the server is offered a reminder for an account that another one was offered."""
        posts = [post for channel in self.channels.by_id.values() for post in channel.posts]
        for account in ACCOUNTS:
            offered = sorted(post.at for post, one in _about(posts, account) if one.kind == "new_account")
            assert all(later - before >= _FORGOTTEN_AFTER for before, later in pairwise(offered)), (account, posts)

    @invariant()
    def nothing_failed(self) -> None:
        """No unexpected error was logged."""
        assert not self.kit.errors.messages, self.kit.errors.messages[0]


def _about(posts: Iterable[Post], account: str | None) -> list[tuple[Post, Heard]]:
    """Return the notifications about an account, each with its message."""
    return [(post, one) for post in posts for one in post.heard if one.account_id == account]


def _is_later(before: Heard, after: Heard) -> bool:
    """Whether the second notification is about a login that ends at least a day later."""
    if before.expires_at is None or after.expires_at is None:
        return False
    return after.expires_at - before.expires_at >= DAY


def _is_early(one: Heard, at: datetime) -> bool:
    left = None if one.expires_at is None else one.expires_at - at
    return one.stage > A_WEEK and (left is None or left > timedelta(days=A_WEEK))


def _has_follow_up(post: Post) -> bool:
    return any(one.is_follow_up for one in post.heard)


def _is_full(posts: list[tuple[Post, Heard]], now: datetime) -> bool:
    """Whether an account may have had its messages of a day, the first of which the bot may have found late."""
    return len([post for post, _ in posts if now - post.at < DAY + IN_DOUBT]) >= MOST_A_DAY
