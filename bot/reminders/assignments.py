"""Assigns people who press *I'm on it*, finds out who of them renews, and ends the assignments of leavers."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.assignments import Assignment, Subject
from bot.core.entries import Entry
from bot.core.messages import Message
from bot.core.rules import NOTHING_HEARD, asks_for_renewal
from bot.reminders.context import Context, Refused, Uncertain
from bot.reminders.loading import load_entries
from bot.store.accounts import get_snapshots
from bot.store.assignments import (
    delete_assignment,
    delete_assignments_of,
    get_assigned_users,
    get_lately_assigned,
    put_assignment,
)
from bot.store.heard import get_heard
from bot.store.messages import get_carried, schedule_edit
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


async def load_renewing(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> set[str]:
    """Return the accounts whose logins people in these guilds may be renewing: assigned lately, and not renewed yet."""
    assigned = await get_lately_assigned(tx, guild_ids, now)
    if not assigned:
        return set()
    snapshots = await get_snapshots(tx, {account_id for _, account_id in assigned})
    heard = await get_heard(tx, {channel_id for channel_id, _ in assigned}, now, by_channel=True)
    return {pair[1] for pair in assigned if asks_for_renewal(heard.get(pair, NOTHING_HEARD), snapshots[pair[1]], now)}


async def load_open_entries(tx: AsyncConnection, message: Message, now: datetime) -> list[Entry]:
    """Return the accounts of a message that somebody can be assigned to, one entry each, most urgent first."""
    entries = await load_entries(tx, await get_carried(tx, message), now)
    by_subject: dict[Subject, Entry] = {}
    for entry in entries:
        if entry.needs_action and entry.snapshot is not None:
            by_subject.setdefault(entry.subject, entry)
    return list(by_subject.values())


async def assign(tx: AsyncConnection, message: Message, entries: Sequence[Entry], user_id: int, now: datetime) -> bool:
    """Assign a person to these accounts of a message; return whether all were the person's, and are handed back now."""
    is_handed_back = all(entry.assignment and entry.assignment.user_id == user_id for entry in entries)
    for entry in entries:
        if is_handed_back:
            await delete_assignment(tx, message.channel_id, entry.subject)
        else:
            await put_assignment(tx, message.guild_id, message.channel_id, entry.subject, Assignment(user_id, now))
    # If Discord loses the edit, the next poll makes it.
    await schedule_edit(tx, message, now)
    return is_handed_back
