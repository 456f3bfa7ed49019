"""Renews the accounts that people in the demo are on; the first one signs in with the wrong Google account before."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from simcord.backend.errors import SetupError

from bot.demo.accounts import STRAY, build_jobs, build_stray, expiry_of, renewed
from bot.demo.travel import DemoClock, when_idle
from bot.errors import BotError
from bot.reminders.assignments import load_renewing
from bot.reminders.poller import Poller
from bot.store.database import Database
from bot.store.leases import FIRST_EPOCH
from bot.useapi.fake import FakeApi

_TICK_SECONDS = 0.5
_LOG = logging.getLogger(__name__)


class Renewals:
    """Changes accounts of the fake API, and keeps these changes when days pass.

    A change comes after so many seconds; `on_change` is called once the bot has seen it.
    """

    # Long enough to read what the message says meanwhile.
    seconds = 8.0

    def __init__(self, database: Database, guild_id: int, clock: DemoClock, api: FakeApi, poller: Poller) -> None:
        self._database, self._guild_id = database, guild_id
        self._clock, self._api, self._poller = clock, api, poller
        self._changed: dict[str, dict[str, Any]] = {}
        self._renewing: dict[str, asyncio.Task[None]] = {}
        self.on_change: Callable[[], Awaitable[None]] | None = None

    def apply(self) -> None:
        """Let the API list what was changed, unless an account has had a later login since; jobs follow it."""
        for account_id, entry in self._changed.items():
            listed = self._api.accounts.get(account_id)
            if listed is None or expiry_of(listed) < expiry_of(entry):
                self._api.accounts[account_id] = entry
        self._api.jobs = build_jobs(self._api.accounts, self._clock.today, self._clock.now())

    async def keep_going(self) -> None:
        """Renew each account that somebody is on."""
        try:
            while True:
                await asyncio.sleep(_TICK_SECONDS)
                self._renewing = {key: task for key, task in self._renewing.items() if not task.done()}
                for account_id in await self._find_taken() - self._renewing.keys():
                    self._renewing[account_id] = asyncio.create_task(self._renew(account_id))
        finally:
            for task in self._renewing.values():
                task.cancel()

    async def _find_taken(self) -> set[str]:
        async with self._database.begin() as tx:
            return await load_renewing(tx, [self._guild_id], self._clock.now())

    async def _renew(self, account_id: str) -> None:
        """Renew an account after some seconds, unless it is handed back before."""
        try:
            await asyncio.sleep(self.seconds)
            if STRAY not in self._changed and account_id in await self._find_taken():
                await self._change(STRAY, build_stray(self._clock.now()))
                await asyncio.sleep(self.seconds)
            if account_id in await self._find_taken():
                await self._change(account_id, renewed(self._api.accounts[account_id], self._clock.now()))
        except (BotError, SetupError):
            _LOG.exception("A renewal in the demo ended early")

    async def _change(self, account_id: str, entry: dict[str, Any]) -> None:
        """Let the API list an account so, and the bot see it: two readings confirm an expiry."""
        self._changed[account_id] = self._api.accounts[account_id] = entry
        for _ in range(2):
            await self._poller.poll_closely(FIRST_EPOCH)
        if self.on_change is not None:
            await when_idle(self.on_change)
