"""Forgets accounts that the API lists no more, so that an API that invents accounts can't fill the database."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notifications import State
from bot.store.slices import sliced
from bot.store.tables import (
    accounts,
    assignments,
    credit_levels,
    heard,
    incidents,
    logins,
    messages,
    notes,
    notifications,
    subscriptions,
)

FORGOTTEN_AFTER = timedelta(days=30)
# As many as a list may hold.
MAX_UNLISTED = 20_000
_FIRST_BEYOND_LIMIT = (
    sa.select(accounts.c.read_at)
    .where(accounts.c.read_at < sa.bindparam("now"))
    .order_by(accounts.c.read_at.desc())
    .offset(sa.bindparam("most", type_=sa.Integer))
    .limit(1)
)
_SUBSCRIBED_ACCOUNTS = sa.select(subscriptions.c.account_id).where(subscriptions.c.account_id.is_not(None))
_ACCOUNTS_IN_FLIGHT = sa.select(notifications.c.account_id).where(
    notifications.c.state == State.SENDING, notifications.c.account_id.is_not(None)
)
_FORGOTTEN = sa.select(accounts.c.account_id).where(
    accounts.c.read_at <= sa.bindparam("until"),
    accounts.c.account_id.not_in(_SUBSCRIBED_ACCOUNTS),
    accounts.c.account_id.not_in(sa.select(notes.c.account_id)),
    accounts.c.account_id.not_in(_ACCOUNTS_IN_FLIGHT),
)
_ANY_FORGOTTEN = _FORGOTTEN.limit(1)
_CARRYING_MESSAGES = sa.select(notifications.c.message_id).where(notifications.c.account_id.in_(_FORGOTTEN)).distinct()


async def forget_accounts(tx: AsyncConnection, now: datetime, most: int = MAX_UNLISTED) -> None:
    """Delete everything about accounts that nobody has subscribed to and that no list held for 30 days.

    An account with a note or with a notification in flight stays.

    Args:
        tx: a transaction.
        now: the time of the last list.
        most: how many accounts that the last list did not hold may stay, those that were listed last.
    """
    too_many: datetime | None = (await tx.execute(_FIRST_BEYOND_LIMIT, {"now": now, "most": most})).scalar()
    long_ago = now - FORGOTTEN_AFTER
    values = {"until": long_ago if too_many is None else max(long_ago, too_many)}
    if (await tx.execute(_ANY_FORGOTTEN, values)).first() is None:
        return
    message_ids = (await tx.execute(_CARRYING_MESSAGES, values)).scalars().all()
    for table in (notifications, heard, assignments, incidents, credit_levels, logins, accounts):
        await tx.execute(table.delete().where(table.c.account_id.in_(_FORGOTTEN)), values)
    still_carries = sa.exists().where(notifications.c.message_id == messages.c.id)
    for some in sliced(message_ids):
        await tx.execute(messages.delete().where(messages.c.id.in_(some), ~still_carries))
