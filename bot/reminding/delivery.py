"""Does it once: groups what is owed into messages, sends them, and finds out what became of them.

A crash at any point neither loses nor doubles: a message is stored, with its nonce, before it is sent.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.store.accounts import Known, get_known
from bot.store.database import Database
from bot.store.deliveries import (
    Kind,
    Message,
    Owed,
    Target,
    claim,
    dissolve,
    drop,
    get_pending,
    get_ready_channels,
    get_target,
    get_unsettled,
    mark_sent,
    put_target,
)
from bot.store.leader import ensure_leads
from bot.store.watches import Watch, get_watches_in

_LOG = logging.getLogger(__name__)

# Discord remembers a nonce for "a few minutes"; within this time the same one can't make a second message.
NONCE_WINDOW = timedelta(seconds=120)
_RETRY_AFTER = (2.0, 10.0, 30.0, 60.0)
_NONCE_BYTES = 12
_TRANSIENT_WAITS = (timedelta(minutes=5), timedelta(minutes=15))
_REFUSED_WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))


class Refused(Exception):
    """The message certainly did not arrive; `is_lasting` if the channel itself says no."""

    def __init__(self, reason: str, *, is_lasting: bool) -> None:
        super().__init__(reason)
        self.is_lasting = is_lasting


class Uncertain(Exception):
    """The message may or may not have arrived."""


class Sender(Protocol):
    """What sends; the discord side implements it."""

    async def post(self, channel_id: int, payload: dict[str, Any], nonce: str) -> int | None:
        """Post a message and return its id, None if it arrived and was deleted.

        Raises:
            Refused, Uncertain.
        """

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:
        """Look for our message in the channel's history since then; return its id, None if it is not there.

        Raises:
            Refused: the history may not be read. Uncertain: it can't be read now.
        """


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery with what is needed to word it."""

    owed: Owed
    known: Known | None
    watch: Watch | None


Render = Callable[[Sequence[Item], str, datetime], tuple[dict[str, Any], int]]


def footer_id(nonce: str) -> str:
    """Return the short id under a message, by which it is found again."""
    return nonce[:8]


