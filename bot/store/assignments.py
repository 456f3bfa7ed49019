"""Saves and loads assignments."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.assignments import RENEWING_FOR, Assignment, Subject
from bot.core.logins import Login
from bot.store.slices import execute_each
from bot.store.tables import accounts, assignments, insert_into

_ASSIGNMENTS_IN_CHANNELS = sa.select(assignments).where(
    assignments.c.channel_id.in_(sa.bindparam("channels", expanding=True))
)
_LATELY_ASSIGNED = (
    sa.select(assignments.c.channel_id, assignments.c.account_id)
    .join(accounts, accounts.c.account_id == assignments.c.account_id)
    .where(
        assignments.c.guild_id.in_(sa.bindparam("guilds", expanding=True)),
        assignments.c.assigned_at > sa.bindparam("since"),
        assignments.c.assigned_at <= sa.bindparam("now"),
        assignments.c.login_id == sa.func.coalesce(accounts.c.login_id, 0),
    )
)

_DELETE_OTHERS = assignments.delete().where(
    assignments.c.account_id == sa.bindparam("of_account"),
    assignments.c.login_id != sa.bindparam("login"),
    assignments.c.login_id != sa.bindparam("before"),
)


async def get_assignments(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[tuple[int, Subject], Assignment]:
    """Return the assignments in these channels, by channel and subject."""
    rows = await tx.execute(_ASSIGNMENTS_IN_CHANNELS, {"channels": list(channel_ids)})
    return {
        (row.channel_id, Subject(row.account_id, row.login_id)): Assignment(row.user_id, row.assigned_at)
        for row in rows
    }


async def get_assigned_users(tx: AsyncConnection, channel_ids: Collection[int]) -> list[tuple[int, Assignment]]:
    """Return the assignments in these channels, each with its guild."""
    rows = await tx.execute(_ASSIGNMENTS_IN_CHANNELS, {"channels": list(channel_ids)})
    return [(row.guild_id, Assignment(row.user_id, row.assigned_at)) for row in rows]


async def get_lately_assigned(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> list[tuple[int, str]]:
    """Return the channels and accounts of these guilds with people who were assigned lately, to the present login."""
    values = {"guilds": list(guild_ids), "since": now - RENEWING_FOR, "now": now}
    return [(row.channel_id, row.account_id) for row in await tx.execute(_LATELY_ASSIGNED, values)]


async def delete_assignments_of(tx: AsyncConnection, guild_id: int, user_id: int) -> None:
    """End all assignments of a user in a guild."""
    where = (assignments.c.guild_id == guild_id) & (assignments.c.user_id == user_id)
    await tx.execute(assignments.delete().where(where))


async def put_assignment(
    tx: AsyncConnection, guild_id: int, channel_id: int, subject: Subject, assignment: Assignment
) -> None:
    """Assign somebody in a channel, in place of the person before."""
    key = {"guild_id": guild_id, "channel_id": channel_id, **subject._asdict()}
    values = {"user_id": assignment.user_id, "assigned_at": assignment.assigned_at}
    insert = insert_into(tx, assignments).values(**key, **values)
    await tx.execute(insert.on_conflict_do_update(index_elements=list(key), set_=values))


async def delete_assignment(tx: AsyncConnection, channel_id: int, subject: Subject) -> None:
    """End the assignment of a subject in a channel."""
    where = (
        (assignments.c.channel_id == channel_id)
        & (assignments.c.account_id == subject.account_id)
        & (assignments.c.login_id == subject.login_id)
    )
    await tx.execute(assignments.delete().where(where))


async def delete_other_assignments(tx: AsyncConnection, renewed: Iterable[Login]) -> None:
    """End all assignments of the accounts of these logins, but those to each login and to the one that it replaced."""
    rows = [{"of_account": one.account_id, "login": one.id, "before": one.previous_id} for one in renewed]
    await execute_each(tx, _DELETE_OTHERS, rows)
