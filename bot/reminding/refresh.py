"""Keeps what was sent true: edits reminders whose reason has changed, so that no stale alert stays in a channel."""

import logging
from datetime import timedelta

from bot.reminding.items import load_items
from bot.reminding.sending import Outbox, Refused, Uncertain, footer_id
from bot.reminding.side_by_side import SideBySide
from bot.store.messages import Message, get_carried, get_outdated, mark_edited

_LOG = logging.getLogger(__name__)

_AGAIN_AFTER = timedelta(hours=1)
# Older than a login's life, a reminder misleads nobody any more.
_WORTH_IT_FOR = timedelta(days=30)
_AT_ONCE = 16


class Refresh:
    """Edits each outdated message once; what fails is left for a later pass and never posted anew."""

    def __init__(self, outbox: Outbox) -> None:
        self._database, self._servers = outbox.database, outbox.servers
        self._sender, self._rendering = outbox.sender, outbox.rendering
        self._now = outbox.now
        self._messages = SideBySide("Editing a reminder", at_once=_AT_ONCE)

    async def edit_outdated(self) -> None:
        """Edit every message that is outdated by now."""
        async with self._database.begin() as tx:
            outdated = await get_outdated(tx, self._now())
        served = [message for message in outdated if message.guild_id in self._servers.listed]
        await self._messages.each(self._edit, served)

    async def _edit(self, message: Message) -> None:
        assert message.discord_id is not None
        async with self._database.begin() as tx:
            items = await load_items(tx, await get_carried(tx, message))
        payload = self._rendering.render_again(items, footer_id(message.nonce), self._now())
        edit_at = None
        try:
            await self._sender.edit(message.channel_id, message.discord_id, payload)
        except Refused as refusal:
            if not refusal.is_gone and self._now() - message.first_try_at < _WORTH_IT_FOR:
                edit_at = self._now() + _AGAIN_AFTER
            _LOG.warning("A reminder in channel %s can't be edited (%s)", message.channel_id, refusal)
        except Uncertain as doubt:
            _LOG.warning("A reminder may not have been edited (%s); the next pass tries again", doubt)
            if self._now() - message.first_try_at < _WORTH_IT_FOR:
                return
        async with self._database.begin() as tx:
            await mark_edited(tx, message, edit_at)
