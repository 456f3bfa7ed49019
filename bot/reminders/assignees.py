"""Ends the assignments of people who have left the server, before a reminder would mention them instead of the role."""

import logging

from bot.reminders.context import Context, Refused, Uncertain
from bot.store.assignments import delete_assignments_of, get_assigned_users
from bot.store.notifications import get_pending_channels

_LOG = logging.getLogger(__name__)


async def end_assignments_of_leavers(context: Context) -> None:
    """Look up the people who are assigned where notifications are pending; end the assignments of those who left."""
    async with context.database.begin() as tx:
        channel_ids = await get_pending_channels(tx, context.access.listed)
        assigned = await get_assigned_users(tx, channel_ids)
    now = context.now()
    for guild_id, user_id in sorted({(guild_id, one.user_id) for guild_id, one in assigned if one.is_current(now)}):
        try:
            is_member = await context.sender.is_member(guild_id, user_id)
        except (Refused, Uncertain) as error:
            _LOG.warning("Whether user %s is still in server %s can't be seen now (%s)", user_id, guild_id, error)
            continue
        if not is_member:
            async with context.database.begin() as tx:
                await delete_assignments_of(tx, guild_id, user_id)
            _LOG.info("User %s has left server %s and is not assigned any more", user_id, guild_id)
