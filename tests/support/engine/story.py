"""Tells what happens to one account, and what a channel hears about it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.store.assignments import delete_assignments_of
from tests.support.engine.channels import Condition
from tests.support.engine.kit import GUILD, Kit
from tests.support.oracle.court import news_of

ACCOUNT, CHANNEL = "1", 11
# Always listed: a list without any known account belongs to another useapi.net account.
BYSTANDER = "2"
ROLE = 77
LIFE = 30
STEP = timedelta(hours=6)


class Story:
    """A bot with one account that matters, and a channel with a reminder for all accounts."""

    def __init__(self, url: str, *, watches_jobs: bool = False) -> None:
        self.kit = Kit(url, [CHANNEL], watches_jobs=watches_jobs)
        self._told = 0

    async def begin(self, days: float | None, *lead_times: int, life: float | None = LIFE) -> list[str]:
        """Start with an account that expires in so many days, and a reminder; returns what the channel hears first."""
        await self.begin_without_reminder(days, life=life)
        await self.add_reminder(*lead_times)
        return await self.run()

    async def begin_without_reminder(self, days: float | None, *, life: float | None = LIFE) -> None:
        """Start with an account that expires in so many days, and let the bot read it."""
        await self.kit.open()
        self.kit.show(BYSTANDER, None, None, error=False)
        self.log_in(days, life=life)
        await self.run()

    async def add_reminder(self, *lead_times: int, follow_ups: bool = True) -> None:
        """Add a reminder for all accounts, or change it."""
        await self.kit.subscribe(CHANNEL, None, lead_times or (14, 7, 3, 1), ROLE, follow_ups=follow_ups)

    async def remove_reminder(self) -> None:
        """Remove the reminder for all accounts."""
        await self.kit.unsubscribe(CHANNEL)

    def log_in(self, days: float | None, *, life: float | None = LIFE, error: bool = False) -> datetime | None:
        """Let the account show a login that expires in so many days, or none; returns its expiry."""
        expires_at = None if days is None else self.kit.clock.true + timedelta(days=days)
        self.show(expires_at, life=life, error=error)
        return expires_at

    def show(self, expires_at: datetime | None, *, life: float | None = LIFE, error: bool = False) -> None:
        """Let the account show a login with this expiry, or none."""
        issued_at = None if expires_at is None or life is None else expires_at - timedelta(days=life)
        self.kit.show(ACCOUNT, expires_at, issued_at, error=error)

    def vanish(self) -> None:
        """Let the list lack the account."""
        del self.kit.api.accounts[ACCOUNT]

    async def hand_back(self, user_id: int) -> None:
        """Let a person hand everything back."""
        async with self.kit.database.begin() as tx:
            await delete_assignments_of(tx, GUILD, user_id)

    async def poll(self) -> list[str]:
        """Run one poll; returns what the channel heard in it."""
        await self.kit.poll()
        return self._new()

    async def run(self, days: float = 0, *, minutes: float = 3) -> list[str]:
        """Let the bot poll for so long; returns what the channel heard meanwhile.

        Every six hours is enough, unless the bot wants to confirm something.
        """
        clock = self.kit.clock
        until = clock.true + timedelta(days=days, minutes=minutes)
        while clock.true < until:
            await self.kit.poll()
            next_at = await self.kit.next_poll_at()
            is_soon = next_at < clock.true + self.kit.interval / 2
            clock.true = max(clock.true, min(next_at if is_soon else clock.true + STEP, until))
        await self.kit.poll()
        return self._new()

    async def flap(self, days: int, fail: Callable[[], None], recover: Callable[[], None]) -> list[str]:
        """Let something fail for so many days, but for one poll every 23 hours; returns what the channel heard."""
        heard: list[str] = []
        until = self.kit.clock.true + timedelta(days=days)
        while self.kit.clock.true < until:
            fail()
            heard += await self.run(days=23 / 24)
            recover()
            heard += await self.poll()
        return heard

    async def turn_off(self, days: float) -> None:
        """Let the bot be off for so many days."""
        await self.kit.stop()
        self.kit.clock.true += timedelta(days=days)
        await self.kit.start()

    def refuse(self, *, does_refuse: bool) -> None:
        """Let the channel refuse messages, or accept them again."""
        self.kit.channels.by_id[CHANNEL].condition = Condition.REFUSES if does_refuse else Condition.WORKS

    @property
    def mentioned(self) -> tuple[int, ...]:
        """Return whom the last message mentions."""
        content = self.kit.channels.by_id[CHANNEL].posts[-1].content
        return (*content.roles, *content.users)

    @property
    def signs(self) -> list[str]:
        """Return the sign that the last message began with at each time it was written, as a post or an edit."""
        channel = self.kit.channels.by_id[CHANNEL]
        return [one.message.content[0] for one in channel.versions if one.post is channel.posts[-1]]

    @property
    def all_signs(self) -> set[str]:
        """Return the signs of all messages, posts and edits."""
        return {one.message.content[0] for one in self.kit.channels.by_id[CHANNEL].versions}

    def _new(self) -> list[str]:
        heard = self.kit.channels.by_id[CHANNEL].heard
        new, self._told = heard[self._told :], len(heard)
        assert not self.kit.errors.messages, self.kit.errors.messages[0]
        return [str(news_of(one)) for one in new]
