"""Does it once: groups what is owed into messages, sends them, and finds out what became of them.

A crash at any point neither loses nor doubles: a message is stored, with its nonce, before it is sent.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.reminding.backing_off import count_refusal, longest_waits
from bot.reminding.items import load_items
from bot.reminding.sending import Outbox, Refused, Uncertain, footer_id, new_nonce
from bot.reminding.side_by_side import SideBySide
from bot.store.deliveries import drop, drop_overdue, get_pending, get_ready_channels
from bot.store.leader import ensure_leads
from bot.store.messages import Message, claim, dissolve, get_unsettled, mark_sent
from bot.store.targets import get_target, put_target

_LOG = logging.getLogger(__name__)

# Discord remembers a nonce for "a few minutes"; within this time the same one can't make a second message.
NONCE_WINDOW = timedelta(seconds=120)
# Between the clocks of two machines, or before and after a small correction.
_CLOCKS_APART = timedelta(seconds=5)
_RETRY_AFTER = (2.0, 10.0, 30.0, 60.0)
# So many that a slow channel holds nobody up; so few that none waits long for its turn at the limiter.
_AT_ONCE = 64
_GIVE_UP_AFTER = timedelta(days=7)


class Delivery:
    """Sends what is owed, one message a channel at a time, all channels side by side."""

    def __init__(self, outbox: Outbox, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._database, self._servers = outbox.database, outbox.servers
        self._sender, self._rendering = outbox.sender, outbox.rendering
        self._now, self._notes = outbox.now, outbox.notes
        self._sleep = sleep
        self._channels = SideBySide("Delivery to a channel", at_once=_AT_ONCE)

    async def settle(self) -> None:
        """Find out what became of messages that an earlier run, or an outage, left under way."""
        async with self._database.begin() as tx:
            unsettled = [one for one in await get_unsettled(tx) if one.guild_id in self._servers.listed]
        await self._channels.each(lambda message: self._carry_through(message, is_doubtful=True), unsettled)

    async def send_due(self, epoch: int, until: datetime | None = None) -> bool:
        """Send what is owed and may be sent now, but nothing after `until`; return whether that cut it short."""
        async with self._database.begin() as tx:
            channels = await get_ready_channels(tx, self._servers.listed, self._now(), longest_waits())
        await self._channels.each(lambda channel_id: self._send_to(channel_id, epoch, until), channels)
        return until is not None and self._now() > until

    async def _send_to(self, channel_id: int, epoch: int, until: datetime | None) -> None:
        while until is None or self._now() <= until:
            message = await self._claim_next(channel_id, epoch)
            if message is None or not await self._carry_through(message):
                return

    async def _claim_next(self, channel_id: int, epoch: int) -> Message | None:
        async with self._database.begin() as tx:
            await ensure_leads(tx, epoch)
            items = await load_items(tx, await get_pending(tx, channel_id))
            kept = [item for item in items if item.is_owed]
            await drop(tx, [item.owed.id for item in items if item not in kept])
            if not kept:
                return None
            nonce = new_nonce()
            payload, taken = self._rendering.render(kept, footer_id(nonce), self._now())
            carried = [item.owed for item in kept[:taken]]
            return await claim(tx, carried, nonce=nonce, payload=json.dumps(payload), epoch=epoch, now=self._now())

    async def _carry_through(self, message: Message, *, is_doubtful: bool = False) -> bool:
        """Send a message until its fate is known; return whether it arrived.

        It is doubtful once an earlier try may have arrived: a refusal tells only about the try that was refused.
        """
        for wait in (0.0, *_RETRY_AFTER):
            since = self._now() + timedelta(seconds=wait) - message.first_try_at
            # A clock that was set back tells nothing of how long ago that was.
            if not -_CLOCKS_APART <= since < NONCE_WINDOW:
                break
            if wait:
                self._notes.retried("delivery")
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
        except Uncertain as doubt:
            _LOG.warning("Whether a reminder arrived can't be seen now (%s); looking again in the next pass", doubt)
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
        now = self._now()

        async def mark() -> list[datetime]:
            async with self._database.begin() as tx:
                return await mark_sent(tx, message, discord_id, now)

        # A stop must not come between Discord's answer and this mark.
        for due_at in await asyncio.shield(mark()):
            self._notes.delivered(now - due_at)
        _LOG.info("Sent a reminder to channel %s", message.channel_id)

    async def _give_back(self, message: Message, refusal: Refused) -> None:
        now = self._now()
        async with self._database.begin() as tx:
            await dissolve(tx, message, is_late=False)
            before = await get_target(tx, message.channel_id)
            target = count_refusal(before, refusal, (message.guild_id, message.channel_id), now)
            if target.failing_since < now - _GIVE_UP_AFTER:
                # Here and not by age alone: after a long time off, all is old that was never refused.
                await drop_overdue(tx, message.channel_id, now - _GIVE_UP_AFTER)
            await put_target(tx, target)
        wait = target.next_try_at - now
        _LOG.warning("Channel %s takes no reminder (%s); next try in %s", message.channel_id, refusal, wait)
