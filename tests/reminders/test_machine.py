"""The reminders under everything at once: accounts, watches, channels, the API and the process come and go.

Longer by hand: `python -m pytest tests/reminding --hypothesis-profile=long`.
Where CI is set, Hypothesis draws the same examples each time.
"""

from datetime import UTC, datetime, timedelta

from aiohttp import web
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from bot.core.stages import EXPIRED, crossed_stages
from bot.reminders.planning import drop_unsubscribed, subscription_for
from bot.store.accounts import AccountSnapshot, get_snapshots
from bot.store.notifications import Kind, Notification
from bot.store.subscriptions import (
    NewSubscription,
    Subscription,
    delete_subscription,
    pause_subscription,
    put_subscription,
)
from bot.store.tables import ALL_ACCOUNTS
from tests.support.engine.channels import Mood, Said
from tests.support.engine.engine import CHANNELS, GUILD, START, Engine

# Always listed: a list without any known account is no news, but another token's.
ANCHOR = "1"
ACCOUNTS = (ANCHOR, "2", "3")
STEPS = [(14, 7, 3, 1), (20, 2), (7,)]
# Longer than a channel waits after a refusal.
LONG = timedelta(hours=7)
# After that what a channel refused is dropped.
GIVEN_UP = timedelta(days=6)


async def _refuse(_request: web.Request) -> web.Response:
    return web.Response(status=402)


