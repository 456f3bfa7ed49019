"""Lets time pass in the demo: a day at a time, each with its pass, at the press of a button in the channel."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import discord
import simcord
from simcord.backend.errors import SetupError

from bot.core.wording import say_count, say_date
from bot.demo.accounts import build_accounts
from bot.errors import BotError
from bot.reminders.poller import Poller
from bot.store.leases import FIRST_EPOCH
from bot.useapi.fake import FakeApi

DAY = timedelta(days=1)
LEAPS = (1, 7)
_COLOUR = 0x5865F2
_TRIES = 100
_APART_SECONDS = 0.1
_LOG = logging.getLogger(__name__)


class DemoClock:
    """Simulated time, which goes on at the real one's pace; `today` is when the demo was started."""

    def __init__(self, real_now: Callable[[], datetime], *, days_before: int) -> None:
        self._real_now = real_now
        self.today = real_now()
        self._before = days_before * DAY
        self._env: simcord.Env | None = None

    def now(self) -> datetime:
        """Return the time in the demo."""
        simulated = self.today - self._before if self._env is None else self._env.now()
        return simulated + (self._real_now() - self.today)

    async def follow(self, env: simcord.Env) -> None:
        """Move the simulated Discord to some days before today, and take its time from then on."""
        await env.advance_time((self.today - self._before - env.now()).total_seconds())
        self._env = env


class Travel:
    """Moves the demo's time; `arrived` is called after each journey that a button began."""

    def __init__(self, env: simcord.Env, clock: DemoClock, standin: FakeApi, poller: Poller) -> None:
        self._env, self._clock = env, clock
        self._standin, self._passes = standin, poller
        self._departures: asyncio.Queue[int] = asyncio.Queue()
        self._offered: discord.Message | None = None
        self.arrived: Callable[[], Awaitable[None]] | None = None

    async def go(self, days: int) -> None:
        """Let days pass, with a pass of the bot on each of them."""
        for _ in range(days):
            await self.move_on()
            await self._passes.poll_once(FIRST_EPOCH)

    async def move_on(self) -> None:
        """Let a day pass, and the accounts be as they are then."""
        await _when_idle(lambda: self._env.advance_time(DAY.total_seconds()))
        self._standin.accounts = build_accounts(self._clock.today, self._clock.now())

    async def offer(self, channel: discord.abc.Messageable) -> None:
        """Put the buttons at the end of the channel."""
        view = _Buttons(self._departures.put_nowait)
        self._offered = await channel.send(embed=_describe(self._clock.now()), view=view)

    async def keep_going(self) -> None:
        """Travel whenever a button is pressed; the buttons come along."""
        while True:
            days = await self._departures.get()
            try:
                await self.go(days)
            except (BotError, SetupError, TimeoutError):
                _LOG.exception("The journey ended early")
            assert self._offered is not None
            with contextlib.suppress(discord.NotFound):
                await self._offered.delete()
            await self.offer(self._offered.channel)
            if self.arrived is not None:
                await _when_idle(self.arrived)


async def _when_idle(work: Callable[[], Awaitable[None]]) -> None:
    """Do what simcord refuses while it does something else, such as answering the visitor."""
    for _ in range(_TRIES):
        try:
            return await work()
        except SetupError:
            await asyncio.sleep(_APART_SECONDS)
    return await work()


def _describe(now: datetime) -> discord.Embed:
    text = (
        f"It is **{say_date(now)}** here. Let days pass, and see what the bot says on each of them.\n"
        "Mateo renews his login two days after it has expired: his red reminders turn green. Priya forgets hers."
    )
    card = discord.Embed(title="Time travel", description=text, colour=_COLOUR)
    return card.set_footer(text="This message is the demo's own. Refresh preview, above, shows what came by itself")


class _Buttons(discord.ui.View):
    def __init__(self, depart: Callable[[int], None]) -> None:
        super().__init__(timeout=None)
        for days in LEAPS:
            self.add_item(_Leap(days, depart))


class _Leap(discord.ui.Button[Any]):
    """Moves the demo some days on. Answers at once: time moves only when simcord has nothing else to do."""

    def __init__(self, days: int, depart: Callable[[int], None]) -> None:
        label = f"{say_count(days, 'day')} later"
        super().__init__(label=label, style=discord.ButtonStyle.primary, custom_id=f"demo:leap:{days}")
        self._days, self._depart = days, depart

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Take the buttons away and set off."""
        text = f"{say_count(self._days, 'day')} later, in a moment"
        await interaction.response.edit_message(embed=discord.Embed(title=text, colour=_COLOUR), view=None)
        self._depart(self._days)