class Delivery:
    """Sends what is owed, one message a channel at a time, all channels side by side."""

    def __init__(
        self,
        *,
        database: Database,
        sender: Sender,
        render: Render,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._sender = sender
        self._render = render
        self._now = now
        self._sleep = sleep

    async def settle(self) -> None:
        """Find out what became of messages that an earlier run, or an outage, left under way."""
        async with self._database.begin() as tx:
            unsettled = [message for message in await get_unsettled(tx) if message.next_try_at <= self._now()]
        await asyncio.gather(*(self._guard(self._carry_through(message, is_doubtful=True)) for message in unsettled))

    async def send_due(self, epoch: int) -> None:
        """Send everything that is owed and may be sent now."""
        async with self._database.begin() as tx:
            channels = await get_ready_channels(tx, self._now())
        await asyncio.gather(*(self._guard(self._send_to(channel_id, epoch)) for channel_id in channels))

    async def _guard(self, work: Awaitable[object]) -> None:
        """Keep the trouble of one channel from the others."""
        try:
            await work
        except Exception:  # the edge of one channel's delivery; what it left under way is settled in the next pass
            _LOG.exception("Delivery to a channel failed")

    async def _send_to(self, channel_id: int, epoch: int) -> None:
        while message := await self._claim_next(channel_id, epoch):
            if not await self._carry_through(message):
                return

    async def _claim_next(self, channel_id: int, epoch: int) -> Message | None:
        async with self._database.begin() as tx:
            await ensure_leads(tx, epoch)
            pending = await get_pending(tx, channel_id)
            known = await get_known(tx, {owed.account_id for owed in pending})
            watches = await get_watches_in(tx, {channel_id})
            items = [Item(owed, known.get(owed.account_id), _watch_for(owed, watches)) for owed in pending]
            kept = [item for item in items if _is_still_owed(item)]
            await drop(tx, [item.owed.id for item in items if item not in kept])
            if not kept:
                return None
            nonce = secrets.token_hex(_NONCE_BYTES)
            payload, taken = self._render(kept, footer_id(nonce), self._now())
            carried = [item.owed for item in kept[:taken]]
            return await claim(tx, carried, nonce=nonce, payload=json.dumps(payload), epoch=epoch, now=self._now())

    async def _carry_through(self, message: Message, *, is_doubtful: bool = False) -> bool:
        """Send a message until its fate is known; return whether it arrived.

        It is doubtful once an earlier try may have arrived: a refusal tells only about the try that was refused.
        """
        for wait in (0.0, *_RETRY_AFTER):
            if self._now() + timedelta(seconds=wait) - message.first_try_at >= NONCE_WINDOW:
                break
            if wait:
                await self._sleep(wait)
            try:
                discord_id = await self._sender.post(message.channel_id, json.loads(message.payload), message.nonce)
            except Refused as refusal:
                if not is_doubtful:
                    await self._give_back(message, refusal)
                    return False
                if refusal.is_lasting:
                    return await self._look_for(message, refusal)
            except Uncertain as doubt:
                is_doubtful = True
                _LOG.warning("A reminder may not have arrived (%s); trying again with the same nonce", doubt)
            else:
                await self._mark_sent(message, discord_id)
                return True
        return await self._look_for(message)

    async def _look_for(self, message: Message, refusal: Refused | None = None) -> bool:
        """Look a message up in its channel once its nonce may be forgotten, or the channel refuses to tell by it."""
        try:
            found = await self._sender.find(message.channel_id, footer_id(message.nonce), message.first_try_at)
        except Uncertain:
            return False
        except Refused:
            found = None
        if found is not None:
            await self._mark_sent(message, found)
            return True
        if refusal is not None:
            await self._give_back(message, refusal)
            return False
        async with self._database.begin() as tx:
            await dissolve(tx, message, is_late=True)
        return False

    async def _mark_sent(self, message: Message, discord_id: int | None) -> None:
        async def mark() -> None:
            async with self._database.begin() as tx:
                await mark_sent(tx, message, discord_id)

        # A stop must not come between Discord's answer and this mark.
        await asyncio.shield(mark())
        _LOG.info("Sent a reminder to channel %s", message.channel_id)

    async def _give_back(self, message: Message, refusal: Refused) -> None:
        now = self._now()
        async with self._database.begin() as tx:
            await dissolve(tx, message, is_late=False)
            before = await get_target(tx, message.channel_id)
            failures = before.failures + 1 if before else 1
            waits = _REFUSED_WAITS if refusal.is_lasting else _TRANSIENT_WAITS
            wait = waits[min(failures, len(waits)) - 1]
            since = before.failing_since if before else now
            target = Target(message.guild_id, message.channel_id, failures, since, now + wait, str(refusal))
            await put_target(tx, target)
        _LOG.warning("Channel %s takes no reminder (%s); next try in %s", message.channel_id, refusal, wait)


def _is_still_owed(item: Item) -> bool:
    """Whether somebody still watches, and a step is about the token that the account has now."""
    if item.owed.kind is Kind.BLIND or item.watch is None:
        return item.watch is not None
    if item.known is None:
        return False
    token = item.known.token
    return item.owed.kind is not Kind.STEP or (token is not None and token.id == item.owed.ref)


def _watch_for(owed: Owed, watches: Sequence[Watch]) -> Watch | None:
    """Return the watch that asks for this: the one on the account itself, else the one on all."""
    fitting = [watch for watch in watches if watch.account_id == owed.account_id or watch.is_for_all]
    if owed.kind is Kind.BLIND:
        fitting = list(watches)
    return min(fitting, key=lambda watch: watch.is_for_all, default=None)
