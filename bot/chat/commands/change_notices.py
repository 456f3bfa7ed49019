"""Posts to a channel what somebody has changed about its reminders."""

import logging

from bot.core.changes import Change
from bot.core.messages import OutgoingMessage, new_nonce
from bot.reminders.context import Context, Refused, Uncertain

_LOG = logging.getLogger(__name__)


class ChangeNotices:
    """Posts one small line a change, which notifies nobody."""

    def __init__(self, context: Context) -> None:
        self._sender = context.sender

    async def post(self, guild_id: int, user_id: int, change: Change) -> None:
        """Post who has changed what; a channel that refuses it goes without."""
        message = OutgoingMessage(f"-# <@{user_id}> {change.news}", is_silent=True)
        try:
            await self._sender.post(change.channel_id, message, new_nonce(), guild_id=guild_id)
        except (Refused, Uncertain) as error:
            _LOG.info("Channel %s may not show that a reminder was changed (%s)", change.channel_id, error)
