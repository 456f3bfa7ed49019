"""Lets time pass in the demo, day by day with a poll each, when a button in the channel is pressed."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import discord
import simcord
from simcord.backend.errors import SetupError

from bot.core.wording import say_count
from bot.demo.accounts import set_scene
from bot.errors import BotError
from bot.reminders.poller import Poller
from bot.store.leases import FIRST_EPOCH
from bot.useapi.fake import FakeApi

DAY = timedelta(days=1)
JUMPS = (1, 7)
_COLOUR = 0x5865F2
_TRIES = (
    "**Look up an account**: type `/minimax-account m`, choose an account, press Enter.",
    "**Let time pass**: press *1 day later* below. Mateo renews two days after his login expires; Priya forgets.",
    "**Take a reminder**: press *I'm on it* under it, and wait. You sign in with the wrong Google account, then renew.",
)
_ATTEMPTS = 100
_APART_SECONDS = 0.1
_TICK_SECONDS = 0.25
_LOG = logging.getLogger(__name__)


class DemoClock:
    """The simulated Discord's time, which runs as fast as real time; `today` is when the demo was started."""

    def __init__(self, real_now: Callable[[], datetime], *, days_before: int) -> None:
        self._real_now = real_now
        self.today = self._seen = real_now()
        self._before = days_before * DAY
        self._env: simcord.Env | None = None

    def now(self) -> datetime:
        """Return the time in the demo, to which the simulated Discord's clock is set: by itself it stands still."""
        real = self._real_now()
        gone, self._seen = real - self._seen, real
        if self._env is None:
            return real - self._before
        self._env.backend.advance_clock(max(gone.total_seconds(), 0.0))
        return self._env.now()

    async def keep_running(self) -> None:
        """Move the simulated Discord's clock in small steps, as an interaction expires after three of its seconds."""
        while True:
            self.now()
            await asyncio.sleep(_TICK_SECONDS)

    async def follow(self, env: simcord.Env) -> None:
        """Set the simulated Discord to some days before today, and follow its time from then on."""
        await env.advance_time((self.today - self._before - env.now()).total_seconds())
        self._env = env


class Travel:
    """Moves the demo's time.

    `on_new_day` is called when the accounts are those of another day, `on_arrival` after each jump that a button began.
    """

    def __init__(self, env: simcord.Env, clock: DemoClock, api: FakeApi, poller: Poller) -> None:
        self._env, self._clock = env, clock
        self._api, self._poller = api, poller
        self._requested: asyncio.Queue[int] = asyncio.Queue()
        self._controls: discord.Message | None = None
        self.on_new_day: Callable[[], None] | None = None
        self.on_arrival: Callable[[], Awaitable[None]] | None = None

    async def go(self, days: int) -> None:
        """Let days pass, with two polls on each of them: the second one confirms what the first one read."""
        for _ in range(days):
            await self.pass_day()
            await self.poll_twice()

    async def poll_twice(self) -> None:
        """Let the bot poll, and send what is due by now."""
        await self._poller.poll_once(FIRST_EPOCH)
        await self._poller.poll_once(FIRST_EPOCH)

    async def pass_day(self) -> None:
        """Let a day pass, and the accounts change as they do on that day."""
        await when_idle(lambda: self._env.advance_time(DAY.total_seconds()))
        set_scene(self._api, self._clock.today, self._clock.now())
        if self.on_new_day is not None:
            self.on_new_day()

    async def offer(self, channel: discord.abc.Messageable) -> None:
        """Post the message that says what to try, with the buttons, at the end of the channel."""
        view = _Buttons(self._requested.put_nowait)
        self._controls = await channel.send(embed=_describe(self._clock.now()), view=view)

    async def keep_going(self) -> None:
        """Jump ahead whenever a button is pressed, and move the buttons to the end of the channel."""
        while True:
            days = await self._requested.get()
            try:
                await self.go(days)
            except (BotError, SetupError, TimeoutError):
                _LOG.exception("The jump ended early")
            assert self._controls is not None
            with contextlib.suppress(discord.NotFound):
                await self._controls.delete()
            await self.offer(self._controls.channel)
            if self.on_arrival is not None:
                await when_idle(self.on_arrival)


async def when_idle(work: Callable[[], Awaitable[None]]) -> None:
    """Do work that simcord refuses while it does something else, such as answering the visitor."""
    for _ in range(_ATTEMPTS):
        try:
            return await work()
        except SetupError:
            await asyncio.sleep(_APART_SECONDS)
    return await work()


def _describe(now: datetime) -> discord.Embed:
    lines = [f"Demo: today is **{discord.utils.format_dt(now, 'D')}**."]
    lines += [f"**{number}.** {words}" for number, words in enumerate(_TRIES, 1)]
    return discord.Embed(title="Three things to try", description="\n".join(lines), colour=_COLOUR)


class _Buttons(discord.ui.View):
    def __init__(self, jump: Callable[[int], None]) -> None:
        super().__init__(timeout=None)
        for days in JUMPS:
            self.add_item(_JumpButton(days, jump))


class _JumpButton(discord.ui.Button[Any]):
    """Requests a jump of some days and answers at once: time moves only when simcord has nothing else to do."""

    def __init__(self, days: int, jump: Callable[[int], None]) -> None:
        label = f"{say_count(days, 'day')} later"
        super().__init__(label=label, style=discord.ButtonStyle.primary, custom_id=f"demo:jump:{days}")
        self._days, self._jump = days, jump

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Remove the buttons and request the jump."""
        text = f"Jumping ahead {say_count(self._days, 'day')}…"
        await interaction.response.edit_message(embed=discord.Embed(title=text, colour=_COLOUR), view=None)
        self._jump(self._days)
