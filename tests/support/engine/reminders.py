"""The events that the reminder engine may meet, as rules of a state machine, and the invariants that hold."""

from datetime import UTC, datetime, timedelta

from aiohttp import web
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from bot.core.accounts import AccountSnapshot
from bot.core.notifications import Kind
from bot.core.stages import EXPIRED, reached_stages
from bot.core.subscriptions import NewSubscription, Subscription, subscription_for
from bot.reminders.planning import delete_unwanted
from bot.store.accounts import get_snapshots
from bot.store.subscriptions import delete_subscription, put_subscription, set_paused
from tests.support.engine.channels import Condition, Heard
from tests.support.engine.engine import CHANNELS, GUILD, START, Engine

# Always listed: a list without any known account belongs to another useapi.net account.
ANCHOR = "1"
ACCOUNTS = (ANCHOR, "2", "3")
LEAD_TIMES = [(14, 7, 3, 1), (20, 2), (7,)]
# Longer than a channel waits after a refusal.
LONG = timedelta(hours=7)
# After that, notifications that a channel refused are deleted.
GIVEN_UP = timedelta(days=6)


async def _refuse(_request: web.Request) -> web.Response:
    return web.Response(status=402)


class Reminders(Engine):
    """The events and the invariants."""

    @initialize(days=st.integers(1, 29))
    def begin(self, days: int) -> None:
        """Begin with one account that all channels have a reminder for."""
        self._set_expiry(ANCHOR, START + timedelta(days=days))
        for channel_id in CHANNELS:
            self.subscribe(channel_id, None, LEAD_TIMES[0])

    @rule()
    def poll(self) -> None:
        """Run a poll."""
        self.runner.run(self._poll())

    @rule(days=st.sampled_from([-40, -1, 1, 40]))
    def poll_with_wrong_clock(self, days: int) -> None:
        """Run a poll while the machine's clock is wrong: nothing is posted."""
        posts = [len(channel.posts) for channel in self.channels.by_id.values()]
        self.ahead = timedelta(days=days)
        self.poll()
        self.ahead = timedelta(0)
        assert [len(channel.posts) for channel in self.channels.by_id.values()] == posts

    @rule(steps=st.integers(1, 40), late=st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=30)]))
    def crash(self, steps: int, late: timedelta) -> None:
        """Let the process die at some step of a poll, and come back later."""
        self.life.left = steps
        self.runner.run(self._poll())
        self.runner.run(self._die())
        self.now += late

    @rule(
        days=st.sampled_from([0, 2, 6]),
        condition=st.sampled_from([Condition.REFUSES, Condition.AWAY, Condition.NO_HISTORY]),
    )
    def crash_at_post(self, days: int, condition: Condition) -> None:
        """Let the process die between a post and its answer, and find channels that show less; then all works."""
        self.now += timedelta(days=days)
        self.life.ends_at_post = True
        self.runner.run(self._poll())
        self.life.ends_at_post = False
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
        self.now += timedelta(days=days)
        for channel in CHANNELS:
            self.change_channel(channel, condition)
        self.poll()
        self.repair_everything()

    @rule(hours=st.sampled_from([1, 7, 25, 49, 120]))
    def wait(self, hours: int) -> None:
        """Let time pass, and then run a poll."""
        self.now += timedelta(hours=hours)
        for channel_id, channel in self.channels.by_id.items():
            if channel.refusing_since is not None and self.now - channel.refusing_since > GIVEN_UP:
                self.given_up |= {(channel_id, account) for account in ACCOUNTS}
        self.poll()

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(-3, 29))
    def renew(self, account: str, days: int) -> None:
        """Give an account, new or not, a login that ends on another day, and run a poll."""
        self._set_expiry(account, self.now + timedelta(days=days, hours=-1))
        self.poll()

    @rule(account=st.sampled_from(ACCOUNTS), hours=st.integers(-10, 10))
    def roll(self, account: str, hours: int) -> None:
        """Move an expiry a little, as the API does by itself."""
        if account in self.api.accounts:
            expires = datetime.fromtimestamp(self.api.accounts[account]["jwt"]["exp"], UTC)
            self._set_expiry(account, expires + timedelta(hours=hours))

    @rule(account=st.sampled_from(ACCOUNTS), days=st.integers(2, 20))
    def flap(self, account: str, days: int) -> None:
        """Let an account show another login for one poll, then its own again."""
        if account in self.api.accounts:
            own = self.api.accounts[account]
            self._set_expiry(account, self.now + timedelta(days=days))
            self.runner.run(self._poll())
            self.api.accounts[account] = own

    @rule(account=st.sampled_from(ACCOUNTS[1:]))
    def remove_account(self, account: str) -> None:
        """Remove an account from the list."""
        self.api.accounts.pop(account, None)

    @rule(is_down=st.booleans())
    def turn_api(self, *, is_down: bool) -> None:
        """Let the API fail, or work again."""
        self.api.behave = _refuse if is_down else None

    @rule(channel=st.sampled_from(CHANNELS), condition=st.sampled_from(Condition))
    def change_channel(self, channel: int, condition: Condition) -> None:
        """Let a channel react to posts in another way."""
        self.channels.by_id[channel].condition = condition

    @rule(
        channel=st.sampled_from(CHANNELS),
        account=st.sampled_from([None, *ACCOUNTS]),
        lead_times=st.sampled_from(LEAD_TIMES),
    )
    def subscribe(self, channel: int, account: str | None, lead_times: tuple[int, ...]) -> None:
        """Add a subscription on an account or on all, perhaps with other lead times than before."""

        async def add() -> None:
            new = NewSubscription(GUILD, channel, "pipeline", account, lead_times, None, 1)
            async with self.database.begin() as tx:
                await put_subscription(tx, new)

        self.runner.run(add())

    @rule(number=st.integers(0, 3), do=st.sampled_from(["remove", "pause", "resume"]))
    def change_subscription(self, number: int, do: str) -> None:
        """Delete, pause or resume a subscription, as the commands do."""

        async def change() -> None:
            subscriptions = await self._subscriptions()
            if number >= len(subscriptions):
                return
            one = subscriptions[number]
            async with self.database.begin() as tx:
                if do == "remove":
                    await delete_subscription(tx, one)
                else:
                    await set_paused(tx, one, (one.paused_at or self.now) if do == "pause" else None)
                if do != "resume":
                    await delete_unwanted(tx, one.channel_id)

        self.runner.run(change())

    @rule()
    def repair_everything(self) -> None:
        """Let everything work for a while: then nothing that is due is missing."""
        self.api.behave = None
        for channel in self.channels.by_id.values():
            channel.condition = Condition.WORKS
        for _ in range(2):
            self.now += LONG
            self.runner.run(self._poll())
        self.runner.run(self._assert_nothing_missing())

    async def _assert_nothing_missing(self) -> None:
        subscriptions = await self._subscriptions()
        async with self.database.begin() as tx:
            snapshots = await get_snapshots(tx)
        for channel_id in CHANNELS:
            here = [one for one in subscriptions if one.channel_id == channel_id]
            for account in self.api.accounts:
                subscription = subscription_for(account, here)
                if subscription is not None and (channel_id, account) not in self.given_up:
                    self._assert_heard(subscription, channel_id, snapshots[account])

    def _assert_heard(self, subscription: Subscription, channel_id: int, snapshot: AccountSnapshot) -> None:
        assert snapshot.login is not None
        account, heard = snapshot.account.id, self.channels.by_id[channel_id].heard
        expires = datetime.fromtimestamp(self.api.accounts[account]["jwt"]["exp"], UTC)
        due = min(reached_stages({*subscription.lead_times, EXPIRED}, expires - self.now), default=None)
        logins = {snapshot.login.id, snapshot.login.previous_id}
        stages = [one.stage for one in heard if one.account_id == account and one.kind is Kind.STAGE]
        of_logins = [one.stage for one in heard if one.kind is Kind.STAGE and one.ref in logins]
        is_over = Heard(account, Kind.RENEWED, snapshot.login.id, 0) in heard
        # About a renewed account, only a stage tighter than the last one sent is due.
        assert due is None or is_over or min(of_logins, default=999) <= due, (account, due, stages, heard)

    @invariant()
    def nothing_is_sent_twice_or_too_late(self) -> None:
        """No stage twice, none wider after a tighter one, none about a login after its renewal."""
        for channel in self.channels.by_id.values():
            heard = channel.heard
            assert len(set(heard)) == len(heard), heard
            for number, one in enumerate(heard):
                later = [other for other in heard[number + 1 :] if other.about == one.about]
                if one.kind is Kind.RENEWED:
                    assert not later, heard
                elif one.kind is Kind.STAGE:
                    assert all(other.stage < one.stage for other in later if other.kind is Kind.STAGE), heard

    @invariant()
    def nothing_failed(self) -> None:
        """No unexpected error was logged."""
        assert not self.errors.messages, self.errors.messages[0]