class Reminders(Engine):
    """Whatever may come to the engine, as rules, and what must hold all the same."""

    @initialize(days=st.integers(1, 29))
    def begin(self, days: int) -> None:
        """Begin with one account that is watched in all channels."""
        self._set_expiry(ANCHOR, START + timedelta(days=days))
        for channel_id in CHANNELS:
            self.add_subscription(channel_id, ALL_ACCOUNTS, STEPS[0])

    @rule()
    def make_poll(self) -> None:
        """Let a pass come."""
        self.runner.run(self._poll())

    @rule(stages=st.integers(1, 40), late=st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=30)]))
    def crash(self, stages: int, late: timedelta) -> None:
        """Let the process die at some step of a pass, and come back later."""
        self.life.left = stages
        self.runner.run(self._poll())
        self.runner.run(self._die())
        self.now += late

    @rule(days=st.sampled_from([0, 2, 6]), mood=st.sampled_from([Mood.REFUSES, Mood.AWAY, Mood.NO_HISTORY]))
    def crash_at_post(self, days: int, mood: Mood) -> None:
        """Let the process die between a post and its answer, and find channels that tell less; then all is well."""
        self.now += timedelta(days=days)
        self.life.ends_at_post = True
        self.runner.run(self._poll())
        self.life.ends_at_post = False
        for channel in CHANNELS:
            self.turn_channel(channel, mood)
        self.make_poll()
        self.mend_everything()

    @rule(days=st.sampled_from([0, 2, 6]), mood=st.sampled_from([Mood.CLOSES, Mood.HANGS, Mood.VANISHES]))
    def leave_in_doubt(self, days: int, mood: Mood) -> None:
        """Let no channel tell whether a post arrived, whether it did or not; then all is well."""
        self.now += timedelta(days=days)
        for channel in CHANNELS:
            self.turn_channel(channel, mood)
        self.make_poll()
        self.mend_everything()

    @rule(hours=st.sampled_from([1, 7, 25, 49, 120]))
    def wait(self, hours: int) -> None:
        """Let time pass, and then a pass come."""
        self.now += timedelta(hours=hours)
        for channel_id, channel in self.channels.by_id.items():
            if channel.refusing_since is not None and self.now - channel.refusing_since > GIVEN_UP:
                self.given_up |= {(channel_id, account) for account in ACCOUNTS}
        self.make_poll()

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(-3, 29))
    def renew(self, account: str, days: int) -> None:
        """Give an account, new or not, a token that ends on another day, and let a pass come."""
        self._set_expiry(account, self.now + timedelta(days=days, hours=-1))
        self.make_poll()

    @rule(account=st.sampled_from(ACCOUNTS), hours=st.integers(-10, 10))
    def roll(self, account: str, hours: int) -> None:
        """Move an expiry a little, as the API does by itself."""
        if account in self.api.accounts:
            expires = datetime.fromtimestamp(self.api.accounts[account]["jwt"]["exp"], UTC)
            self._set_expiry(account, expires + timedelta(hours=hours))

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(2, 20))
    def flap(self, account: str, days: int) -> None:
        """Let an account show another token for one pass, then its own again."""
        if account in self.api.accounts:
            own = self.api.accounts[account]
            self._set_expiry(account, self.now + timedelta(days=days))
            self.runner.run(self._poll())
            self.api.accounts[account] = own

    @rule(account=st.sampled_from(ACCOUNTS[1:]))
    def take_away(self, account: str) -> None:
        """Take an account from the list."""
        self.api.accounts.pop(account, None)

    @rule(is_down=st.booleans())
    def turn_api(self, *, is_down: bool) -> None:
        """Take the API down, or up again."""
        self.api.behave = _refuse if is_down else None

    @rule(channel=st.sampled_from(CHANNELS), mood=st.sampled_from(Mood))
    def turn_channel(self, channel: int, mood: Mood) -> None:
        """Let a channel take posts in another way."""
        self.channels.by_id[channel].mood = mood

    @rule(
        channel=st.sampled_from(CHANNELS),
        account=st.sampled_from([ALL_ACCOUNTS, *ACCOUNTS]),
        days=st.sampled_from(STEPS),
    )
    def add_subscription(self, channel: int, account: str, days: tuple[int, ...]) -> None:
        """Let a channel watch an account or all, perhaps with other lead times than before."""

        async def add() -> None:
            new = NewSubscription(GUILD, channel, "pipeline", account, days, None, None, 1)
            async with self.database.begin() as tx:
                await put_subscription(tx, new, self.now)

        self.runner.run(add())

    @rule(number=st.integers(0, 3), do=st.sampled_from(["remove", "pause", "resume"]))
    def change_watch(self, number: int, do: str) -> None:
        """Remove, pause or resume a watch, as the commands do."""

        async def change() -> None:
            subscriptions = await self._subscriptions()
            if number >= len(subscriptions):
                return
            subscription = subscriptions[number]
            async with self.database.begin() as tx:
                if do == "remove":
                    await delete_subscription(tx, subscription)
                else:
                    await pause_subscription(
                        tx, subscription, (subscription.paused_at or self.now) if do == "pause" else None
                    )
                if do != "resume":
                    await drop_unsubscribed(tx, subscription.channel_id)

        self.runner.run(change())

    @rule()
    def mend_everything(self) -> None:
        """Let all be well for a while: then nothing that is due is missing."""
        self.api.behave = None
        for channel in self.channels.by_id.values():
            channel.mood = Mood.WORKS
        for _ in range(2):
            self.now += LONG
            self.runner.run(self._poll())
        self.runner.run(self._assert_nothing_missing())

    async def _assert_nothing_missing(self) -> None:
        subscriptions = await self._subscriptions()
        async with self.database.begin() as tx:
            known = await get_snapshots(tx)
        for channel_id in CHANNELS:
            here = [subscription for subscription in subscriptions if subscription.channel_id == channel_id]
            for account in self.api.accounts:
                subscription = subscription_for(Notification(GUILD, channel_id, account, Kind.STEP, 0), here)
                if subscription is not None and (channel_id, account) not in self.given_up:
                    self._assert_told(subscription, channel_id, known[account])

    def _assert_told(self, subscription: Subscription, channel_id: int, known: AccountSnapshot) -> None:
        assert known.login is not None
        account, said = known.account.id, self.channels.by_id[channel_id].said
        expires = datetime.fromtimestamp(self.api.accounts[account]["jwt"]["exp"], UTC)
        due = min(crossed_stages({*subscription.days, EXPIRED}, expires - self.now), default=None)
        logins = {known.login.id, known.login.previous_id}
        heard = [one.stage for one in said if one.account_id == account and one.kind is Kind.STEP and one.ref in logins]
        is_over = Said(account, Kind.RENEWED, known.login.id, 0) in said
        # Of a renewed account only what is worse than what was said before is news.
        assert due is None or is_over or min(heard, default=999) <= due, (account, due, said)

    @invariant()
    def nothing_is_said_twice_or_too_late(self) -> None:
        """No step twice, none wider after a tighter one, none about a token whose renewal was said."""
        for channel in self.channels.by_id.values():
            said = channel.said
            assert len(set(said)) == len(said), said
            for number, one in enumerate(said):
                of_same = [other for other in said[number + 1 :] if other.about == one.about]
                if one.kind is Kind.RENEWED:
                    assert not of_same, said
                elif one.kind is Kind.STEP:
                    assert all(other.stage < one.stage for other in of_same if other.kind is Kind.STEP), said

    @invariant()
    def nothing_failed(self) -> None:
        """Nothing went wrong that nobody foresaw."""
        assert not self.errors.messages, self.errors.messages[0]


TestReminders = Reminders.TestCase
# A fifth of the examples that other tests take: each of these is a story.
TestReminders.settings = settings(deadline=None, max_examples=settings().max_examples // 10, stateful_step_count=40)
